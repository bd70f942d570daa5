"""A session that uses everything there is, as lines of the command, and what it leaves in the data files."""
import gzip
import json
import pathlib

from harness import SUITE

LABEL = (SUITE / "data/label.png").read_bytes()
ANSWER = '{"model": "gpt-4o-mini", "usage": {"prompt_tokens": 3, "completion_tokens": 4}}'
CODE = "def answer(question):\n\treturn '5% of %41'\n"
PAYLOAD = '{"score": 0.90, "tags": ["späte Lieferung"]}'


def log(process, traces):
    """Logs it; ids and references by names."""
    ask, ids = process.ask, {}
    assert ask("init", "team/project", f"offline_dir={traces}", 'attributes={"env": "test"}', "redact=pin",
               "source=suite") == "team/project"
    ids["op"] = ask("op", "answer", CODE)
    ids["object"] = ask("object", "config", '{"temperature": 0.20}')
    ids["table"] = ask("table", '[{"a": 1}, {"a": 2.0}]')
    ids["dataset"] = ask("dataset", "orders", '[{"order": 9007199254740993}]')
    ids["row"] = ask("row", ids["dataset"], '{"order": 9007199254740993}')
    ids["file"] = ask("file", "notes.txt", b"\x00\xff%41\tnotes\n")
    image = ask("image", "png", LABEL)
    ask("audio", "wav", b"RIFF\x24\x00\x00\x00WAVEfmt ")
    ask("content", "page.html", "text/html", "<p>5%</p>")
    ask("cost", "gpt-4o-mini", "1.5e-07", "6e-07")
    ids["finished"] = ask("log", "finished", '{"pin": 1234, "city": "Köln 🚚"}', '"done"')
    ids["bare"] = ask("log", "bare", "", "")
    assert ask("batch", '[{"op_name": "first", "inputs": {"n": 1}}, {"op_name": "second", "output": [1, 2.50]}]') == "2"
    ids["agent"] = ask("start", "agent", ids["op"], f'{{"config": "{ids["object"]}", "image": {image}}}', "")
    ids["chat"] = ask("start", "chat", "chat", '{"row": "%s"}' % ids["row"], "agent")
    ask("end", "chat", ANSWER)
    ids["tool"] = ask("start", "tool", "tool", '{"k": 2}', "agent")
    ask("usage", "tool", "small", 5, 6)
    ask("fail", "tool", "TimeoutError", "the carrier did not answer: 5%")
    ask("end", "tool", "")
    ids["remote"] = ask("adopt", "remote", "remote", ask("context", "agent"))
    ask("end", "remote", "null")
    ask("end", "agent", '{"answer": "in Köln"}')
    ask("rename", "agent", "Parcel question 📦")
    ids["open"] = ask("start", "open", "open", '{"never": "ended"}', "")
    ids["note"] = ask("note", ids["agent"], "Right answer, slow carrier.")
    ids["reaction"] = ask("reaction", ids["agent"], "👍")
    ids["quality"] = ask("feedback", ids["object"], "quality", PAYLOAD)
    ask("flush")
    ask("finish")
    return ids


def call(inputs, output=None, **differs):
    """What `calls` answers of a call that went well, unless told otherwise."""
    return {"inputs": inputs, "output": output, "parent": None, "op": None, "failure": None, "usage": None,
            "status_counts": {"success": 1, "error": 0}, **differs}


CHAT_USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "requests": 1}
TOOL_USAGE = {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11, "requests": 1}
CALLS = {
    "finished": call({"pin": "REDACTED", "city": "Köln 🚚"}, "done"),
    "bare": call({}),
    "first": call({"n": 1}),
    "second": call({}, [1, 2.5]),
    "answer": call({"config": "<object>", "image": "<image>"}, {"answer": "in Köln"}, op="<op>",
                   status_counts={"success": 2, "error": 1}, usage={"gpt-4o-mini": CHAT_USAGE, "small": TOOL_USAGE}),
    "chat": call({"row": "<row>"}, json.loads(ANSWER), parent="answer", usage={"gpt-4o-mini": CHAT_USAGE}),
    "tool": call({"k": 2}, parent="answer", usage={"small": TOOL_USAGE}, status_counts={"success": 0, "error": 1},
                 failure=["TimeoutError", "the carrier did not answer: 5%"]),
    "remote": call({}, parent="answer"),
    "open": call({"never": "ended"}, status_counts=None),
}


def lines(traces):
    """(type, data) of every line of the data files, the compressed ones too."""
    for path in sorted(pathlib.Path(traces).glob("*/*/*/*.jsonl*")):
        data = path.read_bytes()
        for line in (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines():
            record = json.loads(line)
            yield record["type"], record["data"]


def named(value, names):
    """The value with every text that is known, an id or a reference, replaced by its name."""
    if isinstance(value, dict):
        return {key: named(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [named(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def is_image(value):
    """Whether a value stands for an image that is stored."""
    return isinstance(value, dict) and value.get("_type") == "CustomWeaveType"


def calls(traces, ids=None):
    """The calls by their ops: starts joined with their ends, parents as the ops of theirs."""
    names = {text: f"<{name}>" for name, text in (ids or {}).items()}
    found, ops = {}, {}
    for kind, data in lines(traces):
        if kind.startswith("call_") and kind != "call_update":
            data = data.get("start") or data.get("end") or data
            found.setdefault(data["id"], {}).update(data)
    for key, data in found.items():
        op = data["op_name"]
        ops[key] = op.rsplit("/", 1)[1].split(":")[0] if op.startswith("weave:///") else op
    answered = {}
    for key, data in found.items():
        exception, summary = data.get("exception"), data.get("summary") or {}
        inputs = {name: "<image>" if is_image(value) else value for name, value in data["inputs"].items()}
        assert ops[key] not in answered, f"two calls of {ops[key]}"
        answered[ops[key]] = call(
            named(inputs, names), data.get("output"), parent=ops.get(data.get("parent_id")),
            op=names.get(data["op_name"]), usage=summary.get("usage"), status_counts=summary.get("status_counts"),
            failure=[json.loads(exception)[key] for key in ("type", "message")] if exception else None)
    return answered


def others(traces, ids):
    """The records that are no calls, (type, data) in the order of their texts; not what tells of program and machine."""
    names = {text: f"<{name}>" for name, text in ids.items()}
    names |= {f"weave:///team/project/call/{text}": f"<{name}>" for name, text in ids.items()}
    found = [(kind, named(data, names)) for kind, data in lines(traces)
             if kind not in ("writer", "project") and (kind == "call_update" or not kind.startswith("call_"))]
    for _, data in found:
        for key in ("creator", "effective_date"):
            data.pop(key, None)
    return sorted(found, key=lambda record: json.dumps(record, sort_keys=True, ensure_ascii=False))
