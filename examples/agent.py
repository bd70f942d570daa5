"""The agent session of tests/suite/scenario.md: logs offline and prints the id of the call `agent`.

    agent.py OFFLINE_DIR PROJECT
"""
import json
import sys

import libweave as weave

MODEL, QUESTION = "gpt-4o-mini", "Where is order 9007199254740993?"
ANSWER = "Your order is in Köln. 📦"
SYSTEM = {"role": "system", "content": "You are a support agent. Be brief."}
USER = {"role": "user", "content": QUESTION}
DECISION = {"role": "assistant", "content": "I look it up. 🔎"}
REPLY = {"role": "assistant", "content": ANSWER}
LOOKUP = ("def lookup_order(order_id, config):\n"
          "    return ORDERS[order_id]  # späte Lieferung: siehe Köln\n")
CONFIG = {"prompt": "You are a support agent. Be brief.", "temperature": 0.2, "tools": ["lookup_order", "track_parcel"]}
ORDERS = [{"question": QUESTION, "expected": "in Köln", "weight": 1},
          {"question": "Can I return it?", "expected": "within 30 days", "weight": 0.5},
          {"question": "返品できますか?", "expected": None, "weight": 2}]
DOCUMENTS = [{"id": "faq-12", "score": 0.83, "text": "Parcels are tracked by the carrier."},
             {"id": "faq-7", "score": 0.61, "text": "Überweisungen dauern zwei Tage."}]
LABEL = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000080000000808020000004b6d29dc00000026494441"
                      "5478da63fcf5e1040336c0c4c0c020a5e223a5e203e1c3194c0c38003d241871391700656a071184"
                      "7abf0d0000000049454e44ae426082")
ODD = json.loads(r"""
    {"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": NaN, "infinities": [Infinity, -Infinity],
     "lone": "a\ud800b", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": "weave:///nothing",
     "empty": {"object": {}, "list": [], "text": ""}}""")


@weave.op
def retrieve(query, k):
    return DOCUMENTS[:k]


@weave.op(kind="llm")
def chat(model, messages):
    if DECISION not in messages:
        return {"model": model, "choices": [{"message": DECISION}],
                "usage": {"prompt_tokens": 120, "completion_tokens": 30, "total_tokens": 150}}
    return {"model": model, "choices": [{"message": REPLY}],
            "usage": {"prompt_tokens": 200, "completion_tokens": 50, "total_tokens": 250}}


@weave.op(kind="tool")
def track_parcel(parcel):
    raise TimeoutError("the carrier did not answer")


@weave.op
def read_label(label):
    return {"text": "II I"}


@weave.op
def check_row(row):
    return {"match": True}


def session(client):
    """What the agent does; the id of its call."""
    lookup_order = client.create_op("lookup_order", LOOKUP)
    config = weave.publish(CONFIG, "agent-config")
    orders = weave.Dataset("orders", ORDERS)
    weave.publish(orders)
    client.add_cost(MODEL, 0.00000015, 0.0000006)
    weave.log_call("warm_up", {"ready": True}, "ok")
    client.create_call("watch", {"queue": "support"})

    with weave.thread("session-42"):
        agent = client.create_call("agent", {"question": QUESTION}, kind="agent", attributes={"env": "demo"})
        with agent.running():
            retrieve(QUESTION, 2)
            chat(MODEL, [SYSTEM, USER])
            wanted = {"order_id": 9007199254740993, "config": config}
            weave.log_call(lookup_order, wanted, {"city": "Köln"}, kind="tool")
            with weave.thread("carrier-7"):
                try:
                    track_parcel("00340434161094042557")
                except TimeoutError:
                    pass
            read_label(weave.Image(LABEL, "png"))
            check_row(orders.row_ref(0))
            weave.log_call("echo", ODD)
            chat(MODEL, [SYSTEM, USER, DECISION])
        agent.finish({"answer": ANSWER})

    agent.set_display_name("Parcel question 📦")
    agent.feedback.add_reaction("👍")
    agent.feedback.add_note("Right answer, slow carrier.")
    agent.feedback.add("quality", {"score": 0.9})
    return agent.id


def main():
    if len(sys.argv) != 3:
        sys.exit(f"usage: {sys.argv[0]} OFFLINE_DIR PROJECT")
    try:
        # The session's ops are known by their names; lookup_order alone is published, with a text of its own.
        client = weave.init(sys.argv[2], offline=True, offline_dir=sys.argv[1], capture_code=False)
        root = session(client)
        weave.finish()
    except weave.WeaveError as error:
        sys.exit(str(error))
    print(root)


if __name__ == "__main__":
    main()
