"""A wall clock that goes back, stands at 1970, or jumps to another day while a program logs."""
import time

import pytest

import harness

DAY = 24 * 3600


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    output = tmp_path_factory.mktemp("shim") / "clock.so"
    return harness.compiled(harness.SUITE / "programs" / "clock_shim.c", output, "-shared", "-fPIC", "-ldl")


@pytest.mark.parametrize("end", ["finish", "leave"])
@pytest.mark.parametrize("steps", [lambda: [0, -3600, 0], lambda: [0, -DAY, DAY, -2 * DAY],
                                   lambda: [-int(time.time()), -int(time.time()) + 1], lambda: [0, -int(time.time()), 0],
                                   lambda: [0, 40 * 365 * DAY, 0]],
                         ids=["an hour back", "days back and forth", "at 1970", "to 1970 and back", "far ahead and back"])
def test_records_are_kept_whatever_the_clock_says(built, told, kept, tmp_path, shim, steps, end):
    offset = tmp_path / "offset"
    lines = told(built("clock"), tmp_path / "offline", offset, end, *steps(), LD_PRELOAD=str(shim),
                 CLOCK_OFFSET=str(offset))
    assert len(lines) == 75 * len(steps())
    kept(tmp_path / "offline", lines)
