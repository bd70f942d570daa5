"""The programs, compiled once, and the look at what they left."""
import pytest

import harness
from stored import Stored, acknowledged


@pytest.fixture(scope="session")
def built(library, tmp_path_factory):
    """built(name, *flags) is the compiled program of that name in programs/."""
    done = {}

    def build(name, *flags):
        if (name, flags) not in done:
            output = tmp_path_factory.mktemp("programs") / name
            done[name, flags] = harness.compiled(harness.SUITE / "programs" / f"{name}.c", output, *flags)
        return done[name, flags]

    return build


@pytest.fixture
def environment(tmp_path):
    """What a program finds around it: nobody's settings, and the Python package on its path."""
    return {**harness.client_environment(tmp_path), "PYTHONPATH": str(harness.ROOT / "bindings/python"),
            "WEAVE_LIBRARY": str(harness.LIBRARY)}


@pytest.fixture
def told(tmp_path, environment):
    """told(command, status=0) runs a program whose first argument is the offline directory; the lines that it told."""
    def start(program, *arguments, status=0, **more):
        done = harness.run([program, *arguments], status=status, timeout=400, cwd=tmp_path,
                           environment={**environment, **more})
        print(done.stderr[-2000:])
        return done.stdout.splitlines()

    return start


@pytest.fixture
def recover(built, environment):
    """recover(directory) starts another process on it, which packs what was left."""
    return lambda directory: harness.run([built("recover"), directory], environment=environment)


@pytest.fixture
def kept(recover):
    """kept(directory, lines) holds that everything that was told is there once and nothing twice, after a new start."""
    def look(directory, lines, recovers=True):
        if recovers:
            recover(directory)
        stored, expected = Stored(directory), acknowledged(lines)
        assert expected, "nothing was accepted"
        problems = stored.doubled() + stored.lost(expected) + stored.wrong
        assert not problems, "\n".join([f"{len(problems)} of {len(expected)}, the first ones:", *problems[:10]])
        return stored

    return look
