"""Fixtures of the tests of the `weave` command: the command as a process, and directories that programs logged to."""
import subprocess

import harness
import pytest


@pytest.fixture(scope="session")
def command():
    """The command that `make test` built."""
    if not harness.COMMAND.exists():
        pytest.fail(f"{harness.COMMAND} is missing: run `cargo build --package libweave-cli`")
    return harness.COMMAND


@pytest.fixture
def weave_command(command, tmp_path):
    """weave_command(*args, server=None, input=None, **variables) runs it to its end, however that is; nobody's settings are
    around it."""

    def run(*arguments, server=None, input=None, **variables):
        line = [str(part) for part in (command, *arguments)]
        return subprocess.run(line, capture_output=True, text=True, timeout=120, input=input, cwd=tmp_path,
                              env={**harness.client_environment(tmp_path, server), **variables})

    run.binary = command
    return run


@pytest.fixture
def weave(weave_command, offline_dir):
    """weave(*arguments, status=0, **others) runs it on the test's directory; it must end with this status."""

    def run(*arguments, status=0, **others):
        done = weave_command(*arguments, **{"WEAVE_OFFLINE_DIR": str(offline_dir), "TZ": "UTC", **others})
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def offline_dir(tmp_path):
    """The directory that the command looks at."""
    return tmp_path / "offline"
