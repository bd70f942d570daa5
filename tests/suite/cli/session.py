"""Sessions that are logged by the Python binding, in processes of their own."""
import os
import sys
import textwrap

import harness


def log(offline_dir, body, project="team/demo", status=0):
    """Runs the body of a program with `weave` imported and `client` opened; what it printed."""
    program = "\n".join(["import sys, time, libweave as weave",
                         f"client = weave.Client({project!r}, offline=True, offline_dir={str(offline_dir)!r})",
                         textwrap.dedent(body)])
    environment = {**harness.client_environment(offline_dir.parent), "WEAVE_LIBRARY": str(harness.LIBRARY),
                   "PYTHONPATH": str(harness.ROOT / "bindings/python"), "PYTHONDONTWRITEBYTECODE": "1",
                   "PATH": os.environ["PATH"]}
    return harness.run([sys.executable, "-c", program], environment=environment, status=status).stdout


AGENT = """
    run = client.create_call("agent.run", {"goal": "lunch"})
    chat = client.create_call("llm.chat", {"prompt": "Where?"}, parent=run)
    chat.add_usage("gpt-4o", prompt_tokens=1200, completion_tokens=4)
    client.finish_call(chat, {"text": "Here."})
    search = client.create_call("tool.search", {"query": "pizza"}, parent=run)
    client.finish_call(search, exception=TimeoutError("no answer in 5 s"))
    client.finish_call(run, {"place": "Luigi"})
    client.finish()
    print(run.id, run.trace_id, search.id)
"""
