"""The command, as somebody at a terminal starts it."""
import os
import pathlib
import subprocess

import pytest

import harness


@pytest.fixture(scope="session")
def weave_binary():
    """The binary that WEAVE_COMMAND names, else the one that was built."""
    built = [harness.TARGET / "command" / "weave", harness.TARGET / "debug" / "weave"]
    given = os.environ.get("WEAVE_COMMAND")
    for path in [pathlib.Path(given)] if given else built:
        if path.exists():
            return path
    pytest.fail(f"no weave command at {given or built[0]}: build it first")


@pytest.fixture
def weave_command(weave_binary, tmp_path):
    """weave_command(*args, server=None, input=None, **variables) runs it to its end; nobody's settings are around it."""
    def start(*arguments, server=None, input=None, **variables):
        command = [str(part) for part in (weave_binary, *arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, input=input, cwd=tmp_path,
                              env={**harness.client_environment(tmp_path, server), **variables})
    return start
