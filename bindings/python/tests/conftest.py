"""The package from this checkout, over the library that `make build` made (or WEAVE_LIBRARY)."""
import gzip
import json
import os
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
sys.path.insert(0, str(HERE.parent))
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
os.environ.setdefault("WEAVE_LIBRARY", str(TARGET.resolve() / "release" / "libweave.so"))
for name in [name for name in os.environ if name.startswith(("WANDB_", "WF_", "WEAVE_")) and name != "WEAVE_LIBRARY"]:
    del os.environ[name]

import libweave as weave  # noqa: E402


def script(code, cwd, *arguments, **environment):
    """Runs a program of the text to its end."""
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], cwd=cwd, capture_output=True, text=True,
                          timeout=60, env={**os.environ, "PYTHONPATH": str(HERE.parent), **environment})


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
