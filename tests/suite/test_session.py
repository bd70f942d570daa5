"""The session of scenario.md, logged offline by a program in each language and synced: both official clients read back
exactly what was logged, from every generation of server."""
import json
import shutil

import pytest
import scenario
from harness import ENTITY, has

LANGUAGES = list(filter(has, ["c", "c++", "go", "python", "node", "ruby", "lua"]))
SERVERS = {"current server": (), "old call routes": ("--calls-mode", "legacy"), "old digests": ("--legacy-digests",),
           "old server": ("--calls-mode", "legacy", "--legacy-digests")}
# What is logged is the same from every language, so that two of them stand for all with servers of the past.
READ = [(language, kind) for language in LANGUAGES for kind in SERVERS
        if kind == "current server" or language in ("c", "python")]


@pytest.fixture(scope="module")
def synced(session, sync, shared_server, tmp_path_factory):
    """synced(language, server) → (server, project, results of the sync, its offline directory)."""
    done = {}

    def send(language, kind):
        if (language, kind) not in done:
            server, offline_dir = shared_server(*SERVERS[kind]), tmp_path_factory.mktemp("copy") / "offline"
            shutil.copytree(session(language)[0], offline_dir)
            done[language, kind] = server, f"agent-{language.replace('+', 'p')}", sync(offline_dir, server), offline_dir
        return done[language, kind]

    return send


@pytest.mark.parametrize("reader", ["0.52.20", "0.54.0"])
@pytest.mark.parametrize("language, kind", READ)
def test_official_clients_read_back_what_was_logged(synced, official, language, kind, reader):
    server, project, _, _ = synced(language, kind)
    scenario.same(scenario.seen(official(reader).read_back(server, project)), scenario.EXPECTED)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_results_count_each_call_once_and_name_no_error(synced, language):
    _, project, results, _ = synced(language, "current server")
    (counts,) = results.values()
    assert counts["calls"] == [len(scenario.CALLS), 0]
    assert {kind: errors for kind, (_, errors) in counts.items() if errors} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_program_prints_the_id_of_the_root_call(session, synced, official, language):
    server, project, _, _ = synced(language, "current server")
    read = official("0.54.0").read_back(server, project)
    assert scenario.paths(read["calls"])[session(language)[1]] == "agent"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_image_is_stored_byte_by_byte(synced, official, language):
    server, project, _, _ = synced(language, "current server")
    read = official("0.54.0").read_back(server, project)
    files = [call["files"] for call in read["calls"] if call["files"]]
    assert files == [{"image.png": {"size": scenario.LABEL.stat().st_size, "sha256": scenario.LABEL_SHA256}}]


@pytest.mark.parametrize("kind", SERVERS)
def test_references_point_into_the_project_that_was_synced_to(synced, official, kind):
    server, project, _, _ = synced("c", kind)
    read = official("0.54.0").read_back(server, project)
    raw = {path: call["raw"] for path, call in zip(scenario.paths(read["calls"]).values(), sorted(
        read["calls"], key=lambda call: call["raw"]["started_at"]))}
    here = f"weave:///{ENTITY}/{project}/"
    assert raw["agent/lookup_order"]["op_name"].startswith(here + "op/lookup_order:")
    assert raw["agent/lookup_order"]["inputs"]["config"].startswith(here + "object/agent-config:")
    assert raw["agent/check_row"]["inputs"]["row"].startswith(here + "object/orders:")
    assert "weave:///offline/" not in json.dumps(read)


def test_every_file_is_marked_as_synced(synced):
    _, _, _, offline_dir = synced("c", "current server")
    data = [path.name for path in offline_dir.glob("*/*/*/*.jsonl.gz")]
    assert data and [name for name in data if not name.endswith(".synced.jsonl.gz")] == []


def test_a_second_sync_writes_nothing(session, sync, server, tmp_path):
    server = server()
    shutil.copytree(session("c")[0], tmp_path / "offline")
    sync(tmp_path / "offline", server)
    written = server.writes()
    assert set(written.values()) == {1}
    before = len(server.requests())
    sync(tmp_path / "offline", server)
    assert server.writes() == written
    again = [request["path"] for request in server.requests()[before:]]
    writing = ("/create", "/complete", "/start", "/end", "/update", "/upsert_batch", "/create_from_digests")
    assert [path for path in again if path.endswith(writing)] == []


def test_a_named_destination_takes_the_session(session, sync, shared_server, official, project, tmp_path):
    server = shared_server()
    shutil.copytree(session("c")[0], tmp_path / "offline")
    sync(tmp_path / "offline", server, destination=f"{ENTITY}/{project}")
    scenario.same(scenario.seen(official("0.54.0").read_back(server, project)), scenario.EXPECTED)
