"""The offline mode from end to end: log without a network, look at what lies on disk, send it, clean up.

    offline_mode_example.py [OFFLINE_DIR [PROJECT]]

Nothing but OFFLINE_DIR is touched until the sync, which runs when WANDB_API_KEY is set.
"""
import asyncio
import base64
import json
import os
import sys

import libweave as weave

OFFLINE_DIR = sys.argv[1] if len(sys.argv) > 1 else "./offline_example"
PROJECT = sys.argv[2] if len(sys.argv) > 2 else "offline-example"
ONE_PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
                             "RU5ErkJggg==")


# Ops: every call is logged, with its inputs, output, time and source. Calls inside become its children.

@weave.op(kind="tool")
def search(query: str, limit: int = 2) -> list:
    return [f"{query}, result {n}" for n in range(limit)]


@weave.op(kind="llm")
async def complete(model: str, prompt: str) -> dict:
    await asyncio.sleep(0)
    # An output with "model" and "usage" is counted, also in every call above.
    return {"model": model, "text": f"An answer to: {prompt}",
            "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}}


@weave.op
def stream(words: int):
    for n in range(words):
        yield f"word {n}"


@weave.op
def fragile(divisor: int) -> float:
    return 1 / divisor


class Assistant:
    def __init__(self, model: str) -> None:
        self.model = model

    @weave.op(kind="agent", postprocess_inputs=lambda inputs: {"question": inputs["question"]})
    async def answer(self, question: str) -> dict:
        found = search(question)
        reply = await complete(self.model, "\n".join(found))
        try:
            fragile(0)  # logged as failed, and raised as ever
        except ZeroDivisionError:
            pass
        return {"text": reply["text"], "words": list(stream(2))}


def log_session() -> None:
    client = weave.init(project_name=PROJECT, offline=True, offline_dir=OFFLINE_DIR)
    assistant = Assistant("gpt-4o-mini")

    # Published values have references at once, which other records can hold.
    config = weave.publish({"model": assistant.model, "temperature": 0.2}, name="assistant-config")
    questions = weave.Dataset("questions", [{"question": "Where is my order?"}, {"question": "Can I return it?"}])
    weave.publish(questions)
    client.add_cost(assistant.model, prompt_token_cost=0.00000015, completion_token_cost=0.0000006)
    print("published", config)

    # Attributes and threads hold for every call inside.
    with weave.attributes({"env": "example", "release": {"version": "1.2"}}), weave.thread("conversation-1"):
        for number, row in enumerate(questions):
            _, call = asyncio.run(Assistant.answer.call(assistant, row["question"]))
            client.log_call("score", {"row": questions.row_ref(number), "config": config}, {"passed": True})
            call.feedback.add_reaction("👍")
            call.feedback.add_note("short and right")
            call.feedback.add("quality", {"score": 0.9})

    # Images, sounds and files can stand anywhere in inputs, outputs and published values.
    weave.log_call("look", {"picture": weave.Image(ONE_PIXEL, "png"),
                            "report": weave.Content.from_text("all is well", "report.txt")}, "a dot")

    # Without the decorator: a call that begins here and ends elsewhere, under a name to show.
    call = client.create_call("import", {"source": "orders.csv"}, display_name="Nightly import")
    with call.running():
        search("orders", limit=1)
    call.add_usage("gpt-4o-mini", prompt_tokens=3, completion_tokens=1)
    call.finish({"rows": 2})

    # What needs the server says so.
    try:
        weave.get(config)
    except weave.OfflineError as error:
        print("offline:", error)
    weave.finish()


def record_requests() -> None:
    """Requests of the trace server's interface, recorded for a later sync: for programs that have their own client."""
    project = PROJECT if "/" in PROJECT else f"{os.environ.get('WANDB_ENTITY') or 'offline'}/{PROJECT}"
    with weave.OfflineTraceServer(OFFLINE_DIR, compress=True, max_file_size_mb=100) as server:
        digest = server.file_create({"project_id": project, "name": "notes.txt", "content": b"by hand"}).digest
        started = server.call_start({"start": {
            "project_id": project, "op_name": "by_hand", "started_at": "2026-01-02T03:04:05.678901Z", "attributes": {},
            "inputs": {"file": digest}}})
        server.call_end({"end": {
            "project_id": project, "id": started.id, "ended_at": "2026-01-02T03:04:06.5Z", "output": "done",
            "summary": {"status_counts": {"success": 1, "error": 0}}}})


def sync() -> None:
    remote = weave.init_weave_get_server(os.environ["WANDB_API_KEY"])
    syncer = weave.OfflineDataSyncer(remote_server=remote, offline_dir=OFFLINE_DIR)
    print("synced one project:", json.dumps(syncer.sync_project(PROJECT)))
    print("nothing is sent twice:", json.dumps(weave.sync_offline_data(OFFLINE_DIR)))
    print("files deleted:", syncer.clean_synced_files(older_than_days=0))


if __name__ == "__main__":
    log_session()
    record_requests()
    print(json.dumps(weave.directory_stats(OFFLINE_DIR), indent=2))
    if os.environ.get("WANDB_API_KEY"):
        sync()
    else:
        print("set WANDB_API_KEY to send", OFFLINE_DIR)
