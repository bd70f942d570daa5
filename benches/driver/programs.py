"""The programs that measure: built on first use, run in directories of their own. What cannot be built here is skipped
with a line that says what to install."""
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCHES = ROOT / "benches"
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
RELEASE = TARGET / "release"
BUILT = TARGET / "bench"
WORK = BUILT / "work"
SERVER = ROOT / ".venv-server" / "bin" / "python"
OFFICIAL = ROOT / ".venv-weave54" / "bin" / "python"
STRICT = ["-O2", "-Wall", "-Wextra", "-Werror", "-pedantic", "-pthread", f"-I{BENCHES / 'harness'}"]
LIBRARY = [f"-I{ROOT / 'include'}", f"-I{ROOT / 'bindings/cpp/include'}", f"-L{RELEASE}", "-lweave",
           f"-Wl,-rpath,{RELEASE}", "-lm"]
#: Bytes of prose in each prompt of the load `prompts`.
PROMPT = 4096
#: The digest of the op's version in the load `full`.
DIGEST = b"6jAV4T6F42RKlabeB2RO0BXkbFFPrKyU2yyQedpotB8"


class Missing(Exception):
    """What to install."""


class Programs:
    """Commands by name: the library's are languages, the peers' are their own."""

    def __init__(self):
        self._commands, self._loads = {}, {}
        self._environment = {name: value for name, value in os.environ.items()
                             if not name.startswith(("WEAVE_", "WANDB_", "WF_"))}
        self._environment.update(PYTHONPATH=f"{BENCHES / 'harness'}:{ROOT / 'bindings/python'}",
                                 PYTHONDONTWRITEBYTECODE="1", WEAVE_LIBRARY=str(RELEASE / "libweave.so"))
        BUILT.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(WORK, ignore_errors=True)

    def has(self, name):
        """Whether a program can be run here; the first time, a missing one is told of."""
        if name not in self._commands:
            try:
                self._commands[name] = BUILDERS[name](self._environment)
            except Missing as missing:
                self._commands[name] = None
                print(f"skipped: {name}; {missing}")
        return self._commands[name] is not None

    def command(self, name, load, directory, schedule, threads, count):
        """The command that logs `count` calls of a load as planned."""
        return [*self.command_of(name), str(self.load(load)), str(directory), schedule, str(threads), str(count)]

    def run(self, name, load, schedule, threads, count, directory=None):
        """What a program answers. Its directory is new and goes with it, unless one is given."""
        kept = directory or self.directory(name)
        answer = self.answer(self.command(name, load, kept, schedule, threads, count))
        if directory is None:
            shutil.rmtree(kept)
        return answer

    def command_of(self, name):
        """The command of a program, before what it is asked."""
        assert self.has(name), name
        return self._commands[name]

    def suite_command(self, command, *arguments):
        """A command of benches/suite."""
        return [self.command_of("rust")[0], command, *map(str, arguments)]

    def suite(self, command, *arguments):
        """What a command of benches/suite answers."""
        return self.answer(self.suite_command(command, *arguments))

    def start(self, command):
        """A process that runs beside others, with pipes to its input and from its output."""
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self._environment, stdin=pipe, stdout=pipe, text=True,
                                preexec_fn=on_two_cores)

    def answer(self, command):
        done = subprocess.run(command, env=self._environment, stdout=subprocess.PIPE, text=True, timeout=300,
                              preexec_fn=on_two_cores)
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def killed(self, command):
        """Runs a program that kills itself when it has logged."""
        status = subprocess.run(command, env=self._environment, timeout=300, preexec_fn=on_two_cores).returncode
        if status != -signal.SIGKILL:
            sys.exit(f"{' '.join(command)} ended with {status} before it had logged all")

    def directory(self, name):
        """A new directory beside what is built, on the disk that has it."""
        directory = WORK / f"{name}-{len(os.listdir(WORK)) if WORK.exists() else 0}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        return directory

    def load(self, name):
        """The file of a load, made on first use."""
        if name not in self._loads:
            path = BUILT / f"{name}.bin"
            profile = "fixed" if name in VARIANTS else name
            subprocess.run([sys.executable, BENCHES / "suite/gen_calls.py", "-n", "4096", "--profile", profile,
                            "--format", "bin", "-o", path], check=True)
            if name in VARIANTS:
                path.write_bytes(packed(VARIANTS[name](unpacked(path.read_bytes()))))
            self._loads[name] = path
        return self._loads[name]


def on_two_cores():
    """Machines of any size measure the same thing."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


def unpacked(data):
    """The calls of a load: op, inputs, output as bytes, and the rest of the head."""
    calls, at = [], 0
    while at < len(data):
        *lengths, parent, duration = struct.unpack_from("<IIIiQ", data, at)
        texts, at = [], at + 24
        for length in lengths:
            texts.append(data[at:at + length])
            at += length
        calls.append((texts, parent, duration))
    return calls


def packed(calls):
    return b"".join(struct.pack("<IIIiQ", *map(len, texts), parent, duration) + b"".join(texts)
                    for texts, parent, duration in calls)


def with_references(calls):
    """The calls of a published op, as programs have them that show their code."""
    return [([b"weave:///team/bench/op/%s:%s" % (op, DIGEST), inputs, output], *rest)
            for (op, inputs, output), *rest in calls]


def with_ids(calls):
    """The calls of designs that make no ids: what the library makes stands in the inputs."""
    made = random.Random(1)
    return [([op, b'{"id":"%s","trace_id":"%s",%s' % (uuid(made), uuid(made), inputs[1:]), output], *rest)
            for (op, inputs, output), *rest in calls]


def uuid(made):
    digits = b"%032x" % made.getrandbits(128)
    return b"-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def with_prompts(calls):
    """The prose of many calls in the prompt of each."""
    calls = [(op, json.loads(inputs), output, rest) for (op, inputs, output), *rest in calls]
    prose, prompts = [inputs["messages"][1]["content"] for _, inputs, _, _ in calls], []
    for index, (op, inputs, output, rest) in enumerate(calls):
        text = ""
        while len(text) < PROMPT:
            text += prose[index % len(prose)] + " "
            index += 1
        messages = [inputs["messages"][0], {**inputs["messages"][1], "content": text[:PROMPT]}]
        prompt = json.dumps({**inputs, "messages": messages}, separators=(",", ":")).encode()
        prompts.append(([op, prompt, output], *rest))
    return prompts


#: Loads made of the profile `fixed`.
VARIANTS = {"prompts": with_prompts, "full": with_references, "named": with_ids}


def rounds(count, tasks):
    """Runs tasks, by name, one after the other, `count` times; for each the medians of what they answer."""
    answers = {name: [] for name in tasks}
    for _ in range(count):
        for name, task in tasks.items():
            answers[name].append(task())
    return {name: {key: median([answer[key] for answer in given]) for key in given[0]}
            for name, given in answers.items()}


def median(values):
    return None if None in values else statistics.median(values)


def tool(name, install):
    if shutil.which(name) is None:
        raise Missing(install)
    return name


def build(command, environment=None, directory=BENCHES):
    """Builds; what the compiler says is an error of ours, not a reason to skip."""
    if subprocess.run([str(part) for part in command], cwd=directory, env=environment).returncode:
        sys.exit(f"{' '.join(map(str, command))} failed")


def rust(_):
    command = ["cargo", "bench", "--quiet", "--target-dir", BUILT / "rust", "--bench", "suite", "--no-run", "--message-format=json-render-diagnostics"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if built.returncode:
        sys.exit("the benchmark's own program was not built")
    messages = map(json.loads, built.stdout.splitlines())
    return [next(message["executable"] for message in messages
                 if message["reason"] == "compiler-artifact" and message["target"]["name"] == "suite"), "log"]


def c(_):
    compiler = tool("cc", "apt-get install gcc")
    build([compiler, "-std=c11", BENCHES / "languages/c/bench.c", "-o", BUILT / "c", *STRICT, *LIBRARY])
    return [str(BUILT / "c")]


def cpp(_):
    compiler = tool("c++", "apt-get install g++")
    build([compiler, "-std=c++17", BENCHES / "languages/cpp/bench.cpp", "-o", BUILT / "cpp", *STRICT, *LIBRARY])
    return [str(BUILT / "cpp")]


def spdlog(_):
    compiler = tool("c++", "apt-get install g++ libspdlog-dev pkg-config")
    found = subprocess.run([tool("pkg-config", "apt-get install pkg-config libspdlog-dev"), "--cflags", "--libs",
                            "spdlog"], capture_output=True, text=True)
    if found.returncode:
        raise Missing("apt-get install libspdlog-dev")
    build([compiler, "-std=c++17", BENCHES / "peers/cpp/spdlog.cpp", "-o", BUILT / "spdlog", *STRICT,
           *found.stdout.split()])
    return [str(BUILT / "spdlog")]


def fetched(command, directory, environment):
    """Whether other people's packages are here: without a network they may not be."""
    if subprocess.run(command, cwd=BENCHES / directory, env=environment, capture_output=True).returncode:
        raise Missing(f"its packages: `{' '.join(command)}` in benches/{directory} must work")


def go_build(directory, package, output, environment):
    tool("go", "install Go 1.24 or later: https://go.dev/dl")
    fetched(["go", "mod", "download"], directory, environment)
    environment = {**environment, "CGO_CFLAGS": f"-I{ROOT / 'include'}",
                   "CGO_LDFLAGS": f"-L{RELEASE} -Wl,-rpath,{RELEASE}"}
    build(["go", "build", "-buildvcs=false", "-o", BUILT / output, package], environment, BENCHES / directory)
    return [str(BUILT / output)]


def weave_command(_):
    build(["cargo", "build", "--quiet", "--profile", "command", "--package", "libweave-cli", "--locked"], directory=ROOT)
    return [str(TARGET / "command/weave")]


def python_with(interpreter, program):
    return [str(interpreter), str(BENCHES / program)]


def official(_):
    if not OFFICIAL.exists():
        raise Missing("`make test-deps` makes the environment of the official client")
    return python_with(OFFICIAL, "peers/python/official_wal.py")


def weave_server(_):
    if not SERVER.exists():
        raise Missing("`make test-deps` makes its environment")
    return [str(SERVER), str(ROOT / "tests/server/server.py")]


def tracing(environment):
    fetched(["cargo", "fetch", "--locked"], "peers/rust", environment)
    build(["cargo", "build", "--quiet", "--release", "--locked"],
          {**environment, "CARGO_TARGET_DIR": str(BUILT / "peers")}, BENCHES / "peers/rust")
    return [str(BUILT / "peers/release/libweave-bench-peers")]


BUILDERS = {
    "rust": rust, "c": c, "c++": cpp, "go": lambda environment: go_build("languages/go", ".", "go", environment),
    "python": lambda _: python_with(sys.executable, "languages/python/bench.py"),
    "spdlog": spdlog, "tracing": tracing,
    "zap": lambda environment: go_build("peers/go", "./zap", "zap", environment),
    "zerolog": lambda environment: go_build("peers/go", "./zerolog", "zerolog", environment),
    "gzip per record": lambda _: python_with(sys.executable, "peers/python/gzip_per_record.py"),
    "weave command": weave_command, "official client": official, "local Weave server": weave_server,
}
