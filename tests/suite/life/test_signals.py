"""Signals by the thousand during logging, flush and finish: no function fails, errno stays what it was."""
import pytest


@pytest.mark.parametrize("handlers", ["restart", "interrupt"])
def test_a_storm_of_signals_disturbs_nothing(built, told, kept, tmp_path, handlers):
    lines = told(built("signals"), tmp_path / "offline", handlers)
    assert len(lines) == 3000
    kept(tmp_path / "offline", lines, recovers=False)
