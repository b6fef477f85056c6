"""No requested schema delays others, fetches anything, or fails silently."""

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from attacks import ASKED, CHAT, IN_TIME, answer_of, judged, post, refused

pytestmark = pytest.mark.usefixtures("unharmed")


def nested(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def doubled(levels, combine):
    names = {f"a{n}": {combine: [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, levels)}
    return {"$ref": f"#/$defs/a{levels - 1}", "$defs": {"a0": {"type": "object"}, **names}}


def choices(several, each):
    one = [{"type": "object", "properties": {f"q{n}": {"type": "string"}}} for n in range(each)]
    return {"allOf": [{"anyOf": [{**kind, "title": str(n)} for kind in one]} for n in range(several)]}


def texts(*patterns, **more):
    return {"allOf": [{"type": "string", "pattern": pattern} for pattern in patterns], **more}


def multiples(combine, *of):
    return {combine: [{"type": "integer", "multipleOf": one} for one in of]}


SCHEMAS = {
    **{f"nested {n}": nested(n) for n in (40, 90, 120, 300)},
    **{f"doubled {combine}": doubled(40, combine) for combine in ("allOf", "anyOf", "oneOf")},
    **{f"choices {a} {b}": choices(a, b) for a, b in ((6, 3), (7, 3), (14, 3))},
    "ref to itself": {"$ref": "#"},
    "ref round": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "ref inwards": {"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
    "ref nowhere": {"$ref": "#/$defs/none"},
    "ref to a file": {"$ref": "file:///etc/passwd"},
    "id elsewhere": {"$id": "http://127.0.0.1:9/x", "$ref": "y"},
    "schema elsewhere": {"$schema": "http://127.0.0.1:9/x", "type": "string"},
    "enum of 2000": {"enum": [f"value {n}" for n in range(2000)]},
    "enum of 100000": {"enum": [f"v{n}" for n in range(100_000)]},
    "500 properties": {"type": "object", "properties": {f"k{n}": {"type": "integer"} for n in range(500)}},
    "2000 properties": {"type": "object", "properties": {f"k{n}": {"type": "integer"} for n in range(2000)}},
    "long text": {"const": "x" * 1_000_000},
    "many items": {"type": "array", "items": {"enum": ["a"]}, "minItems": 10**9},
    "long at least": {"type": "string", "minLength": 10**9},
    "multiple": multiples("allOf", 999_983),
    "multiples together": multiples("allOf", 997, 991),
    "multiples apart": multiples("anyOf", 1999, 1997, 1993),
    "multiple of a fraction": {"type": "number", "multipleOf": 0.999983},
    "multiple of little": {"type": "number", "multipleOf": 1e-300},
    "multiple of much": {"type": "number", "multipleOf": 1e300},
    "multiple of NaN": {"type": "number", "multipleOf": float("nan")},
    "evil": texts("^(a+)+$"),
    "evil repeated": texts("^((a{1,1000}){1,1000}){1,1000}$"),
    "evil ends": texts("^(a|b)*a(a|b){30}$"),
    "evil options": texts("^" + "(a?){200}" * 20 + "a{2000}$"),
    "evil alternatives": texts("^(" + "|".join(f".*{n}.*" for n in range(5000)) + ")$"),
    "patterns together": texts(*(f"^.*{n}.*$" for n in range(300))),
    "patterns of lengths": texts("^(.{997})*$", "^(.{991})*$", "^(.{983})*$"),
    "deep pattern": texts("(" * 20_000 + "a" + ")" * 20_000),
    "lookahead": texts("^(?=a)a*$"),
    "guidance": {"x-guidance": {"lenient": True, "coerce_one_of": True}, "oneOf": [{"type": "foo"}]},
    "range": {"type": "number", "minimum": -1e300, "maximum": 1e300},
}


def test_no_schema_exceeds_its_time_or_fetches_anything(target):
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        address = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/schema.json"
        schemas = [*SCHEMAS.values(), {"$ref": address}, {"$id": address, "$ref": "#/x"}, {"$schema": address}]

        def form(schema):
            return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}}

        def tool(schema):
            function = {"name": "f", "parameters": {"type": "object", "properties": {"a": schema}}}
            return {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}

        def holds(body):
            answer = post(target, CHAT, {**ASKED, "max_tokens": 200, "temperature": 1, "seed": 1} | body)
            if answer.status_code != 200:
                return refused(answer, 400)
            choice = answer.json()["choices"][0]
            cut = choice["finish_reason"] == "length"
            return cut or bool(choice["message"].get("tool_calls")) or is_json(choice["message"]["content"])

        bodies = [make(schema) for schema in schemas for make in (form, tool)]
        with ThreadPoolExecutor(1) as pool:  # others are served meanwhile
            over = threading.Event()
            served = pool.submit(lambda: [answer_in_time(target) for _ in iter(over.is_set, True)])
            try:
                judged("schemas", bodies, holds)
            finally:
                over.set()
            print(f"schemas: {len(served.result())} others served meanwhile, at most {max(served.result()):.1f} s")
        elsewhere.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody has connected
            elsewhere.accept()
    assert max(served.result()) < IN_TIME


def answer_in_time(server):
    began = time.monotonic()
    answer_of(server)
    return time.monotonic() - began


def is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
