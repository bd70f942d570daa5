"""What the tests stand on: the local server as a process, the official clients as processes, compilers, and the places
of what `make` builds. It owns the processes that it starts and writes to directories that it is given."""
import base64
import gzip
import json
import os
import pathlib
import shutil
import socket
import subprocess
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SUITE = ROOT / "tests" / "suite"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
RELEASE = TARGET / "release"
LIBRARY = RELEASE / "libweave.so"
INCLUDE = ROOT / "include"
COMMAND = TARGET / "debug" / "weave"
ENTITY = "test-entity"
KEY = "k" * 40
CLIENTS = {"0.52.20": ROOT / ".venv-server" / "bin" / "python", "0.54.0": ROOT / ".venv-weave54" / "bin" / "python"}
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
# What runs the languages that a machine may be without; their tests are left out there, but not in CI.
INTERPRETERS = {"node": "node", "ruby": "ruby", "lua": "luajit"}


def has(language):
    """Whether the tests of a language are to be run here."""
    return bool(os.environ.get("CI") or shutil.which(INTERPRETERS.get(language, "cc")))


def run(command, *, environment=None, timeout=120, status=0, input=None, **options):
    """Run a command to its end; any status but those expected is a failure that shows the end of what it printed."""
    command = [str(part) for part in command]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.PIPE, **options) as process:
        try:
            stdout, stderr = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
    assert process.returncode in (status if isinstance(status, set) else {status}), (
        f"{' '.join(command)} ended with {process.returncode} (-9: after {timeout} s), expected {status}\n"
        f"{stdout[-3000:]}\n{stderr[-3000:]}")
    return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def client_environment(home, server=None):
    """An environment without the account, caches and settings of whoever runs the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WANDB_", "WEAVE_", "WF_")) and k != "NETRC"
            and not k.lower().endswith("_proxy")}
    kept.update(HOME=str(home), WEAVE_USE_SERVER_CACHE="false", WANDB_ERROR_REPORTING="false", WANDB_SILENT="true",
                WEAVE_PRINT_CALL_LINK="false")
    if server:
        kept.update(WANDB_BASE_URL=server.url, WF_TRACE_SERVER_URL=server.url, WANDB_API_KEY=KEY)
    return kept


class LocalServer:
    """One local server: a process of its own, with its own database and request log."""

    def __init__(self, directory, *options):
        self.directory, self.log = pathlib.Path(directory), pathlib.Path(directory) / "requests.jsonl"
        self.output = self.directory / "server.txt"
        if not self._start(0, options):
            raise AssertionError(f"the local server does not start:\n{self.output.read_text()}")

    def _start(self, port, options):
        """Whether it listens at the port now; 0 is any that is free."""
        command = [CLIENTS["0.52.20"], ROOT / "tests/server/server.py", "--port", port, "--db",
                   self.directory / "server.db", "--api-key", KEY, "--entity", ENTITY, "--log", self.log, *options]
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=output,
                                            text=True, env=client_environment(self.directory))
        with self.process.stdout as lines:
            self.url = lines.readline().strip()
        if not self.url:
            self.stop()
        return bool(self.url)

    def restart(self, *options):
        """Start again at the same address with the same data and no faults: for reading after a test of faults."""
        self.stop()
        port = self.url.rpartition(":")[2]
        for _ in range(5):  # a connection from somewhere may have its port
            if self._start(port, options):
                return
        raise AssertionError(f"the local server does not start again:\n{self.output.read_text()}")

    def stop(self):
        self.process.kill()
        self.process.wait()

    def get(self, path):
        return json.loads(self._ask(urllib.request.Request(self.url + path)))

    def post(self, path, body):
        return json.loads(self.read(path, body))

    def read(self, path, body):
        """What a request answers, as bytes: for a stream of lines, or a file."""
        return self._ask(urllib.request.Request(self.url + path, json.dumps(body).encode(),
                                                {"Content-Type": "application/json"}))

    def calls(self, project):
        """The calls that it has of `entity/project`."""
        return [json.loads(line) for line in self.read("/calls/stream_query", {"project_id": project}).splitlines()]

    def _ask(self, request):
        request.add_header("Authorization", "Basic " + base64.b64encode(f"api:{KEY}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{request.full_url}: {error.code} {error.read().decode()}") from None

    def requests(self):
        """The request log: one dictionary for each request, in the order of their answers."""
        return [json.loads(line) for line in self.log.read_text().splitlines()] if self.log.exists() else []

    def writes(self):
        """(kind, id) → how often it was written, for starts, ends and feedback."""
        return {(kind, item): times for kind, item, times in self.get("/test/writes")}


class MuteServer:
    """What takes connections and never answers, as behind a line that has died."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(60)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def asked(self):
        """Waits for the beginning of a request; its connection, to be held."""
        connection, _ = self.socket.accept()
        connection.settimeout(60)
        assert connection.recv(1)
        return connection


class OfficialClient:
    """The official Python client of one version, run as a process against a server."""

    def __init__(self, version, directory):
        self.python, self.directory, self.runs = CLIENTS[version], pathlib.Path(directory), 0

    def run(self, script, server, *arguments, **environment):
        """Run a script of this suite with the path of its answer as the last argument; return the answer."""
        self.runs += 1
        answer = self.directory / f"{script}-{self.runs}.json"
        run([self.python, SUITE / script, *arguments, answer], cwd=self.directory,
            environment={**client_environment(self.directory, server), **environment})
        return json.loads(answer.read_text())

    def read_back(self, server, project):
        return self.run("readback.py", server, f"{ENTITY}/{project}")


def compiled(source, output, *flags, language="c"):
    """Compile one source against the header and the shared library, every warning being an error."""
    compiler, standard = {"c": ("cc", "c11"), "c++": ("c++", "c++17")}[language]
    run([compiler, f"-std={standard}", *STRICT, "-g", f"-I{INCLUDE}", f"-I{ROOT / 'bindings/c/include'}",
         f"-I{ROOT / 'bindings/cpp/include'}", source, "-o", output, f"-L{RELEASE}", "-lweave", f"-Wl,-rpath,{RELEASE}",
         "-pthread", *flags])
    return output


def go_environment(home):
    """Go with cgo against this checkout's header and library; its caches stay the user's own."""
    return {**client_environment(home), "HOME": os.environ["HOME"], "CGO_CFLAGS": f"-I{INCLUDE}",
            "CGO_LDFLAGS": f"-L{RELEASE} -Wl,-rpath,{RELEASE}"}


def agent(language, directory):
    """Build the session's program (scenario.md) in one language; the command that runs it."""
    directory = pathlib.Path(directory)
    if language in ("c", "c++"):
        return [compiled(ROOT / "examples" / {"c": "agent.c", "c++": "agent.cpp"}[language], directory / "agent",
                         language=language)]
    if language == "go":
        run(["go", "build", "-o", directory / "agent", "./examples/agent"], cwd=ROOT / "bindings/go", timeout=600,
            environment=go_environment(directory))
        return [directory / "agent"]
    return {"python": [CLIENTS["0.52.20"], ROOT / "examples/agent.py"], "node": ["node", ROOT / "examples/agent.js"],
            "ruby": ["ruby", "-w", ROOT / "examples/agent.rb"], "lua": ["luajit", ROOT / "examples/agent.lua"]}[language]


def log_session(command, offline_dir, project):
    """Run such a program offline, with no address or key in its surroundings; the id of its root call."""
    home = pathlib.Path(offline_dir).parent
    environment = client_environment(home)
    environment.update(PYTHONPATH=str(ROOT / "bindings/python"), RUBYLIB=str(ROOT / "bindings/ruby/lib"),
                       LUA_PATH=f"{ROOT}/bindings/lua/?.lua;;", WEAVE_LIBRARY=str(LIBRARY))
    return run([*command, offline_dir, project], environment=environment).stdout.strip()


def lines(offline_dir, pattern="*/*/*/*.jsonl.gz"):
    """Every line of the data files, in the order of their names."""
    found = []
    for path in sorted(pathlib.Path(offline_dir).glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            found += file.read().splitlines()
    return found
