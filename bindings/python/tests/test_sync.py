"""Syncs, as far as Python has a say in them."""
import json

import libweave as weave
import pytest


def closed_to(*names):
    """How a server answers whose key has no access to some projects."""
    def answer(body):
        name = json.loads(body)["variables"]["name"]
        return 200, {"data": {} if name in names else {"project": {"name": name}}}

    return answer


@pytest.fixture
def two_projects(tmp_path, server):
    """An offline directory with a call of each of two projects, one of which the server is closed to."""
    for name in "ab":
        client = weave.Client(f"team/{name}", offline=True, offline_dir=tmp_path)
        client.log_call("f")
        client.finish()
    server.answers["/graphql"] = closed_to("b")
    return tmp_path


def refuse(body):
    return 422, {"detail": "no such call"}


def test_refused_records_are_counted(two_projects, server, caplog):
    server.answers["/v2/team/a/calls/complete"] = refuse
    assert weave.sync_offline_data(two_projects, "team/a", **server.settings)["team/a"]["calls"] == (0, 1)
    assert "no such call" in caplog.text


def test_a_project_that_fails_as_a_whole_is_raised_after_the_others_were_sent(two_projects, server):
    with pytest.raises(weave.ServerError, match="team/b: 0 not synced; .*the key's rights") as raised:
        weave.sync_offline_data(two_projects, **server.settings)
    assert [kinds["calls"] for kinds in raised.value.results.values()] == [(1, 0), (0, 0)]


def test_a_project_that_fails_as_a_whole_is_raised_though_records_of_others_were_refused(two_projects, server):
    server.answers["/v2/team/a/calls/complete"] = refuse
    with pytest.raises(weave.ServerError, match="team/b: 0 not synced"):
        weave.sync_offline_data(two_projects, **server.settings)


def test_a_project_with_nothing_to_send_yet_is_no_failure(two_projects, server):
    server.answers["/v2/team/a/calls/complete"] = refuse
    server.answers["/graphql"] = closed_to()
    client = weave.Client("team/c", offline=True, offline_dir=two_projects)
    running = client.create_call("f")
    client.flush()
    results = weave.sync_offline_data(two_projects, **server.settings)
    running.finish()
    assert [kinds["calls"] for kinds in results.values()] == [(0, 1), (1, 0), (0, 0)]
