"""The Python package as its users meet it: its examples, its values and its syncs against a real server, read back by
the official clients, and `import weave` from the second package."""
import datetime
import json
import os
import signal
import subprocess
import sys

import pytest
from harness import ENTITY, KEY, LIBRARY, ROOT, MuteServer, client_environment, lines, run

# The interpreter below the environment, where the official client is not installed.
PLAIN = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
PACKAGE, SECOND = ROOT / "bindings/python", ROOT / "bindings/python-weave"


def environment(home, server=None, second=False):
    kept = client_environment(home, server)
    path = os.pathsep.join(map(str, [PACKAGE, SECOND] if second else [PACKAGE]))
    return {**kept, "PYTHONPATH": path, "WEAVE_LIBRARY": str(LIBRARY)}


def python(code, home, server=None, *arguments, second=False, interpreter=PLAIN, **more):
    """Run a program of the text; what it printed."""
    return run([interpreter, "-c", code, *arguments], environment={**environment(home, server, second), **more},
               cwd=home).stdout


@pytest.fixture(scope="module", autouse=True)
def built(library):
    """Every test here loads the library."""


def test_the_quick_start_runs_verbatim_offline(tmp_path):
    done = run([PLAIN, ROOT / "examples/quickstart.py"], environment=environment(tmp_path, second=True), cwd=tmp_path)
    assert done.stdout == "1 + 2 = 3\nset WANDB_API_KEY to send ./offline_data\n"
    (line,) = lines(tmp_path / "offline_data", "my-team/my-project/calls/*.jsonl.gz")
    assert json.loads(line)["data"]["inputs"] == {"a": 1, "b": 2}


def test_the_quick_start_syncs_with_a_key(tmp_path, server, official):
    """Its project belongs to a team of its own, for which the server knows the key as well."""
    server = server("--entity", "my-team")
    done = run([PLAIN, ROOT / "examples/quickstart.py"], environment=environment(tmp_path, server, second=True),
               cwd=tmp_path)
    assert "my-team/my-project {" in done.stdout and "'calls': (1, 0)" in done.stdout
    assert done.stdout.endswith("files deleted: 0\n")
    read = official("0.54.0").run("readback.py", server, "my-team/my-project")
    (call,) = read["calls"]
    assert (call["inputs"], call["output"]) == ({"a": 1, "b": 2}, 3)


def test_the_example_shows_the_whole_offline_mode(tmp_path, server, official, project):
    server = server()
    done = run([PLAIN, ROOT / "examples/offline_mode_example.py", tmp_path / "offline", f"{ENTITY}/{project}"],
               environment=environment(tmp_path, server), cwd=tmp_path)
    synced = json.loads(done.stdout.split("synced one project: ")[1].splitlines()[0])[f"{ENTITY}/{project}"]
    assert synced["calls"] == [16, 0] and not [kind for kind, (_, errors) in synced.items() if errors]
    again = json.loads(done.stdout.split("nothing is sent twice: ")[1].splitlines()[0])
    assert sum(done for kinds in again.values() for done, _ in kinds.values()) == 0
    assert int(done.stdout.rsplit("files deleted: ")[1]) > 0
    read = official("0.54.0").read_back(server, project)
    assert len(read["calls"]) == 16 and {item["object_id"] for item in read["objects"]} >= {
        "assistant-config", "questions", "search", "complete", "stream", "fragile", "Assistant.answer"}
    (by_hand,) = [call for call in read["calls"] if call["op_name"] == "by_hand"]
    assert by_hand["raw"]["started_at"].startswith("2026-01-02T03:04:05.678901")
    answers = [call for call in read["calls"] if "Assistant.answer" in call["op_name"]]
    assert [call["summary"]["usage"]["gpt-4o-mini"]["total_tokens"] for call in answers] == [17, 17]


def test_the_example_works_for_a_project_without_an_entity(tmp_path, server):
    server = server()
    offline = environment(tmp_path)
    run([PLAIN, ROOT / "examples/offline_mode_example.py", tmp_path / "offline"], environment=offline, cwd=tmp_path)
    code = "import libweave as weave; print(weave.sync_offline_data('offline')['offline/offline-example']['calls'])"
    assert python(code, tmp_path, server) == "(16, 0)\n"


LOG_VALUES = """
import dataclasses, datetime, sys
import libweave as weave

@dataclasses.dataclass
class Point:
    x: int
    at: datetime.datetime

weave.init(sys.argv[1], offline=True, offline_dir="offline")
at = datetime.datetime(2026, 1, 2, 3, 4, 5, 6, datetime.timezone(datetime.timedelta(hours=2)))
weave.log_call("values", {"at": at, "tuple": (1, 2), "point": Point(1, at), "set": {3}, "bytes": b"ab"})
weave.publish(Point(2, at), "point")
weave.finish()
"""


@pytest.mark.parametrize("reader", ["0.52.20", "0.54.0"])
def test_official_clients_rebuild_values(tmp_path, shared_server, official, project, reader):
    server = shared_server()
    python(LOG_VALUES, tmp_path, None, f"{ENTITY}/{project}")
    python("import libweave as weave; weave.sync_offline_data('offline')", tmp_path, server)
    read = official(reader).read_back(server, project)
    (call,) = read["calls"]
    at = {"$time": "2026-01-02T03:04:05.000006+02:00"}
    # The zone is stored; clients show a time at the top of a call's inputs in another one.
    assert call["raw"]["inputs"]["at"]["val"] == at["$time"]
    shown = datetime.datetime.fromisoformat(call["inputs"].pop("at")["$time"])
    assert shown == datetime.datetime.fromisoformat(at["$time"])
    assert call["inputs"] == {"tuple": [1, 2], "point": {"$object": {"x": 1, "at": at}}, "set": "{3}", "bytes": "b'ab'"}
    (point,) = [item for item in read["objects"] if item["object_id"] == "point"]
    assert point["decoded"] == {"$object": {"x": 2, "at": at}}



def logged(home, project):
    python("import libweave as weave, sys\n"
           "weave.init(sys.argv[1], offline=True, offline_dir='offline')\n"
           "weave.log_call('f')\nweave.log_call('g')\nweave.finish()", home, None, project)


def test_a_sync_answers_pairs_by_project_and_kind(tmp_path, shared_server, project):
    server = shared_server()
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave, sys\n"
            "print(weave.sync_offline_data('offline', sys.argv[1], sys.argv[2]))")
    told = python(code, tmp_path, server, f"{ENTITY}/{project}", KEY, WANDB_API_KEY="")
    assert told.startswith(f"{{'{ENTITY}/{project}': {{") and "'calls': (2, 0)" in told


def test_a_sync_tells_how_it_goes_on(tmp_path, shared_server, project):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave\nseen = []\n"
            "weave.sync_offline_data('offline', on_progress=lambda *told: seen.append(told))\n"
            "print(seen[-1])\n")
    assert python(code, tmp_path, shared_server()) == f"('{ENTITY}/{project}', 'calls', 2, 0)\n"


def test_a_sync_can_be_stopped(tmp_path, shared_server, project):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave\n"
            "try:\n    weave.sync_offline_data('offline', on_progress=lambda *told: False)\n"
            "except weave.WeaveError as error:\n    print(error.status, error.results)\n")
    assert python(code, tmp_path, shared_server()).startswith("19 {")


def test_an_interrupt_during_a_sync_stops_it_and_is_raised(tmp_path, shared_server, project):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave\n"
            "def interrupt(*told): raise KeyboardInterrupt\n"
            "try:\n    weave.sync_offline_data('offline', on_progress=interrupt)\n"
            "except KeyboardInterrupt:\n    print('interrupted')\n")
    assert python(code, tmp_path, shared_server()) == "interrupted\n"


SYNC_TO_THE_END = "import libweave as weave\nprint(*(k['calls'] for k in weave.sync_offline_data('offline').values()))"


@pytest.fixture
def midway(tmp_path):
    """midway(code, act) runs a program whose sync meets a server that does not answer, and acts amid its request."""
    def ask(code, act):
        with MuteServer() as mute:
            with subprocess.Popen([PLAIN, "-c", code], env=environment(tmp_path, mute), cwd=tmp_path, text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                try:
                    connection = mute.asked()
                    act(process)
                    told, wrong = process.communicate(timeout=20)  # a request may take longer than that
                finally:
                    process.kill()
            connection.close()
        assert (process.returncode, wrong) == (0, "")
        return told

    return ask


def test_ctrl_c_ends_a_sync_amid_a_request_and_nothing_is_lost(tmp_path, shared_server, project, midway):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave, signal\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            "try:\n    weave.sync_offline_data('offline')\n"
            "except KeyboardInterrupt:\n    print('interrupted', weave.retry_rejected('offline'))\n")
    # What needs the directory for itself would be refused while the sync went on.
    assert midway(code, lambda process: process.send_signal(signal.SIGINT)) == "interrupted 0\n"
    assert python(SYNC_TO_THE_END, tmp_path, shared_server()) == "(2, 0)\n"


@pytest.mark.parametrize("threads", ["Thread(target=ask).start(); sync()", "Thread(target=sync).start(); ask()"],
                         ids=["on the main thread", "on another"])
def test_a_sync_is_stopped_from_another_thread_amid_a_request(tmp_path, shared_server, project, midway, threads):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave, sys\nfrom threading import Thread\nstop = weave.Stop()\n"
            "def ask():\n    sys.stdin.readline()\n    stop.ask()\n"
            "def sync():\n    try:\n        weave.sync_offline_data('offline', stop=stop)\n"
            "    except weave.WeaveError as error:\n        print(error.status)\n"
            f"{threads}\n")
    assert midway(code, lambda process: process.stdin.write("\n")) == "19\n"
    assert python(SYNC_TO_THE_END, tmp_path, shared_server()) == "(2, 0)\n"


def test_a_sync_at_the_end_of_the_interpreter_works(tmp_path, shared_server, project):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import atexit, libweave as weave\n"
            "def sync():\n    print(*(kinds['calls'] for kinds in weave.sync_offline_data('offline').values()))\n"
            "atexit.register(sync)")
    assert python(code, tmp_path, shared_server()) == "(2, 0)\n"


def test_projects_go_where_they_are_mapped_to(tmp_path, shared_server, project):
    server, names = shared_server(), [f"{ENTITY}/{project}-{n}" for n in range(3)]
    for name in names:
        logged(tmp_path, name)
    code = ("import libweave as weave, sys\n"
            "weave.sync_offline_data('offline', destinations={one: one + '-mapped' for one in sys.argv[1:]})")
    python(code, tmp_path, server, *names[:2])
    arrived = [f"{names[0]}-mapped", f"{names[1]}-mapped", names[2]]
    assert [server.post("/calls/query_stats", {"project_id": name})["count"] for name in arrived] == [2, 2, 2]


@pytest.mark.parametrize("limit", ["max_sync_bytes=1", "max_sync_time=0"])
def test_a_sync_ends_at_its_limit_and_the_next_sends_the_rest(tmp_path, shared_server, project, limit):
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave\n"
            f"try:\n    weave.sync_offline_data('offline', {limit})\n"
            "except weave.WeaveError as error:\n    print(error.status)\n")
    assert python(code, tmp_path, shared_server()) == "11\n"
    assert python(SYNC_TO_THE_END, tmp_path, shared_server()) == "(2, 0)\n"


def test_a_wrong_key_raises_and_keeps_everything(tmp_path, shared_server, project):
    server = shared_server()
    logged(tmp_path, f"{ENTITY}/{project}")
    before = lines(tmp_path / "offline")
    code = ("import libweave as weave\n"
            "try:\n    weave.sync_offline_data('offline', api_key='x' * 40)\n"
            "except weave.ServerError as error:\n    print(error.status)")
    assert python(code, tmp_path, server) == "13\n"
    assert lines(tmp_path / "offline") == before


def test_what_the_server_refuses_is_counted_and_told(tmp_path, shared_server, project):
    server = shared_server()
    code = ("import libweave as weave, logging, sys\nlogging.basicConfig()\n"
            "weave.init(sys.argv[1], offline=True, offline_dir='offline')\n"
            "weave.publish({'a': 1}, 'name')\nweave.publish(weave.Dataset('name', [{'a': 1}]))\nweave.finish()\n"
            "print(weave.sync_offline_data('offline')[sys.argv[1]]['objects'])")
    done = run([PLAIN, "-c", code, f"{ENTITY}/{project}"], environment=environment(tmp_path, server), cwd=tmp_path)
    assert done.stdout == "(1, 1)\n" and "WARNING:libweave:" in done.stderr and "name" in done.stderr


def test_a_syncer_takes_the_server_that_it_is_given(tmp_path, shared_server, official, project):
    server = shared_server()
    logged(tmp_path, f"{ENTITY}/{project}")
    code = ("import libweave as weave, sys\nurl, key = sys.argv[1:]\n"
            "remote = weave.init_weave_get_server(key, base_url=url, trace_server_url=url)\n"
            "syncer = weave.OfflineDataSyncer(remote_server=remote, offline_dir='offline')\n"
            "print(sum(kinds['calls'][0] for kinds in syncer.sync_all().values()))\n"
            "print(syncer.clean_synced_files(older_than_days=7), syncer.clean_synced_files(older_than_days=0) > 0)")
    assert python(code, tmp_path, None, server.url, KEY) == "2\n0 True\n"
    assert len(official("0.54.0").read_back(server, project)["calls"]) == 2


def test_an_online_session_sends_at_its_end_and_reads(tmp_path, shared_server, official, project):
    server = shared_server()
    code = ("import libweave as weave, sys\n"
            "weave.init(sys.argv[1], offline_dir='offline')\nref = weave.publish({'a': [1]}, 'config')\n"
            "weave.log_call('f')\nweave.flush()\nprint(weave.get(ref))\nweave.finish()")
    assert python(code, tmp_path, server, f"{ENTITY}/{project}") == "{'a': [1]}\n"
    assert len(official("0.54.0").read_back(server, project)["calls"]) == 1


def test_an_online_program_that_just_ends_has_sent_everything(tmp_path, shared_server, official, project):
    server = shared_server()
    python("import libweave as weave, sys\nweave.init(sys.argv[1], offline_dir='offline')\nweave.log_call('f')",
           tmp_path, server, f"{ENTITY}/{project}")
    assert len(official("0.54.0").read_back(server, project)["calls"]) == 1


def test_import_weave_serves_the_names_of_libweave(tmp_path):
    code = ("import weave, libweave\nfrom weave.trace import offline_sync, util, weave_init\n"
            "print(all(getattr(weave, name) is getattr(libweave, name) for name in libweave.__all__),\n"
            "      offline_sync.OfflineTraceServer is libweave.OfflineTraceServer,\n"
            "      weave_init.init_weave_get_server is libweave.init_weave_get_server,\n"
            "      util.ThreadPoolExecutor is libweave.ThreadPoolExecutor)")
    assert python(code, tmp_path, second=True) == "True True True True\n"


def test_import_weave_refuses_to_hide_the_official_client(tmp_path):
    done = subprocess.run([sys.executable, "-c", "import weave"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=60, env=environment(tmp_path, second=True))
    assert done.returncode and "import libweave as weave" in done.stderr
