"""The campaign that the tests of this folder look at, and its report at the end of the run."""
import os
import random

import pytest

from syncing.campaign import Campaign

KILLS = int(os.environ.get("SYNC_KILLS") or 300)
SEED = int(os.environ.get("SYNC_KILL_SEED") or random.randrange(1 << 32))
done = []


@pytest.fixture(scope="session")
def campaign(library, tmp_path_factory):
    """Every kill of the run; `SYNC_KILLS` says how many, `SYNC_KILL_SEED` which."""
    if not done:
        done.append(Campaign(KILLS, SEED, tmp_path_factory.mktemp("sync-kills")))
    return done[0]


def pytest_terminal_summary(terminalreporter):
    for one in done:
        terminalreporter.section("kills of the syncer")
        for line in one.report():
            terminalreporter.write_line(line)
