"""Directories for the tests of what looks after them, written by the Python binding; and texts with what differs from
run to run masked."""
import os
import re
import struct
import sys

import harness

LOG = """
import sys
import libweave as weave
client = weave.init(sys.argv[2], offline=True, offline_dir=sys.argv[1])
for n in range(int(sys.argv[3])):
    client.log_call("greet", {"n": n, "mark": sys.argv[4]}, "hi")
client.create_file("note.txt", sys.argv[4].encode())
client.create_object("thing", {"a": sys.argv[4]})
end = sys.argv[5]
client.finish() if end == "finish" else client.flush() if end == "flush" else None
if end != "finish":
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""


def log(directory, project="team/demo", calls=3, mark="plain", end="finish"):
    """A program that logs calls, a file and an object, and ends as it is told: finish, or a kill after a flush or with
    everything in its journal."""
    environment = {**harness.client_environment(directory.parent), "WEAVE_LIBRARY": str(harness.LIBRARY),
                   "PYTHONPATH": str(harness.ROOT / "bindings/python")}
    harness.run([sys.executable, "-c", LOG, directory, project, calls, mark, end], environment=environment,
                status=0 if end == "finish" else -9)
    return directory


MEMBERS = """
import sys
import libweave as weave
client = weave.init("team/demo", offline=True, offline_dir=sys.argv[1])
for member in range(int(sys.argv[2])):
    for n in range(2):
        client.log_call("greet", {"n": member * 2 + n, "text": "word " * 50}, "hi")
    client.flush()
client.create_file("note.txt", b"some bytes")
client.finish()
"""


def log_members(directory, count):
    """A data file of calls with so many members, of two records each."""
    environment = {**harness.client_environment(directory.parent), "WEAVE_LIBRARY": str(harness.LIBRARY),
                   "PYTHONPATH": str(harness.ROOT / "bindings/python")}
    harness.run([sys.executable, "-c", MEMBERS, directory, count], environment=environment)
    return directory


def members(path):
    """Where each member begins, and the end."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        found.append(at)
        at += struct.unpack_from("<I", data, at + 20)[0]
    return [*found, len(data)]


def overwrite(path, at, patch=b"\xff" * 8):
    data = bytearray(path.read_bytes())
    data[at:at + len(patch)] = patch
    path.write_bytes(data)


def masked(text):
    """Ids, digests, days, ages, sizes and ports as words."""
    text = text.replace("\u202f", " ")
    for pattern, word in [
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"), (r"\b[A-Za-z0-9]{43}\b", "DIGEST"),
            (r"\b[0-9a-f]{32}\b", "JOURNAL"), (r"\b20\d{6}_", "DAY_"), (r"\b20\d\d-\d\d-\d\dT[\d:.]+Z", "TIME"),
            (r"\bnow\b|(?<!than )(?<!least )\b\d+ [smhd] ago", "AGO"), (r"\b[\d.]+ (B|[kMGT]B)\b", "SIZE"),
            (r"http://127\.0\.0\.1:\d+", "SERVER"), (r"\b[\d.]+ (ms|µs)\b", "SPAN")]:
        text = re.sub(pattern, word, text)
    return text


def files(directory):
    """Every file of a directory with its bytes and its time of change."""
    return {str(path.relative_to(directory)): (path.read_bytes() if path.is_file() else None, path.stat().st_mtime_ns,
                                               path.stat().st_ctime_ns)
            for path in sorted(directory.rglob("*"))}


def data_file(directory, kind="calls", project="team/demo", end=".jsonl.gz"):
    """The only data file of a kind."""
    (found,) = (path for path in (directory / project / kind).iterdir() if path.name.endswith(end))
    return found


def is_root():
    return os.geteuid() == 0
