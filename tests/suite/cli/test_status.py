"""`weave status`: what waits, what was sent, where it would go."""
import json

from .masks import masked
from .session import AGENT, log


def test_it_tells_each_kind_of_each_project_and_where_it_would_go(weave, offline_dir):
    log(offline_dir, AGENT)
    log(offline_dir, 'client.create_object("prompt", {"text": "hi"}); client.finish()', project="bare")
    shown = masked(weave("status", WF_TRACE_SERVER_URL="http://base:1").stdout)
    assert shown == f"""\
{offline_dir}: SIZE; SIZE free on its disk, no quota
No program is logging to it.

offline/bare → bare of the account's default entity on http://base:1
  KIND  PENDING  FILES  SIZE  OLDEST  NEWEST  SYNCED FILES  SIZE
  objects  1  1  SIZE  TIME  AGO
  metadata  2  1  SIZE  TIME  AGO

team/demo → team/demo on http://base:1
  KIND  PENDING  FILES  SIZE  OLDEST  NEWEST  SYNCED FILES  SIZE
  calls  3  1  SIZE  TIME  AGO
  metadata  2  1  SIZE  TIME  AGO
"""


def test_it_tells_programs_the_same(weave, offline_dir):
    log(offline_dir, AGENT)
    told = json.loads(weave("status", "--json", WANDB_ENTITY="lab").stdout)
    project, = told["projects"]
    calls = project["kinds"]["calls"]
    assert (calls["pending"]["records"], calls["pending"]["files"], calls["synced"]["files"]) == (3, 1, 0)
    assert project["to"]["entity"] == "team" and told["writers"] == 0 and told["bytes"] > calls["pending"]["bytes"]


def test_what_was_sent_is_told_as_sent(weave, offline_dir, shared_server, project):
    server = shared_server()
    log(offline_dir, AGENT, project=f"test-entity/{project}")
    weave("sync", server=server)
    calls = json.loads(weave("status", "--json").stdout)["projects"][0]["kinds"]["calls"]
    assert (calls["pending"]["files"], calls["synced"]["files"]) == (0, 1)


def test_a_program_that_logs_and_one_that_died_are_told(weave, offline_dir):
    log(offline_dir, """
        import os, signal, subprocess
        client.log_call("f"); client.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    """, status=-9)
    told = json.loads(weave("status", "--json").stdout)
    assert (told["writers"], told["abandoned"]) == (0, 1)
    assert "the next sync takes over what it left" in weave("status").stdout


def test_a_directory_that_is_not_there_is_an_error_that_says_what_to_give(weave):
    failed = weave("status", status=2)
    assert failed.stdout == "" and failed.stderr.startswith("weave: offline_dir: there is no directory ")


def test_an_empty_directory_is_told_as_such(weave, offline_dir):
    offline_dir.mkdir()
    assert "No project is stored here." in weave("status").stdout


def test_a_project_that_is_not_there_is_an_error_that_names_those_that_are(weave, offline_dir):
    log(offline_dir, AGENT)
    assert "there are: team/demo" in weave("status", "other", status=2).stderr


def test_a_quota_is_told_with_its_use(weave, offline_dir):
    log(offline_dir, AGENT)
    assert "quota 10 MB (0% used)" in weave("status", WEAVE_MAX_DIRECTORY_SIZE="10000000").stdout
