"""A wall clock that goes back, stands at 1970, or jumps to another day while a program logs."""
import time

import pytest

import harness

DAY = 24 * 3600
AGE = int(time.time())  # of the clock

# The seconds by which the clock is off, one after the other.
STEPS = {"an hour back": [0, -3600, 0], "days back and forth": [0, -DAY, DAY, -2 * DAY], "at 1970": [-AGE, -AGE + 1],
         "to 1970 and back": [0, -AGE, 0], "far ahead and back": [0, 40 * 365 * DAY, 0]}


@pytest.fixture(scope="session")
def shim(tmp_path_factory):
    output = tmp_path_factory.mktemp("shim") / "clock.so"
    return harness.compiled(harness.SUITE / "programs" / "clock_shim.c", output, "-shared", "-fPIC", "-ldl")


@pytest.mark.parametrize("end", ["finish", "leave"])
@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_records_are_kept_whatever_the_clock_says(built, told, kept, tmp_path, shim, steps, end):
    offset = tmp_path / "offset"
    lines = told(built("clock"), tmp_path / "offline", offset, end, *steps, LD_PRELOAD=str(shim),
                 CLOCK_OFFSET=str(offset))
    assert len(lines) == 75 * len(steps)
    kept(tmp_path / "offline", lines)
