"""The agent session of scenario.md as values: what a reader has to see, whoever logged it.

`seen` brings what readback.py wrote into the shape of `EXPECTED`, so that one comparison covers everything. Ids, times
and digests are random or the client's own: they are checked by their relations (parent, trace, turn)."""
import json
import pathlib

MODEL = "gpt-4o-mini"
ORDER = 9007199254740993  # 2^53 + 1: no double holds it
QUESTION = f"Where is order {ORDER}?"
CONFIG = {"prompt": "You are a support agent. Be brief.", "temperature": 0.2, "tools": ["lookup_order", "track_parcel"]}
ROWS = [{"question": QUESTION, "expected": "in Köln", "weight": 1},
        {"question": "Can I return it?", "expected": "within 30 days", "weight": 0.5},
        {"question": "返品できますか?", "expected": None, "weight": 2}]
SOURCE = "def lookup_order(order_id, config):\n    return ORDERS[order_id]  # späte Lieferung: siehe Köln\n"
LABEL = pathlib.Path(__file__).parent / "data" / "label.png"
LABEL_SHA256 = "dcd4e2b6404face3f55d00b3b040f89a1c4dfffb87e7600afe293e813274d9f2"
LABEL_PIXELS = {"$image": {"size": [8, 8], "rgba": "a6fb30437bb1a2dcb55e098d5cd088dc62daad2215ded0a57692963bac6c400a"}}
DOCUMENTS = [{"id": "faq-12", "score": 0.83, "text": "Parcels are tracked by the carrier."},
             {"id": "faq-7", "score": 0.61, "text": "Überweisungen dauern zwei Tage."}]
SYSTEM, USER = {"role": "system", "content": CONFIG["prompt"]}, {"role": "user", "content": QUESTION}
DECISION = {"role": "assistant", "content": "I look it up. 🔎"}
ANSWER = {"role": "assistant", "content": "Your order is in Köln. 📦"}
USAGE_1 = {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}
USAGE_2 = {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}
FAILURE = {"type": "TimeoutError", "message": "the carrier did not answer"}
PRICE = {"prompt_token_cost": 1.5e-07, "completion_token_cost": 6e-07}
DISPLAY_NAME = "Parcel question 📦"
FEEDBACK = {"reaction": "👍", "note": "Right answer, slow carrier.", "quality": {"score": 0.9}}
# What the programs pass as JSON text in the inputs of `echo` (scenario.md), after the documented repairs.
REPAIRED = {"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": None, "infinities": [None, None],
            "lone": "a\ufffdb", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": " weave:///nothing",
            "empty": {"object": {}, "list": [], "text": ""}}


def _llm(messages, message, usage):
    return {"inputs": {"model": MODEL, "messages": messages}, "kind": "llm",
            "output": {"model": MODEL, "choices": [{"message": message}], "usage": usage},
            "usage": {MODEL: {"requests": 1, **usage}}}


def _call(parent="agent", **differs):
    """A call that went well, in the session's thread below its root, unless told otherwise."""
    return {"parent": parent, "inputs": {}, "output": None, "failure": None, "status": "success", "usage": None,
            "status_counts": {"success": 1, "error": 0}, "display_name": None, "attributes": {}, "kind": None,
            "thread": "session-42", "turn": "agent", "trace": "agent", **differs}


CALLS = {
    "warm_up": _call(None, inputs={"ready": True}, output="ok", thread=None, turn=None, trace="warm_up"),
    "watch": _call(None, inputs={"queue": "support"}, status="running", status_counts=None, thread=None, turn=None,
                   trace="watch"),
    "agent": _call(None, inputs={"question": QUESTION}, output={"answer": ANSWER["content"]}, status="descendant_error",
                   status_counts={"success": 8, "error": 1}, display_name=DISPLAY_NAME, attributes={"env": "demo"},
                   kind="agent", usage={MODEL: {"requests": 2, "prompt_tokens": 320, "completion_tokens": 80,
                                                "total_tokens": 400}}),
    "agent/retrieve": _call(inputs={"query": QUESTION, "k": 2}, output=DOCUMENTS),
    "agent/chat": _call(**_llm([SYSTEM, USER], DECISION, USAGE_1)),
    "agent/lookup_order": _call(inputs={"order_id": ORDER, "config": CONFIG}, output={"city": "Köln"}, kind="tool"),
    "agent/track_parcel": _call(inputs={"parcel": "00340434161094042557"}, failure=FAILURE, status="error",
                                status_counts={"success": 0, "error": 1}, kind="tool", thread="carrier-7",
                                turn="agent/track_parcel"),
    "agent/read_label": _call(inputs={"label": LABEL_PIXELS}, output={"text": "II I"}),
    "agent/check_row": _call(inputs={"row": ROWS[0]}, output={"match": True}),
    "agent/echo": _call(inputs=REPAIRED),
    "agent/chat_2": _call(**_llm([SYSTEM, USER, DECISION], ANSWER, USAGE_2)),
}

EXPECTED = {
    "calls": CALLS,
    "objects": {"agent-config": CONFIG},
    "datasets": {"orders": ROWS},
    "ops": {"lookup_order": SOURCE},
    "feedback": [("agent", "quality", FEEDBACK["quality"]), ("agent", "wandb.note.1", {"note": FEEDBACK["note"]}),
                 ("agent", "wandb.reaction.1", {"emoji": FEEDBACK["reaction"]})],
    "costs": {MODEL: PRICE},
}


def _op(name):
    """The op's name, from the plain text or from the reference."""
    return name.rsplit("/", 1)[1].rsplit(":", 1)[0] if name.startswith("weave:///") else name


def paths(calls):
    """Call id → path of op names from the root, the second of a name with `_2`, in the order of their starts."""
    found, by_id = {}, {call["id"]: call for call in calls}

    def path(call):
        if call["id"] not in found:
            above = path(by_id[call["parent_id"]]) + "/" if call["parent_id"] else ""
            name, n = above + _op(call["op_name"]), 2
            while name in found.values():
                name, n = f"{above}{_op(call['op_name'])}_{n}", n + 1
            found[call["id"]] = name
        return found[call["id"]]

    for call in sorted(calls, key=lambda call: call["raw"]["started_at"]):
        path(call)
    return found


def _failure(text):
    """Exceptions are JSON text from Python and libweave."""
    if not text:
        return None
    value = json.loads(text)
    return {key: value[key] for key in ("type", "message")}


def seen(read):
    """What readback.py saw, in the shape of EXPECTED."""
    calls, names = {}, paths(read["calls"])
    roots = {call["trace_id"]: names[call["id"]] for call in read["calls"] if not call["parent_id"]}
    for call in read["calls"]:
        summary, attributes = call["summary"] or {}, dict(call["attributes"])
        own = attributes.pop("weave", {})
        calls[names[call["id"]]] = {
            "parent": names.get(call["parent_id"]), "inputs": call["inputs"], "output": call["output"],
            "failure": _failure(call["exception"]), "status": summary["weave"]["status"],
            "usage": summary.get("usage") or None, "status_counts": summary.get("status_counts"),
            "display_name": call["display_name"], "attributes": attributes, "kind": own.get("kind"),
            "thread": call["thread_id"], "turn": names.get(call["turn_id"]), "trace": roots[call["trace_id"]]}
    latest = [item for item in read["objects"] if item["is_latest"]]
    plain = [item for item in latest if item["kind"] != "op"]
    return {
        "calls": calls,
        "objects": {item["object_id"]: item["decoded"] for item in plain if item["base_object_class"] != "Dataset"},
        "datasets": {item["object_id"]: item["decoded"]["$dataset"]["rows"] for item in plain
                     if item["base_object_class"] == "Dataset"},
        "ops": {item["object_id"]: item["code"] for item in latest if item["kind"] == "op"},
        "feedback": sorted((names[item["weave_ref"].rsplit("/", 1)[1]], item["type"],
                            {key: item["payload"][key] for key in item["payload"]
                             if not (item["type"] == "wandb.reaction.1" and key != "emoji")})
                           for item in read["feedback"]),
        "costs": {cost["llm_id"]: {key: cost[key] for key in PRICE} for cost in read["costs"]},
    }


def differences(seen, expected, where=""):
    """Every place where two values differ. Unlike `==` it tells 1 from 1.0 and from true."""
    if isinstance(seen, dict) and isinstance(expected, dict):
        found = []
        for key in sorted({*seen, *expected}, key=str):
            here = f"{where}[{key!r}]"
            if key not in expected:
                found.append(f"{here}: unexpected {seen[key]!r}")
            elif key not in seen:
                found.append(f"{here}: missing {expected[key]!r}")
            else:
                found += differences(seen[key], expected[key], here)
        return found
    if isinstance(seen, (list, tuple)) and isinstance(expected, (list, tuple)) and len(seen) == len(expected):
        return [line for n, (a, b) in enumerate(zip(seen, expected)) for line in differences(a, b, f"{where}[{n}]")]
    return [] if type(seen) is type(expected) and seen == expected else [f"{where}: {seen!r} instead of {expected!r}"]


def same(seen, expected):
    """Fail with a line for each difference."""
    found = differences(seen, expected)
    assert not found, "\n".join(found)
