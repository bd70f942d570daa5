"""Fixtures of the tests of the `weave` command: the command as a process, and directories that programs logged to."""
import re

import harness
import pytest


@pytest.fixture(scope="session")
def command():
    """The command that `make test` built."""
    if not harness.COMMAND.exists():
        pytest.fail(f"{harness.COMMAND} is missing: run `cargo build --package libweave-cli`")
    return harness.COMMAND


@pytest.fixture
def weave(command, tmp_path):
    """weave(*arguments, status=0, server=None, **variables) runs the command on the test's directory `offline`; what it
    printed."""

    def run(*arguments, status=0, server=None, input=None, **variables):
        environment = {**harness.client_environment(tmp_path, server), "WEAVE_OFFLINE_DIR": str(tmp_path / "offline"),
                       "TZ": "UTC", **variables}
        return harness.run([command, *arguments], status=status, environment=environment, input=input)

    return run


@pytest.fixture
def offline_dir(tmp_path):
    """The directory that the command looks at."""
    return tmp_path / "offline"


def masked(text):
    """A text with what differs each time replaced: ids, times, sizes, durations, and the width of columns."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", "TIME", text)
    text = re.sub(r"\b\d+(\.\d)? (B|kB|MB|GB|TB)\b", "SIZE", text)
    text = re.sub(r"\b(now|\d+ [smhd] ago)\b", "AGO", text)
    text = re.sub(r"\b\d+(\.\d)? (µs|ms|s)\b", "SPAN", text)
    return re.sub(r"(?<=\S)  +", "  ", text)
