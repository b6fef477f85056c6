"""The OpenAI wire format: chat and raw completions, with log-probabilities, echo and streams, and the model list."""

import time

from fake_http import Refused, Reply, between, needed, new_id, unknown, whole_number
from fake_model import asked_in, cut, pieces, rendered, shown, token_id

CHAT_FIELDS = {
    "messages", "model", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "max_tokens",
    "max_completion_tokens", "n", "presence_penalty", "response_format", "seed", "stop", "stream", "stream_options",
    "temperature", "top_p", "tools", "tool_choice", "user", "metadata", "store", "service_tier", "prompt_cache_key",
    "safety_identifier", "reasoning_effort", "parallel_tool_calls",
}  # fmt: skip
VLLM_FIELDS = {"prompt_logprobs", "add_generation_prompt", "continue_final_message", "echo", "return_token_ids"}
TEXT_FIELDS = {
    "prompt", "model", "best_of", "echo", "frequency_penalty", "logit_bias", "logprobs", "max_tokens", "n",
    "presence_penalty", "seed", "stop", "stream", "stream_options", "suffix", "temperature", "top_p", "user",
}  # fmt: skip


def models(server):
    """Return the reply to GET /v1/models."""
    about = [{"id": m, "object": "model", "created": 1_700_000_000, "owned_by": "test"} for m in sorted(server.models)]
    return Reply({"object": "list", "data": about})


def check(server, body, fields):
    """Refuse what OpenAI refuses of either kind of completion."""
    needed(body, "model")
    unknown(body, fields | (VLLM_FIELDS if server.prompt_logprobs != "unknown" else set()))
    if body["model"] not in server.models:
        message = f"The model `{body['model']}` does not exist or you do not have access to it."
        raise Refused(404, "invalid_request_error", message, code="model_not_found")
    between(body, "temperature", 0, 2)
    between(body, "top_p", 0, 1)
    if body.get("n", 1) != 1:
        raise Refused(400, "invalid_request_error", "n: this server makes one choice")


def check_chat(server, body):
    """Refuse what OpenAI refuses of a chat."""
    needed(body, "messages")
    check(server, body, CHAT_FIELDS)
    roles = {"system", "developer", "user", "assistant", "tool"}
    messages = body["messages"]
    if not isinstance(messages, list) or not messages or any(m.get("role") not in roles for m in messages):
        raise Refused(400, "invalid_request_error", "messages: must be turns of known roles", code="invalid_value")
    between(body, "top_logprobs", 0, server.most_top)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refused(400, "invalid_request_error", "top_logprobs is allowed only when logprobs is enabled")
    if body.get("logprobs") and server.logprobs == "refused":
        raise Refused(403, "invalid_request_error", "You are not allowed to request logprobs from this model")


def most_of(body, default=4096):
    """Return the most tokens that an answer may have."""
    return whole_number(body, "max_completion_tokens", 1, whole_number(body, "max_tokens", 1, default))


def chat_tokens(body):
    """Return the tokens that a chat brings."""
    return len(pieces(rendered(body["messages"])))


def usage_of(server, body, used):
    """Return the tokens of a chat as they are charged; a start seen before is cached, as OpenAI does by itself."""
    count = chat_tokens(body)
    prefix = rendered(body["messages"][:-1], open_turn=False)
    shared = len(pieces(prefix)) // 128 * 128
    cached = shared if count >= server.cache_from and server.seen(prefix) else 0
    return {"input": count - cached, "cached_input": cached, "cache_write": 0, "output": used}


def usage_fields(usage):
    """Return charged tokens as OpenAI tells them."""
    count = usage["input"] + usage["cached_input"]
    return {
        "prompt_tokens": count,
        "completion_tokens": usage["output"],
        "total_tokens": count + usage["output"],
        "prompt_tokens_details": {"cached_tokens": usage["cached_input"], "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def chat(server, body, *, empty=False):
    """Return the reply to POST /v1/chat/completions."""
    asked = asked_in(body["messages"])
    text, used, why = cut("" if empty else server.model.answer(asked), most_of(body))
    usage = usage_of(server, body, used)
    tells = body.get("logprobs") and server.logprobs == "full"
    log_probs = {"content": content(server, asked, text, body.get("top_logprobs") or 0)} if tells else None
    about = {
        "id": new_id("chatcmpl-"), "object": "chat.completion", "created": int(time.time()), "model": body["model"],
        "system_fingerprint": "fp_test", "service_tier": "default",
    }  # fmt: skip
    if body.get("stream"):
        return Reply(stream(about, text, why, log_probs, body, usage), kind="text/event-stream", usage=usage)
    message = {"role": "assistant", "content": text, "refusal": None, "annotations": []}
    choice = {"index": 0, "message": message, "logprobs": log_probs, "finish_reason": why}
    about |= {"choices": [choice], "usage": usage_fields(usage)}
    if body.get("prompt_logprobs") is not None:
        about["prompt_logprobs"] = prompt_log_probs(server, body) if server.prompt_logprobs == "full" else None
    return Reply(about, usage=usage)


def item(piece, log_prob):
    """Return a token of a chat's log-probabilities."""
    return {"token": shown(piece), "logprob": log_prob, "bytes": list(piece)}


def content(server, asked, text, count):
    """Return the log-probabilities of an answer's tokens, without the end of the turn, as OpenAI does."""
    found, said = [], b""
    for piece in pieces(text):
        log_prob, _ = server.model.score(asked, said, piece)
        top = [item(*choice) for choice in server.model.choices(asked, said, count)]
        found.append({**item(piece, log_prob), "top_logprobs": top})
        said += piece
    return found


def prompt_log_probs(server, body):
    """Return vLLM's log-probabilities of a conversation: for each token, itself and the likeliest, by their ids."""
    opened = body.get("add_generation_prompt", True) and not body.get("continue_final_message")
    text = rendered(body["messages"], open_turn=opened)
    if body.get("continue_final_message"):
        text = text.removesuffix(b"<|im_end|>\n")
    found = [None]
    for piece, log_prob, rank, top in server.model.read(text, body["prompt_logprobs"])[1:]:
        returned = {piece: (log_prob, rank)} | {p: (value, i + 1) for i, (p, value) in enumerate(top)}
        found.append(
            {
                str(token_id(p)): {"logprob": value, "rank": place, "decoded_token": p.decode(errors="replace")}
                for p, (value, place) in returned.items()
            }
        )
    return found


def stream(about, text, why, log_probs, body, usage):
    """Return the events of a streamed chat."""
    about = {**about, "object": "chat.completion.chunk"}

    def chunk(delta, reason=None, returned=None):
        choice = {"index": 0, "delta": delta, "logprobs": returned, "finish_reason": reason}
        return None, {**about, "choices": [choice]}

    events = [chunk({"role": "assistant", "content": "", "refusal": None})]
    said = b""
    for place, piece in enumerate(pieces(text)):
        said += piece
        returned = {"content": [log_probs["content"][place]], "refusal": None} if log_probs else None
        try:
            delta, said = said.decode(), b""
        except UnicodeDecodeError:  # half a character waits for its other half
            delta = ""
        events.append(chunk({"content": delta}, returned=returned))
    events.append(chunk({}, why))
    if (body.get("stream_options") or {}).get("include_usage"):
        events.append((None, {**about, "choices": [], "usage": usage_fields(usage)}))
    return [*events, (None, "[DONE]")]


def check_text(server, body):
    """Refuse what OpenAI refuses of a raw completion."""
    needed(body, "prompt")
    check(server, body, TEXT_FIELDS)
    whole_number(body, "logprobs", 0, 0)
    if body.get("logprobs") is not None and server.logprobs == "refused":
        raise Refused(400, "invalid_request_error", "logprobs: not supported")
    if body.get("echo") and server.echo == "refused":
        raise Refused(400, "invalid_request_error", "Setting 'echo' and 'logprobs' at the same time is not supported")


def text_tokens(body):
    """Return the tokens that a raw completion brings."""
    return sum(len(pieces(prompt)) for prompt in prompts_of(body))


def prompts_of(body):
    """Return the prompts of a raw completion."""
    found = body["prompt"] if isinstance(body["prompt"], list) else [body["prompt"]]
    if not all(isinstance(prompt, str) for prompt in found):
        raise Refused(400, "invalid_request_error", "prompt: this server takes texts")
    return found


def text(server, body, *, empty=False):
    """Return the reply to POST /v1/completions."""
    most = whole_number(body, "max_tokens", 0, 16)
    choices, used = [], 0
    for index, prompt in enumerate(prompts_of(body)):
        choice, count = completed(server, body, prompt, 0 if empty else most)
        choices.append({"index": index, **choice})
        used += count
    usage = {"input": text_tokens(body), "cached_input": 0, "cache_write": 0, "output": used}
    about = {
        "id": new_id("cmpl-"), "object": "text_completion", "created": int(time.time()), "model": body["model"],
        "choices": choices, "usage": usage_fields(usage), "system_fingerprint": "fp_test",
    }  # fmt: skip
    if body.get("stream"):
        return Reply([(None, about), (None, "[DONE]")], kind="text/event-stream", usage=usage)
    return Reply(about, usage=usage)


def completed(server, body, prompt, most):
    """Return the choice that goes on from a text, and how many tokens it adds."""
    given = prompt.encode()
    asked, start = server.model.place(given)
    new, why = b"", "length"
    for _ in range(most):
        piece = server.model.next(asked, given[start:] + new)
        if piece == b"<|im_end|>":
            why = "stop"
            break
        new += piece
    echoes = body.get("echo") and server.echo == "full"
    whole = given + new if echoes else new
    count, tells = body.get("logprobs"), server.logprobs == "full"
    read = server.model.read(given + new, count or 0) if count is not None and tells else []
    if read and not echoes:
        read = read[len(pieces(given)) :]
    log_probs = raw_log_probs(read, first=bool(echoes)) if read else None
    return {"text": whole.decode(), "logprobs": log_probs, "finish_reason": why}, len(pieces(new))


def raw_log_probs(read, *, first):
    """Return the log-probabilities of a raw completion; nothing is returned of the ``first`` token of a text."""
    offsets, place = [], 0
    for piece, *_ in read:
        offsets.append(place)
        place += len(piece.decode(errors="ignore"))
    skip = 1 if first else 0
    return {
        "tokens": [raw(piece) for piece, *_ in read],
        "token_logprobs": [None] * skip + [log_prob for _, log_prob, *_ in read[skip:]],
        "top_logprobs": [None] * skip + [{raw(p): value for p, value in top} for *_, top in read[skip:]],
        "text_offset": offsets,
    }


def raw(piece):
    """Return a token as raw completions write it."""
    name = shown(piece)
    return name if piece == name.encode() else f"bytes:{name}"
