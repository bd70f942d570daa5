"""The reading side on its own: for a session logged by the official client, the script that reads what libweave sent
sees exactly the values of the scenario."""
import pytest
import scenario
from harness import ENTITY

MODES = {"complete": ((), {}),
         "merged": ((), {"WEAVE_USE_CALLS_COMPLETE": "false"}),
         "legacy server": (("--calls-mode", "legacy"), {"WEAVE_USE_CALLS_COMPLETE": "false"})}


@pytest.mark.parametrize("reader", ["0.52.20", "0.54.0"])
@pytest.mark.parametrize("mode", MODES)
def test_the_official_readers_see_what_the_official_client_wrote(shared_server, official, project, mode, reader):
    options, environment = MODES[mode]
    server = shared_server(*options)
    official("0.54.0").run("official_writer.py", server, f"{ENTITY}/{project}", **environment)
    seen = scenario.seen(official(reader).read_back(server, project))
    # the official client publishes an op for every name and image loader, with code of its own
    assert "lookup_order" in seen.pop("ops")
    scenario.same(seen, {k: v for k, v in scenario.EXPECTED.items() if k != "ops"})
