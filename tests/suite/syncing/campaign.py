"""What the campaign of killed syncers consists of."""
import os
import pathlib

from campaigns import Campaign as Common
from harness import CLIENTS, LIBRARY, ROOT, SUITE, TARGET, compiled
from syncing.episode import KILLS, Episode
from syncing.states import STATES

WRITERS = pathlib.Path(__file__).parent / "writers"
# The interpreter below the environment, which starts faster.
PYTHON = os.path.realpath(CLIENTS["0.52.20"])


def build(directory):
    """Build the C writer and the syncer; the command of each and the environment that the writers need."""
    shim = compiled(SUITE / "programs" / "late_locks.c", directory / "late-locks.so", "-shared", "-fPIC", "-ldl")
    return {"late locks": shim, "sync": [compiled(ROOT / "examples" / "sync.c", directory / "sync")],
            "c": [compiled(WRITERS / "writer.c", directory / "c-writer")],
            "python": [PYTHON, "-S", WRITERS / "writer.py"],
            "environment": {"PYTHONPATH": str(ROOT / "bindings/python"), "WEAVE_LIBRARY": str(LIBRARY)}}


def episode(seed, number, commands, directory):
    """Run one; what the campaign keeps of it."""
    try:
        done = Episode(seed, number, commands, pathlib.Path(directory) / str(number))
    except Exception as cause:
        raise RuntimeError(f"episode {number} of seed {seed} failed") from cause
    return number, [] if done.is_void else done.kills, done.problems, done.acknowledged, done.records


class Campaign(Common):
    """Syncers, killed while writers log to a server with faults."""

    REPORT, STATES, EACH = TARGET / "sync_kills.json", STATES, KILLS
    build, episode = staticmethod(build), staticmethod(episode)
