"""Logs the session of scenario.md with the official client, online: official_writer.py ENTITY/PROJECT OUTPUT.

It proves that the expected values are what Weave itself makes of such a session. What the official client cannot send
(a lone surrogate, text that looks like a reference) it logs as libweave repairs it. Writes the root call's id."""
import io
import json
import sys

import scenario as s
import weave
from PIL import Image
from weave.trace.context import call_context
from weave.trace_server_bindings import call_batch_processor


def call(client, name, inputs, output=None, *, parent=None, attributes=None, kind=None, error=None, within=None):
    attributes = {**(attributes or {}), **({"weave": {"kind": kind}} if kind else {})}
    made = client.create_call(name, inputs, parent=parent, attributes=attributes)
    if within:
        within(made)
    client.finish_call(made, output, exception=error)
    return made


def session(client, config, row):
    def steps(root):
        def step(name, inputs, output=None, **more):
            call(client, name, inputs, output, parent=root, **more)

        def chat(messages, message, usage):
            step("chat", {"model": s.MODEL, "messages": messages},
                 {"model": s.MODEL, "choices": [{"message": message}], "usage": usage}, kind="llm")

        step("retrieve", {"query": s.QUESTION, "k": 2}, s.DOCUMENTS)
        chat([s.SYSTEM, s.USER], s.DECISION, s.USAGE_1)
        step("lookup_order", {"order_id": s.ORDER, "config": config}, {"city": "Köln"}, kind="tool")
        with weave.thread("carrier-7"):
            step("track_parcel", {"parcel": "00340434161094042557"}, kind="tool",
                 error=TimeoutError(s.FAILURE["message"]))
        call_context.set_turn_id(root.turn_id)  # the official client forgets the outer turn when an inner thread ends
        step("read_label", {"label": Image.open(io.BytesIO(s.LABEL.read_bytes()))}, {"text": "II I"})
        step("check_row", {"row": row}, {"match": True})
        step("echo", s.REPAIRED)
        chat([s.SYSTEM, s.USER, s.DECISION], s.ANSWER, s.USAGE_2)

    with weave.thread("session-42"):
        return call(client, "agent", {"question": s.QUESTION}, {"answer": s.ANSWER["content"]},
                    attributes={"env": "demo"}, kind="agent", within=steps)


def main():
    project, output = sys.argv[1:]
    client = weave.init(project)
    call(client, "warm_up", {"ready": True}, "ok")
    config = weave.publish(s.CONFIG, "agent-config")
    dataset = weave.publish(weave.Dataset(name="orders", rows=s.ROWS)).get()
    root = session(client, config, next(iter(dataset.rows)))
    client.flush()
    root.set_display_name(s.DISPLAY_NAME)
    root.feedback.add_reaction(s.FEEDBACK["reaction"])
    root.feedback.add_note(s.FEEDBACK["note"])
    root.feedback.add("quality", s.FEEDBACK["quality"])
    client.add_cost(s.MODEL, **s.PRICE)
    client.create_call("watch", {"queue": "support"}, use_stack=False)  # never finished: do not wait for it
    call_batch_processor.FLUSH_TIMEOUT_SECONDS = 0
    client.flush()
    with open(output, "w", encoding="utf-8") as file:
        json.dump(root.id, file)


if __name__ == "__main__":
    main()
