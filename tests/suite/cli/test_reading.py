"""`weave ls`, `show` and `tail`: looking at what was logged."""
import json
import subprocess

import harness
import pytest
from .caring import data_file, log_members, members, overwrite
from .masks import masked
from .session import AGENT, log, logging


@pytest.fixture
def ids(offline_dir):
    """An agent's session: the ids of its root, of its trace, and of the call in it that failed."""
    return log(offline_dir, AGENT).split()


def test_the_newest_traces_are_listed(weave, ids):
    assert masked(weave("ls").stdout) == """\
STARTED  TOOK  STATUS  TOKENS  NAME  ID
TIME  SPAN  success  1\u202f204  agent.run  ID
"""


def test_calls_within_traces_are_listed_when_they_are_wanted(weave, ids):
    names = [json.loads(line)["op_name"] for line in weave("ls", "--calls", "--json").stdout.splitlines()]
    assert sorted(names) == ["agent.run", "llm.chat", "tool.search"]


@pytest.mark.parametrize("wanted, found", [
    (["--failed"], ["tool.search"]), (["--op", "chat"], ["llm.chat"]), (["--text", "pizza"], ["tool.search"]),
    (["--since", "1h"], ["agent.run", "llm.chat", "tool.search"]), (["--until", "1h"], []), (["--running"], []),
])
def test_only_calls_that_are_asked_for_are_listed(weave, ids, wanted, found):
    listed = weave("ls", "--calls", "--json", *wanted).stdout.splitlines()
    assert sorted(json.loads(line)["op_name"] for line in listed) == found


def test_a_call_that_has_not_ended_is_listed_as_running(weave, offline_dir):
    log(offline_dir, 'call = client.create_call("slow"); client.flush(); client.finish()')
    assert [json.loads(line)["status"] for line in weave("ls", "--json").stdout.splitlines()] == ["running"]


def test_start_and_end_in_different_members_are_one_call(weave, offline_dir):
    log(offline_dir, 'call = client.create_call("slow"); client.flush(); call.finish(7); client.finish()')
    call, = map(json.loads, weave("ls", "--json").stdout.splitlines())
    assert (call["op_name"], call["status"], call["output"]) == ("slow", "success", 7)


def test_a_call_has_the_name_that_it_was_given_last(weave, offline_dir):
    log(offline_dir, """
        call = client.create_call("f")
        call.set_display_name("While it ran")
        call.finish()
        client.flush()
        call.set_display_name("Better")
        client.finish()
    """)
    call, = map(json.loads, weave("ls", "--json").stdout.splitlines())
    assert (call["op_name"], call["display_name"]) == ("f", "Better")
    assert weave("show", call["id"]).stdout.startswith("Better  success")


def test_a_trace_is_shown_as_a_tree(weave, ids):
    assert masked(weave("show", ids[1]).stdout) == """\
agent.run  success  SPAN  1\u202f204 tokens  ID
├─ llm.chat  success  SPAN  1\u202f204 tokens  ID
└─ tool.search  error  SPAN  ID
     TimeoutError: no answer in SPAN
"""


def test_a_call_is_shown_with_its_values_its_error_and_what_is_below_it(weave, ids):
    failed = weave("show", ids[2]).stdout
    assert "tool.search  error" in failed and '"query": "pizza"' in failed and "no answer in 5 s" in failed
    assert "Calls\nagent.run" in weave("show", ids[0]).stdout


def test_programs_get_a_call_as_json(weave, ids):
    assert json.loads(weave("show", ids[2], "--json").stdout)["inputs"] == {"query": "pizza"}
    assert len(weave("show", ids[1], "--json").stdout.splitlines()) == 3


def test_what_was_sent_is_found_as_well(weave, offline_dir, shared_server, project):
    root, *_ = log(offline_dir, AGENT, project=f"{harness.ENTITY}/{project}").split()
    weave("sync", server=shared_server())
    assert json.loads(weave("show", root, "--json").stdout)["id"] == root
    assert weave("ls").stdout.count("agent.run") == 1


def test_an_id_that_is_not_there_is_an_error(weave, ids):
    assert "no call and no trace with the id 0197a3b2" in weave("show", "0197a3b2-0000-7000-8000-000000000000", status=2).stderr


def test_no_trace_is_told_and_no_failure(weave, offline_dir):
    offline_dir.mkdir()
    assert weave("ls").stderr == "No such trace is stored here.\n"


@pytest.fixture(params=["its content", "its header"])
def damaged(offline_dir, request):
    """Three members of calls, the second of which is damaged; how many calls are readable."""
    calls = data_file(log_members(offline_dir, 3))
    overwrite(calls, members(calls)[1] + {"its content": 90, "its header": 0}[request.param])
    return {"its content": 4, "its header": 2}[request.param]


@pytest.mark.parametrize("line", ["ls --json", "export --jsonl -"])
def test_damage_hides_nothing_that_can_be_read_and_is_told_once(weave, damaged, line):
    done = weave(*line.split(), status=1)
    assert len(done.stdout.splitlines()) == damaged
    assert done.stderr.count("weave fsck tells more") == 1 and "damaged" in done.stderr


def test_a_call_is_found_beside_damage(weave, damaged):
    call = json.loads(weave("ls", "--json", status=1).stdout.splitlines()[0])
    assert weave("show", call["id"], status=1).stdout.startswith("greet  success")


def test_nothing_that_was_logged_commands_the_terminal(weave, offline_dir):
    log(offline_dir, r'''client.log_call("f", {"a": "\x1b]0;title\x07"}, "\x1b[31m", display_name="\x1b[2Jf",
                                          exception="\x1b[1mno")
client.finish()''')
    call = json.loads(weave("ls", "--json").stdout)["id"]
    assert "\x1b" not in weave("ls").stdout + weave("show", call).stdout


def test_who_reads_no_further_ends_it_in_silence(command, ids, tmp_path, offline_dir):
    environment = {**harness.client_environment(tmp_path), "WEAVE_OFFLINE_DIR": str(offline_dir)}
    done = subprocess.run(f"set -o pipefail; '{command}' show {ids[0]} | head -n 1", shell=True, executable="/bin/bash",
                          env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def following(command, offline_dir, tmp_path):
    """following() starts to follow the calls of the directory, as JSON; the process."""
    begun = []

    def follow():
        environment = {**harness.client_environment(tmp_path), "WEAVE_OFFLINE_DIR": str(offline_dir)}
        begun.append(subprocess.Popen([command, "tail", "--calls", "--json"], env=environment, stdout=subprocess.PIPE,
                                      text=True))
        return begun[-1]

    yield follow
    for process in begun:
        process.kill()
        process.communicate()


def test_calls_are_followed_as_they_come(following, offline_dir, ids):
    told = following().stdout
    log(offline_dir, 'client.log_call("new", {"a": 1}, 2); client.finish()', project="team/other")
    call = json.loads(told.readline())
    assert (call["op_name"], call["project_id"], call["output"]) == ("new", "team/other", 2)


@pytest.mark.parametrize("compress", [True, False])
def test_calls_are_followed_in_a_file_that_grows(following, offline_dir, compress):
    offline_dir.mkdir()
    told = following().stdout
    with logging(offline_dir, """
        for line in sys.stdin:
            client.log_call(line.strip(), {}, 1)
            client.flush()
        client.finish()
    """, compress=compress) as program:
        for name in ("first", "second", "third"):
            program.stdin.write(name + "\n")
            program.stdin.flush()
            assert json.loads(told.readline())["op_name"] == name
