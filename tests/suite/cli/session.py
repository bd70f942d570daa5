"""Sessions that are logged by the Python binding, in processes of their own."""
import os
import subprocess
import sys
import textwrap
from contextlib import contextmanager

import harness


def log(offline_dir, body, project="team/demo", status=0):
    """Runs the body of a program with `weave` imported and `client` opened; what it printed."""
    line, environment = program(offline_dir, body, project)
    return harness.run(line, environment=environment, status=status).stdout


@contextmanager
def logging(offline_dir, body, **settings):
    """Such a program while it runs, with its standard input open; at the end that is closed, and the program must end."""
    line, environment = program(offline_dir, body, "team/demo", **settings)
    with subprocess.Popen(line, env=environment, stdin=subprocess.PIPE, text=True) as running:
        yield running
    assert running.returncode == 0


def program(offline_dir, body, project, **settings):
    """Its command line and its environment."""
    text = "\n".join(["import sys, time, libweave as weave",
                      f"client = weave.Client({project!r}, offline=True, offline_dir={str(offline_dir)!r}, **{settings!r})",
                      textwrap.dedent(body)])
    environment = {**harness.client_environment(offline_dir.parent), "WEAVE_LIBRARY": str(harness.LIBRARY),
                   "PYTHONPATH": str(harness.ROOT / "bindings/python"), "PYTHONDONTWRITEBYTECODE": "1",
                   "PATH": os.environ["PATH"]}
    return [sys.executable, "-c", text], environment


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
