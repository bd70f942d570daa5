"""What a journal that was left behind says: what is in it and what it holds to be freed. It tells only the states apart
in which a process was killed; nothing that is promised is judged by it."""
import collections
import pathlib
import struct

from stored import content, data_files, entries, members

KINDS = ["", "calls", "calls", "calls", "calls", "ops", "objects", "tables", "files", "feedback", "costs", "metadata",
         "metadata"]
PAD = 0xFFFF_FFFF

#: The frames of a stream as (position behind it, folder of its kind).
Stream = collections.namedtuple("Stream", "id freed frames")


def parts(journal, end):
    """The files of a journal whose names end so."""
    return sorted(pathlib.Path(path) for path in entries(journal) if path.endswith(end))


def streams(journal):
    """The streams of a journal: its segments, and its rings if it has any."""
    found = [_ring(content(path)) for path in parts(journal, ".ring")]
    return [one for one in [_log(journal), *found] if one is not None]


def _log(journal):
    stream, freed, frames = None, None, []
    for path in parts(journal, ".log"):
        data, position, at = content(path), int(path.stem), 24
        if len(data) < 24:
            continue
        stream, freed = data[8:24], position if freed is None else freed
        while at + 8 <= len(data):
            length, = struct.unpack_from("<I", data, at)
            if length == 0 or at + 8 + length > len(data):
                break
            at += 8 + length
            frames.append((position + at - 24, _kind(data, at - length)))
    return Stream(stream, freed, frames) if stream else None


def _ring(data):
    if data[:8] != b"WEAVER1\n" or len(data) < 4096:
        return None
    stream, capacity, freed = data[8:24], *struct.unpack_from("<Q32xQ", data, 24)
    at, frames = freed, []
    while capacity and len(data) >= 4096 + capacity and at < freed + capacity:
        place = 4096 + at % capacity
        length, _, position = struct.unpack_from("<IIQ", data, place)
        if position != at or length == 0:
            break
        if length == PAD:
            at += capacity - at % capacity
            continue
        at += 16 + (length + 15) // 16 * 16
        frames.append((at, _kind(data, place + 16)))
    return Stream(stream, freed, frames)


def _kind(data, at):
    return KINDS[data[at]] if data[at] < len(KINDS) else "?"


def covered(directory):
    """(stream, kind) → the position up to which members say that everything is there."""
    found = collections.defaultdict(int)
    for path in data_files(directory):
        for member in members(content(path))[0]:
            for stream, _, to in member.parts:
                found[stream, path.parent.name] = max(found[stream, path.parent.name], to)
    return found
