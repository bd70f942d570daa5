"""The command of every binding (commands/README.md) as a process: how it is built and started, its lines and answers.

Each is built and run under the checker that its language has, and everything it prints on standard error is a failure."""
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.parse

from harness import CLIENTS, INCLUDE, LIBRARY, RELEASE, ROOT, STRICT, SUITE, client_environment, go_environment, has, run

LANGUAGES = tuple(filter(has, ("c", "cpp", "go", "python", "node", "ruby", "lua")))
COMMANDS = SUITE / "commands"
SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]


class Refused(Exception):
    """An answer `error`: the status, the text of the binding's error, and what stands behind it."""

    def __init__(self, status, text, *fields):
        super().__init__(status, text)
        self.status, self.text, self.fields = int(status), text, fields


class Unsupported(Exception):
    """An answer `unsupported`."""


def built(language, directory):
    """What starts the command of a language: (arguments, variables). Compiled ones are built in the directory."""
    source, program = COMMANDS / language, pathlib.Path(directory) / language
    if language in ("c", "cpp"):
        compiler, standard = {"c": ("cc", "c11"), "cpp": ("c++", "c++17")}[language]
        run([compiler, f"-std={standard}", *STRICT, *SANITIZED, "-g", "-O1", f"-I{INCLUDE}", f"-I{ROOT}/bindings/c/include",
             f"-I{ROOT}/bindings/cpp/include", *sorted(source.glob(f"*.{language}")), "-o", program, f"-L{RELEASE}",
             "-lweave", f"-Wl,-rpath,{RELEASE}", "-pthread"], timeout=300)
        return [program], {}
    if language == "go":
        run(["go", "build", "-race", "-o", program, "."], cwd=source, timeout=600,
            environment={**go_environment(directory), "GOEXPERIMENT": "cgocheck2"})
        return [program], {"GOGC": "1"}
    return {
        "python": ([CLIENTS["0.52.20"], "-X", "dev", "-W", "error", source / "command.py"],
                   {"PYTHONPATH": ROOT / "bindings/python"}),
        "node": (["node", "--throw-deprecation", "--unhandled-rejections=strict", source / "command.js"], {}),
        "ruby": (["ruby", "-w", "-I", ROOT / "bindings/ruby/lib", source / "command.rb"], {}),
        "lua": (["luajit", source / "command.lua"], {"LUA_PATH": f"{ROOT}/bindings/lua/?.lua;;"}),
    }[language]


def encoded(field):
    """A field as it stands in a line."""
    text = (field if isinstance(field, bytes) else str(field).encode()).decode("utf-8", "surrogateescape")
    return re.sub("[%\t\n\r\0\udc80-\udcff]", lambda found: f"%{ord(found[0]) & 0xFF:02X}", text)


class Command:
    """One process. It is killed when a line takes longer than two minutes."""

    def __init__(self, started, home, server=None, **more):
        """`started` is what `built` answers; `more` are further variables."""
        arguments, variables = started
        environment = {**client_environment(home, server), "WEAVE_LIBRARY": str(LIBRARY),
                       **{name: str(value) for name, value in {**variables, **more}.items()}}
        self.errors = open(pathlib.Path(home) / f"errors-{os.urandom(4).hex()}.txt", "w+b")
        self.process = subprocess.Popen([str(part) for part in arguments], env=environment, cwd=home,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.kill()
        else:
            assert self.end() == 0, self.said()

    def ask(self, verb, *fields):
        """The field that the line is answered with; None when there is none, a list when there are several."""
        watch = threading.Timer(120, self.process.kill)
        watch.start()
        try:
            self.process.stdin.write("\t".join([verb, *map(encoded, fields)]).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().decode()
        except BrokenPipeError:
            answer = ""
        finally:
            watch.cancel()
        assert answer.endswith("\n"), f"{verb}: no answer, status {self.process.poll()}:\n{self.said()}"
        kind, *fields = [urllib.parse.unquote(field) for field in answer[:-1].split("\t")]
        if kind == "error":
            raise Refused(*fields)
        if kind == "unsupported":
            raise Unsupported(verb)
        assert kind == "ok", answer
        return fields if len(fields) > 1 else fields[0] if fields else None

    def ask_json(self, verb, *fields):
        """The same for an answer that is JSON."""
        return json.loads(self.ask(verb, *fields))

    def refusal(self, verb, *fields):
        """The error that the line is answered with."""
        try:
            answer = self.ask(verb, *fields)
        except Refused as refused:
            return refused
        raise AssertionError(f"{verb} was answered with {answer!r}")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def end(self):
        """Ends the input; the status that the process ends with. What it said on standard error is a failure."""
        try:
            self.process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        if self.process.returncode == 0:
            assert self.said() == ""
        return self.process.returncode

    def said(self):
        self.errors.seek(0)
        return self.errors.read().decode(errors="replace")
