"""The command (commands/README.md) over the Python package: lines in, one answer each."""
import contextlib
import inspect
import json
import logging
import os
import re
import sys
import threading
import urllib.parse

import libweave as weave
from libweave import RawJSON


class WrongLine(Exception):
    """A line that is none of the command's."""


class Refusals(logging.Handler):
    """The last warning of the library: the package tells there what a server refused of a sync that went well."""

    text = ""

    def emit(self, record):
        self.text = record.getMessage()


refusals = Refusals()
logging.getLogger("libweave").addHandler(refusals)
session = None
calls = {}


def decoded(field):
    """A field that is a text; a byte that is not UTF-8 is a lone surrogate."""
    return field.decode("utf-8", "surrogateescape")


def encoded(field):
    """A field of an answer."""
    data = field if isinstance(field, bytes) else str(field).encode("utf-8", "surrogateescape")
    text = re.sub("[%\t\n\r\0\udc80-\udcff]", lambda found: f"%{ord(found[0]) & 0xFF:02X}", decoded(data))
    return text.encode()


def named(name):
    try:
        return calls[name]
    except KeyError:
        raise WrongLine(f"no call has the name {decoded(name)!r}") from None


def begun(name, call):
    calls[name] = call
    return call.id


# The session

def version():
    return weave.library_version()


def init(project, *settings):
    global session
    given, redact = {}, []
    for setting in settings:
        name, _, value = setting.partition(b"=")
        if name in (b"offline_dir", b"source"):
            given[decoded(name)] = decoded(value)
        elif name in (b"compress", b"disabled"):
            given[decoded(name)] = {b"true": True, b"false": False}[value]
        elif name == b"max_file_size":
            given["max_file_size_mb"] = int(value) / 1e6
        elif name == b"attributes":
            given["attributes"] = RawJSON(value)
        elif name == b"redact":
            redact.append(decoded(value))
        elif name == b"filter":
            given["filter"] = without(decoded(value))
        else:
            raise WrongLine(f"no setting {decoded(setting)!r}")
    session = weave.init(decoded(project), offline=True, redact_keys=redact, **given)
    return session.project


def without(op):
    """A filter that drops the records of an op."""
    return lambda kind, data: None if data.get("start", data).get("op_name") == op else data


def flush():
    session.flush()


def finish():
    session.finish()


def stats():
    return json.dumps(session.stats())


# Calls

def log(op, inputs, output):
    return session.log_call(decoded(op), RawJSON(inputs), RawJSON(output))


def batch(many):
    return session.log_calls(RawJSON(many))


def start(name, op, inputs, parent):
    return begun(name, session.create_call(decoded(op), RawJSON(inputs), parent=named(parent) if parent else None))


def adopt(name, op, line):
    return begun(name, session.create_call(decoded(op), parent_context=decoded(line)))


def end(name, output):
    named(name).finish(RawJSON(output))


def fail(name, kind, message):
    named(name).set_exception((decoded(kind), decoded(message)))


def usage(name, model, prompt, completion):
    named(name).add_usage(decoded(model), prompt_tokens=int(prompt), completion_tokens=int(completion))


def rename(name, text):
    named(name).set_display_name(decoded(text))


def context(name):
    return named(name).context


# What Python does in its own way

def nest(depth):
    deepest, ids = int(depth), []

    def enter(number):
        @weave.op(name=f"level-{number}", enable_code_capture=False)
        def of_level(level):
            call = weave.get_current_call()
            if call is not None:  # not where the session is disabled
                ids.append(call.id)
            if level < deepest:
                enter(level + 1)
            return level

        of_level(number)

    enter(1)
    return ids


def raise_failure(message):
    @weave.op(enable_code_capture=False)
    def inner():
        raise ValueError(decoded(message))

    @weave.op(enable_code_capture=False)
    def outer():
        with contextlib.suppress(ValueError):
            inner()
        return "caught"

    outer()


def values():
    deep = "bottom"
    for _ in range(100):
        deep = [deep]
    return session.log_call("values", {
        "empty": {"text": "", "list": [], "object": {}}, "none": None, "yes": True, "no": False,
        "text": "Zürich 東京 😀 \"quoted\" \\ /\t\u0001\u007f", "nul": "a\0b", "nan": float("nan"),
        "infinite": float("-inf"), "beyond_doubles": 2**53 + 1, "largest": 2**63 - 1, "smallest": -2**63,
        "unsigned": 2**64 - 1, "half": 0.5, "least": 5e-324, "keys": {"": 1, "with space": 2, "ключ": 3}, "deep": deep,
        "long": "x" * 1_000_000}, RawJSON(""))


def threads(count, each):
    def work(number):
        for call in range(int(each)):
            session.log_call("thread", {"thread": number, "call": call})

    started = [threading.Thread(target=work, args=(number,)) for number in range(int(count))]
    for thread in started:
        thread.start()
    for thread in started:
        thread.join()


def fork(name):
    parent = named(name)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            session.log_call("child", parent=parent)
            session.finish()
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("the child failed")


# What is published, and feedback

def op(name, code):
    return session.create_op(decoded(name), decoded(code))


def publish(name, value):
    return session.create_object(decoded(name), RawJSON(value))


def table(rows):
    return session.create_table(RawJSON(rows))


def dataset(name, rows):
    return session.create_dataset(decoded(name), RawJSON(rows))


def row(of, value):
    return session.dataset_row_ref(decoded(of), RawJSON(value))


def file(name, data):
    return session.create_file(decoded(name), data)


def image(form, data):
    return session.create_media(weave.Image(data, decoded(form))).encoded


def audio(form, data):
    return session.create_media(weave.Audio(data, decoded(form))).encoded


def content(filename, mimetype, data):
    return session.create_media(weave.Content(data, decoded(filename), decoded(mimetype))).encoded


def note(target, text):
    return session.feedback(decoded(target)).add_note(decoded(text))


def reaction(target, emoji):
    return session.feedback(decoded(target)).add_reaction(decoded(emoji))


def feedback(target, kind, payload):
    return session.feedback(decoded(target)).add(decoded(kind), RawJSON(payload))


def cost(model, prompt, completion):
    session.add_cost(decoded(model), float(prompt), float(completion))


# The directory

def sync(directory):
    results = weave.sync_offline_data(decoded(directory))
    if any(refused for kinds in results.values() for _, refused in kinds.values()):
        # The package counts and logs these, and raises for what else went wrong.
        raise weave.ServerError(refusals.text, 17, results)
    return json.dumps(results)


def clean(directory, days):
    return weave.OfflineDataSyncer(offline_dir=decoded(directory)).clean_synced_files(float(days))


def directory(path):
    return json.dumps(weave.directory_stats(decoded(path)))


def rejected(path):
    return json.dumps(weave.list_rejected(decoded(path)))


def verify(path):
    return json.dumps(weave.verify_offline_data(decoded(path)))


VERBS = {function.__name__: function for function in (
    version, init, flush, finish, stats, log, batch, start, adopt, end, fail, usage, rename, context, nest, values,
    threads, fork, op, table, dataset, row, file, image, audio, content, note, reaction, feedback, cost, sync, clean,
    directory, rejected, verify)} | {"raise": raise_failure, "object": publish}


def answer(line):
    """The fields of the answer to a line."""
    verb, *fields = [urllib.parse.unquote_to_bytes(field) for field in line.split(b"\t")]
    try:
        function = VERBS[decoded(verb)]
        inspect.signature(function).bind(*fields)
    except (KeyError, TypeError):
        raise WrongLine(f"no line of the command: {decoded(line)!r}") from None
    try:
        told = function(*fields)
    except weave.WeaveError as error:
        return ["error", error.status, error, *([json.dumps(error.results)] if error.results else [])]
    return ["ok", *(told if isinstance(told, list) else [] if told is None else [told])]


def main():
    for line in sys.stdin.buffer:
        try:
            fields = answer(line.rstrip(b"\n"))
        except WrongLine as wrong:
            print(wrong, file=sys.stderr)
            return 2
        sys.stdout.buffer.write(b"\t".join(map(encoded, fields)) + b"\n")
        sys.stdout.buffer.flush()
    os._exit(0)  # a session that is open would be finished otherwise


if __name__ == "__main__":
    sys.exit(main())
