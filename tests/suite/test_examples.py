"""The uses that the library was made for, as programs of examples/, each run to its end against a real server."""
import json
import subprocess
import time

import pytest

from harness import CLIENTS, ENTITY, KEY, LIBRARY, ROOT, client_environment, compiled, run

FIELD = [CLIENTS["0.52.20"], ROOT / "examples/field_research.py"]


@pytest.fixture
def device(library, tmp_path):
    """device(server) starts the edge loop, which sends to the server, in five tenths of a second or later."""
    program = compiled(ROOT / "examples/edge_loop.cpp", tmp_path / "edge_loop", language="c++")
    started = []

    def start(server):
        environment = {**client_environment(tmp_path, server), "WEAVE_OFFLINE_DIR": str(tmp_path / "offline"),
                       "WEAVE_SEND_INTERVAL": "0.5"}
        started.append(subprocess.Popen([program, f"{ENTITY}/oven"], env=environment, text=True, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return started[-1]

    yield start
    for one in started:
        one.kill()
        one.communicate()


def measured(device, values):
    """What the device decides on each value."""
    decisions = []
    for value in values:
        device.stdin.write(f"{value}\n")
        device.stdin.flush()
        decisions.append(device.stdout.readline().strip())
    return decisions


def cycles(server):
    """The measurements of the calls that a server has, in order, and the decisions below them."""
    read = [json.loads(line) for line in
            server.read("/calls/stream_query", {"project_id": f"{ENTITY}/oven"}).splitlines()]
    roots = {call["id"]: int(call["inputs"]["line"]) for call in read if call["op_name"] == "cycle"}
    below = sorted(roots[call["parent_id"]] for call in read if call["op_name"] == "decide")
    return sorted(roots.values()), below


def wait_for(server, count):
    """Waits until the server has so many cycles with their decisions."""
    end = time.monotonic() + 60
    while True:
        try:
            found = cycles(server)
        except (AssertionError, KeyError):  # the project is not there yet, or a decision before its cycle
            found = [], []
        if [len(part) for part in found] == [count, count]:
            return
        assert time.monotonic() < end, f"{found} in place of {count} cycles"
        time.sleep(0.05)


def test_an_edge_device_sends_everything_once_over_a_line_that_comes_and_goes(device, server):
    line = server()
    line.stop()
    oven = device(line)
    assert measured(oven, range(70, 90)) == ["wait"] * 11 + ["cool"] * 9
    line.restart()
    wait_for(line, 20)
    line.stop()
    measured(oven, range(90, 110))
    line.restart()
    measured(oven, range(110, 120))
    oven.communicate(timeout=60)
    assert oven.returncode == 0
    assert cycles(line) == ([*range(70, 120)], [*range(70, 120)])
    assert set(line.writes().values()) == {1}


def test_an_edge_device_that_loses_its_power_sends_the_rest_at_its_next_start(device, server):
    line = server()
    line.stop()
    oven = device(line)
    measured(oven, range(10))
    oven.kill()
    line.restart()
    device(line).communicate(timeout=60)
    assert cycles(line) == ([*range(10)], [*range(10)])


def test_field_research_is_logged_without_a_network_and_sent_at_base(library, shared_server, official, project, tmp_path):
    server = shared_server()
    in_the_field = {**client_environment(tmp_path), "PYTHONPATH": str(ROOT / "bindings/python"),
                    "WEAVE_LIBRARY": str(LIBRARY)}
    at_base = {**in_the_field, "WANDB_API_KEY": KEY, "WANDB_BASE_URL": server.url, "WF_TRACE_SERVER_URL": server.url,
               "WEAVE_DESTINATION": f"{ENTITY}/{project}"}
    stick = tmp_path / "stick"
    for site, *notes in (("north", "A heron at the weir", "something brown"), ("south", "an otter")):
        run([*FIELD, "observe", stick, site, *notes], environment=in_the_field)
    assert "bytes wait" in run([*FIELD, "look", stick], environment=in_the_field).stdout
    told = run([*FIELD, "base", stick], environment=at_base).stdout
    assert '"calls": [6, 0]' in told and "verified" in told
    assert run([*FIELD, "base", stick], environment=at_base).stdout == "verified; 0 old files deleted\n"
    read = official("0.54.0").read_back(server, project)
    assert sorted(call["thread_id"] for call in read["calls"]) == ["site-north"] * 4 + ["site-south"] * 2
    assert {item["object_id"] for item in read["objects"]} == {"observe", "identify", "observations-north",
                                                               "observations-south"}
    assert [item["payload"]["note"] for item in read["feedback"]] == ["please check at base"]
