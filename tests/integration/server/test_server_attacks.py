"""Attacks by names, bodies and keys: each group is counted and leaves the server unharmed."""

import hashlib
import json
from urllib.parse import quote

import httpx
import pytest
from attacks import ASKED, CHAT, HELLO, TEXT, head, judged, post, raw, refused, statuses

SCALARS = ["1e400", "-1e400", "1" + "0" * 5000, "NaN", "Infinity", "-Infinity", "true", '"1"', "1.5e-400x", "[]", "{}"]
HALF = "\ud800"

pytestmark = pytest.mark.usefixtures("unharmed")

NAMES = [
    "../", "..", ".", "../../etc/passwd", "/etc/passwd", "/", "//", "C:\\x", "file:///etc/passwd", "~", "~root",
    "a\0b", "\0", "action\0", "action\n", "action\r\nX: y", "\x7f", "%2e%2e%2f", "..%2f", "%00", "action%40prod",
    ".lock", "action/1", "action/1/adapters", "action/1/adapters.safetensors", "action/aliases.json", "aliases.json",
    "./action", "action/", "action/.", "ACTION", " action", "action ", "action@", "@prod", "@", "action@0", "action@01",
    "action@-1", "action@1.0", "action@1e0", "action@99999999999999999999", "action@prod@prod", "action@../1",
    "action@prod/..", "base@1", "base@current", "base/", "\uff41ction", "\u0430ction", "acti\u043en", "action\u200b",
    "\u202eaction", "ac\u0301tion", "action@\uff11", "action@①", "base\u0000", HALF, "nul", "__class__", "{}", "$HOME",
    "${jndi:ldap://127.0.0.1/x}", "a" * 64 + "b", "a" * 257, "a" * 1_000_000, "🐚" * 1000,
]  # fmt: skip


def test_no_name_becomes_a_path(target):
    admin = ["load", "unload", "pin", "unpin", "promote"]
    bodies = [(CHAT, {"messages": HELLO}), (TEXT, {"prompt": "a"}), *((f"/admin/{what}", {}) for what in admin)]
    cases = [(path, body | {"model": name}) for path, body in bodies for name in NAMES]
    judged("names in bodies", cases, lambda case: refused(post(target, *case), 400, 404))
    aliases = [("/admin/promote", {"model": "action@1", "alias": name}) for name in NAMES if name != "nul"]
    judged("names of aliases", aliases, lambda case: refused(post(target, *case), 400, 409))


def test_no_name_in_an_address_becomes_a_path(target):
    plain = [name for name in NAMES if len(name) < 2000 and name != HALF]
    cases = [quote(name, safe="") for name in plain]
    cases += ["%ff", "%c0%ae%c0%ae%2f", "%ed%a0%80", "..%5c", "%252e%252e%252f"]
    cases += [name for name in plain if name.isascii() and name.isprintable() and not {" ", "?", "%"} & {*name}]
    # What a path ends is a folder of the API, not a model.
    cases = [case for case in cases if case not in {"", ".", ".."}]
    judged("names in addresses", cases, lambda case: statuses(raw(target, head("GET", f"/v1/models/{case}"))) == [404])
    cases = [
        "/v1/../admin/load",
        "//v1/models",
        "/v1/models/",
        "/v1//models",
        "/v1/models;x",
        "/V1/models",
        "/v1/models/..",
    ]
    judged("addresses", cases, lambda case: statuses(raw(target, head("GET", case))) == [404])


def test_bodies_that_are_no_requests_are_refused(target):
    deep = [f"{'[' * n}{']' * n}" for n in (50, 500, 900, 990, 5000, 100_000)]
    deep += [f'{{"a":{text}}}' for text in deep] + ['{"a":' * n + "1" + "}" * n for n in (500, 900, 990, 100_000)]
    text = json.dumps(ASKED)
    fields = ["max_tokens", "n", "temperature", "top_p", "seed", "stream", "top_logprobs", "messages", "stop", "tools",
              "frequency_penalty", "logit_bias", "response_format", "tool_choice", "stream_options"]  # fmt: skip
    good = {("temperature", "true"), ("stream", "true"), ("tools", "[]"), ("stop", '"1"'), ("stop", "[]"),
            ("logit_bias", "{}"), ("stream_options", "{}")}  # fmt: skip
    good.discard(("temperature", "true"))
    cases = [f'{{"{field}": {value}, {text[1:]}' for field in fields if field not in ASKED for value in SCALARS
             if (field, value) not in good]  # fmt: skip
    cases += [text.replace(": 6", f": {value}") for value in SCALARS]
    cases += [text.replace('"hello"', value) for value in (*SCALARS[:7], *SCALARS[8:9], *deep)]
    cases += [f'{{"tools": [{{"type": "function", "function": {{"name": "f", "parameters": {value}}}}}], {text[1:]}'
              for value in (*SCALARS[:9], *(text for text in deep if len(text) > 300))]  # fmt: skip
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "x"}}
    turn = json.dumps([*HELLO, {"role": "assistant", "tool_calls": [call]}])
    cases += [text.replace(json.dumps(HELLO), turn.replace('"x"', json.dumps(value))) for value in
              ("[" * 100_000, "{", '{"a": 1' + "0" * 5000 + "}", "[" * 2000 + "]" * 2000)]  # fmt: skip
    cases += [b"", b"{", b"null", b"\xff", text.encode() + b"\0", text.encode()[:-1], b'{"model": "\xc3\x28"}',
              text + text, f"[{text}]", "\x00" * 1000, " " * 100_000, text.replace('"hello"', '"\x01"'),
              text.replace("hello", "\\ud800"), text.replace("hello", "\\udc00\\ud800")]  # fmt: skip
    judged("bodies", cases, lambda case: refused(post(target, CHAT, case), 400))
    big = [b'{"a": "' + b"x" * 10_000_000 + b'"}', b"[" * 10_000_000, b"1" * 10_000_000, b"\xff" * 10_000_000]
    judged("bodies of 10 MB", big, lambda case: refused(post(target, CHAT, case), 413))


def test_a_lone_surrogate_is_refused_in_every_field(target):
    function = {"name": "f", "description": HALF}
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"const": HALF}}}
    more = [
        {"stop": HALF}, {"stop": ["a", HALF]}, {HALF: 1}, {"logit_bias": {HALF: 1}},
        {"stream_options": {HALF: 1}}, {"messages": [{"role": "user", "content": [{"type": "text", "text": HALF}]}]},
        {"messages": [{"role": HALF, "content": "a"}]}, {"messages": [{"role": "user", "content": "a", HALF: "a"}]},
        {"tools": [{"type": "function", "function": function}]}, {"response_format": schema},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {HALF: 1}}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"title": HALF}}}]},
        {"tools": [{"type": "function", "function": {"name": "f"}}],
         "tool_choice": {"type": "function", "function": {"name": HALF}}},
    ]  # fmt: skip
    judged("half characters", more, lambda case: refused(post(target, CHAT, ASKED | case), 400))


def test_other_types_of_content_are_refused_and_the_last_of_two_keys_counts(target):
    types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
             "application/octet-stream", "a" * 5000, "", "application/jsonx", "text/json"]  # fmt: skip
    text = json.dumps(ASKED)
    judged("types", types, lambda case: refused(post(target, CHAT, text, **{"Content-Type": case}), 400))
    twice = post(target, CHAT, text.replace('"model"', '"model": "../../x", "model"')).json()
    assert twice["model"] == ASKED["model"]


def test_keys_are_read_only_from_the_header_and_never_shown(start, published):
    secret, other = "sk-attack-0123456789abcdef", "sk-wrong-fedcba9876543210"
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    server = start(published, CONCH_KEYS=f"laptop sha256:{hashed} infer")
    good = {"Authorization": f"Bearer {secret}"}
    assert httpx.get(server.url + "/models", headers=good).status_code == 200
    wrong = [f"Bearer {other}", "Bearer", "Bearer ", "", secret, f"Basic {secret}", f"Bearer {hashed}",
             f"Bearer {secret}x", f"Bearer {secret[:-1]}", f"Bearer {secret.upper()}", f'Bearer "{secret}"',
             f"Bearer {secret}, Bearer {secret}", f"Bearer {secret}\xa0x", "Bearer " + other * 2000,
             f"Bearer\x09{secret}x", f"Bearer {other}\r\n Bearer {secret}", f"Bearer {secret}\0"]  # fmt: skip
    shapes = [head("GET", "/v1/models", f"Authorization: {value}") for value in wrong]
    shapes += [head("GET", path) for path in
               (f"/v1/models?key={secret}", f"/v1/models?api_key={secret}&access_token={secret}",
                f"/v1/models/{secret}",
                f"/{secret}", f"/v1/{secret}", "//v1/models/../models", "/v1/models/.")]  # fmt: skip
    shapes += [head("GET", "/v1/models", line) for line in
               (f"X-Api-Key: {secret}", f"Api-Key: {secret}", f"Cookie: key={secret}",
                f"Proxy-Authorization: Bearer {secret}",
                f"Authorization: Bearer {secret}\r\nAuthorization: Bearer {other}")]  # fmt: skip
    shapes += [head("POST", f"/admin/{what}", f"Authorization: Bearer {secret}") for what in ("load", "promote")]
    answers = {}

    def holds(shape):
        answers[shape] = raw(server, shape)
        return all(status in {400, 401, 403, 404} for status in statuses(answers[shape])) and statuses(answers[shape])

    judged("keys", shapes, holds)
    named = [raw(server, head(*way, f"Authorization: Bearer {secret}")) for way in
             (("GET", f"/v1/models/{secret}"), ("GET", f"/{secret}"), ("GET", f"/v1/models?key={secret}"))]  # fmt: skip
    assert [statuses(answer)[0] for answer in named] == [404, 404, 200]
    metrics = httpx.get(server.root + "/metrics", headers=good).text
    assert server.stop() == 0
    for told in (server.text, server.process.stdout.read(), metrics, *(str(answers[shape]) for shape in shapes
                 if secret.encode() not in shape.split(b"\r\n")[0])):  # fmt: skip
        assert not [key for key in (secret, other, hashed, "Bearer sk-") if key in told]
