"""What lies in an offline directory, read without the library: members of data files, and records by their ids.

It only reads, and trusts nothing but docs/storage.md.
"""
import collections
import fcntl
import glob
import gzip
import json
import os
import pathlib
import re
import struct
import zlib

DATA_FILE = re.compile(r"(\d{8})_(\d{4,})(\.synced)?\.jsonl(\.gz)?")
HEADER = struct.Struct("<10sH2sHB3xIII")
PART = struct.Struct("<16sQQ")

Member = collections.namedtuple("Member", "offset length raw lines parts")  # parts: (stream, from, to)


def members(data):
    """The whole members at the beginning of a data file, and how many bytes they are."""
    found, at = [], 0
    while at + HEADER.size <= len(data):
        magic, extra, name, size, version, length, raw, lines = HEADER.unpack_from(data, at)
        if (magic[:4], name, version) != (b"\x1f\x8b\x08\x04", b"WV", 1) or at + length > len(data):
            break
        parts = [PART.unpack_from(data, at + HEADER.size + i * PART.size) for i in range((size - 16) // PART.size)]
        found.append(Member(at, length, raw, lines, parts))
        at += length
    return found, at


def data_files(directory):
    """The data files of every project, in order of folder, day and number."""
    found = map(pathlib.Path, glob.glob(f"{directory}/*/*/*/*"))
    return sorted(path for path in found if DATA_FILE.fullmatch(path.name))


def content(path):
    """The bytes of a file; of one that was removed meanwhile, none."""
    try:
        return pathlib.Path(path).read_bytes()
    except FileNotFoundError:
        return b""


def entries(directory):
    """The paths in a directory, hidden ones too; one that was removed meanwhile has none."""
    try:
        return [os.path.join(directory, name) for name in os.listdir(directory)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def journals(directory):
    """The journals, whether their processes live or not; one that is not born yet has a name with a dot."""
    return sorted(map(pathlib.Path, entries(pathlib.Path(directory) / ".weave" / "journals")))


def is_locked(path):
    """Whether a process has the file locked; one that is gone is not."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def keys(record):
    """What a record stands for, as (what, id): a complete call is a start and an end."""
    kind, data = record["type"], record["data"]
    if kind == "call_complete":
        return [("start", data["id"]), ("end", data["id"])]
    if kind in ("call_start", "call_end"):
        part = kind.removeprefix("call_")
        return [(part, data[part]["id"])]
    if kind == "feedback_create":
        return [("feedback", data["id"])]
    if kind == "obj_create":
        return [("object", data["obj"]["object_id"])]
    return []


def acknowledged(lines):
    """The keys of what a program told: `c ID` a finished call, `s` and `e` the ends of a live one, `f` feedback, `o` an
    object by its name."""
    parts = {"s": ["start"], "e": ["end"], "c": ["start", "end"], "f": ["feedback"], "o": ["object"]}
    return [(part, line[2:]) for line in lines if line[1:2] == " " for part in parts.get(line[0], [])]


class Stored:
    """Everything in the data files of a directory, and what is wrong with them."""

    def __init__(self, directory, each=lambda record: None):
        """each(record) is called for every record."""
        self.directory, self.count, self.torn, self.empty = pathlib.Path(directory), collections.Counter(), [], []
        self.wrong, self.records = [], 0
        for path in data_files(directory):
            data = path.read_bytes()
            if not data and path.suffix == ".gz":
                self.empty.append(str(path))
            for line in self._plain(path, data) if path.suffix == ".jsonl" else self._members(path, data):
                self.records += 1
                try:
                    record = json.loads(line)
                    self.count.update(keys(record))
                    each(record)
                except (ValueError, KeyError, AssertionError) as cause:
                    self.wrong.append(f"{path}: {cause!r}: {line[:200]!r}")
        names = collections.Counter((path.parent, *DATA_FILE.fullmatch(path.name).group(1, 2))
                                    for path in data_files(directory))
        self.wrong += [f"the name {name} is used {times} times" for name, times in names.items() if times > 1]

    def _plain(self, path, data):
        *lines, rest = data.split(b"\n")
        if rest:
            self.torn.append(f"{path} ends with {rest[:100]!r}")
        return lines

    def _members(self, path, data):
        found, end = members(data)
        if end != len(data):
            self.torn.append(f"{path}: {len(data) - end} bytes behind the whole members, at byte {end}")
        for member in found:
            try:
                text = gzip.decompress(data[member.offset:member.offset + member.length])
            except (OSError, EOFError, zlib.error) as cause:
                self.wrong.append(f"{path}: the member at byte {member.offset}: {cause!r}")
                continue
            lines = text.split(b"\n")[:-1]
            if (len(text), len(lines)) != (member.raw, member.lines) or not text.endswith(b"\n"):
                self.wrong.append(f"{path}: the member at byte {member.offset} is not what its header says")
            yield from lines

    def doubled(self):
        """What is there more than once."""
        return [f"{key} is there {times} times" for key, times in self.count.items() if times > 1]

    def lost(self, acknowledged):
        """What was acknowledged and is not there."""
        return [f"{key} was acknowledged and is not there" for key in acknowledged if key not in self.count]
