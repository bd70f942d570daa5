"""The package from this checkout, over the library that `make build` made (or WEAVE_LIBRARY)."""
import contextlib
import gzip
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
os.environ.setdefault("WEAVE_LIBRARY", str(TARGET.resolve() / "release" / "libweave.so"))
for name in [name for name in os.environ if name.startswith(("WANDB_", "WF_", "WEAVE_")) and name != "WEAVE_LIBRARY"]:
    del os.environ[name]

import libweave as weave  # noqa: E402


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(HERE.parent), **more}


def script(code, cwd, *arguments, stdin=None, **more):
    """Runs a program of the text to its end."""
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          stdin=stdin, timeout=60, env=environment(**more))


@contextlib.contextmanager
def program(code, cwd, *arguments):
    """A program of the text that runs meanwhile, with pipes to it."""
    with subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=cwd, env=environment(), text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


class Server(http.server.ThreadingHTTPServer):
    """A server in this process, which takes everything, unless `answers` has a function for the path: of the request's
    body, it answers a status and a value."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Exchange)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.settings = {"api_key": "k" * 40, "base_url": self.url, "trace_server_url": self.url}
        self.answers = {}
        self.connections, self.changed = 0, threading.Condition()
        threading.Thread(target=self.serve_forever, args=[0.01], daemon=True).start()

    def await_no_connection(self):
        with self.changed:
            assert self.changed.wait_for(lambda: not self.connections, 60)


class Exchange(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    usual = {"/graphql": {"data": {"project": {"name": "project"}}}, "/server_info": {"trace_server_version": "1.0"},
             "/obj/create": {"digest": "d" * 43}}

    def handle(self):
        self.count(1)
        try:
            super().handle()
        except OSError:  # the client is gone
            pass
        finally:
            self.count(-1)

    def count(self, change):
        with self.server.changed:
            self.server.connections += change
            self.server.changed.notify_all()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.server.answers.get(self.path)
        status, value = answer(body) if answer else (200, self.usual.get(self.path, {}))
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A server that answers as the test wants."""
    with Server() as server:
        yield server
        server.shutdown()


class Recorded:
    """What lies in an offline directory, as its lines say."""

    def __init__(self, directory):
        self.directory = directory

    def lines(self, folder):
        found = []
        for path in sorted(self.directory.glob(f"*/*/{folder}/*.jsonl.gz")):
            with gzip.open(path, "rt", encoding="utf-8") as file:
                found += map(json.loads, file)
        return found

    def calls(self):
        """Calls by the name of their op; of those with the same name the last."""
        weave.finish()
        found = {}
        for line in self.lines("calls"):
            data = line["data"].get("start", line["data"])
            if "op_name" in data:
                name = data["op_name"]
                found[weave.ObjectRef(name).name if name.startswith("weave:") else name] = data
        return found

    def call(self, name):
        return self.calls()[name]


@pytest.fixture
def recorded(tmp_path):
    """An open offline session; what it left on disk."""
    weave.init("team/project", offline=True, offline_dir=tmp_path / "offline")
    yield Recorded(tmp_path / "offline")
    weave.finish()
