"""The Anthropic wire format: messages with their streams, the counting of tokens, and prompt caching."""

from fake_http import Refused, Reply, between, needed, new_id, unknown, whole_number
from fake_model import asked_in, cut, pieces, rendered, said_in

FIELDS = {
    "model", "messages", "max_tokens", "system", "metadata", "stop_sequences", "stream", "tools", "tool_choice",
    "thinking", "service_tier", "cache_control", "output_config",
}  # fmt: skip
# Since 2026-10-21 no model takes a temperature any more, not even the default; Anthropic's SDK sends this version.
VERSIONS = {"2023-06-01": {"temperature", "top_k", "top_p"}, "2026-10-21": set()}
REASONS = {"stop": "end_turn", "length": "max_tokens"}


def models(server):
    """Return the reply to GET /v1/models."""
    about = [
        {"type": "model", "id": m, "display_name": m, "created_at": "2026-01-01T00:00:00Z"}
        for m in sorted(server.models)
    ]
    ids = [m["id"] for m in about]
    return Reply({"data": about, "has_more": False, "first_id": ids[0], "last_id": ids[-1]})


def check(server, body, *, version, counting=False):
    """Refuse what Anthropic refuses in a version of its API."""
    needed(body, "model", "messages", *(() if counting else ("max_tokens",)))
    unknown(body, FIELDS | VERSIONS[version], "{}: Extra inputs are not permitted")
    if body["model"] not in server.models:
        raise Refused(404, "not_found_error", f"model: {body['model']}")
    between(body, "temperature", 0, 1)
    between(body, "top_p", 0, 1)
    whole_number(body, "max_tokens", 1, 1)
    turns = body["messages"]
    if not isinstance(turns, list) or not turns or any(m.get("role") not in {"user", "assistant"} for m in turns):
        message = 'messages: Unexpected role. The Messages API accepts a top-level `system` parameter, not "system".'
        raise Refused(400, "invalid_request_error", message)
    if turns[0]["role"] != "user":
        raise Refused(400, "invalid_request_error", "messages: first message must use the user role")
    if any(not said_in(m).strip() for m in turns[:-1]):
        raise Refused(400, "invalid_request_error", "messages: text content blocks must be non-empty")
    if len(marked(body)) > 4:
        raise Refused(400, "invalid_request_error", "A maximum of 4 blocks with cache_control may be provided.")


def blocks(body):
    """Return every block of a request in the order in which it is read, as (text, whether a cache may end there)."""
    system = body.get("system") or []
    contents = [system, *(m["content"] for m in body["messages"])]
    found = []
    for content in contents:
        listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found += [(block.get("text", ""), bool(block.get("cache_control"))) for block in listed]
    return found


def marked(body):
    """Return how much of the request, as a text, comes before each mark of ``cache_control``."""
    found, read = [], ""
    for words, mark in blocks(body):
        read += words
        if mark:
            found.append(read)
    return found


def tokens(body):
    """Return the tokens that a request brings."""
    system = body.get("system")
    first = [{"role": "system", "content": system}] if system else []
    return len(pieces(rendered([*first, *body["messages"]])))


def usage_of(server, body, used):
    """Return the tokens as they are charged: what a mark ends is written to the cache, and read from it later."""
    count, read, written = tokens(body), 0, 0
    for prefix in marked(body):
        length = len(pieces(prefix))
        if length < server.cache_from:
            continue
        if server.seen(prefix.encode()):
            read = length
        else:
            written = length - read
    return {"input": count - read - written, "cached_input": read, "cache_write": written, "output": used}


def usage_fields(usage):
    """Return charged tokens as Anthropic tells them."""
    return {
        "input_tokens": usage["input"],
        "cache_creation_input_tokens": usage["cache_write"],
        "cache_read_input_tokens": usage["cached_input"],
        "cache_creation": {"ephemeral_5m_input_tokens": usage["cache_write"], "ephemeral_1h_input_tokens": 0},
        "output_tokens": usage["output"],
        "service_tier": "standard",
    }


def messages(server, body, *, empty=False):
    """Return the reply to POST /v1/messages."""
    said, used, why = (
        ("", 0, "stop") if empty else cut(server.model.answer(asked_in(body["messages"])), body["max_tokens"])
    )
    usage = usage_of(server, body, used)
    about = {
        "id": new_id("msg_"), "type": "message", "role": "assistant", "model": body["model"],
        "content": [{"type": "text", "text": said}] if said else [], "stop_reason": REASONS[why],
        "stop_sequence": None, "usage": usage_fields(usage),
    }  # fmt: skip
    if body.get("stream"):
        return Reply(stream(about, said), kind="text/event-stream", usage=usage)
    return Reply(about, usage=usage)


def count(body):
    """Return the reply to POST /v1/messages/count_tokens, for which nothing is charged."""
    return Reply({"input_tokens": tokens(body)})


def stream(about, said):
    """Return the events of a streamed message."""
    opened = {**about, "content": [], "stop_reason": None, "usage": {**about["usage"], "output_tokens": 1}}
    events = [("message_start", {"message": opened})]
    events.append(("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}))
    events.append(("ping", {}))
    waiting = b""
    for piece in pieces(said):
        waiting += piece
        try:
            delta, waiting = waiting.decode(), b""
        except UnicodeDecodeError:  # half a character waits for its other half
            continue
        events.append(("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": delta}}))
    events.append(("content_block_stop", {"index": 0}))
    ended = {"stop_reason": about["stop_reason"], "stop_sequence": None}
    events.append(("message_delta", {"delta": ended, "usage": {"output_tokens": about["usage"]["output_tokens"]}}))
    events.append(("message_stop", {}))
    return [(name, {"type": name, **data}) for name, data in events]
