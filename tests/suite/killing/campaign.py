"""What the campaign of killed writers and recoverers consists of."""
import os
import pathlib

from campaigns import Campaign as Common
from harness import CLIENTS, LIBRARY, ROOT, SUITE, TARGET, compiled, go_environment, run
from killing.episode import Episode
from killing.states import STATES

WRITERS = pathlib.Path(__file__).parent / "writers"
# The interpreter below the environment, which starts faster.
PYTHON = os.path.realpath(CLIENTS["0.52.20"])


def build(directory):
    """Build the writers; the command of each language and the environment that they need."""
    run(["go", "build", "-o", directory / "go-writer", WRITERS / "writer.go"], cwd=ROOT / "bindings/go", timeout=600,
        environment=go_environment(directory))
    shim = compiled(SUITE / "programs" / "short_writes.c", directory / "short-writes.so", "-shared", "-fPIC", "-ldl")
    return {"short writes": shim, "c": [compiled(WRITERS / "writer.c", directory / "c-writer")],
            "go": [directory / "go-writer"],
            "python": [PYTHON, "-S", WRITERS / "writer.py"],
            "environment": {"PYTHONPATH": str(ROOT / "bindings/python"), "WEAVE_LIBRARY": str(LIBRARY)}}


def episode(seed, number, commands, directory):
    """Run one; what the campaign keeps of it."""
    try:
        done = Episode(f"{seed}:{number}", commands, pathlib.Path(directory) / str(number))
    except Exception as cause:
        raise RuntimeError(f"episode {number} of seed {seed} failed") from cause
    return number, done.kills, done.problems, done.acknowledged, done.records


class Campaign(Common):
    """Writers in three languages and those that recover, killed."""

    REPORT, STATES = TARGET / "kills.json", STATES
    build, episode = staticmethod(build), staticmethod(episode)
