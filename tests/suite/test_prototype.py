"""Directories written by the Python prototype of the offline mode sync as well."""
import prototype
import pytest
import scenario
from harness import ENTITY


@pytest.mark.parametrize("reader", ["0.52.20", "0.54.0"])
@pytest.mark.parametrize("compress", [True, False], ids=["gzip", "plain"])
def test_a_directory_of_the_prototype_is_read_back_after_a_sync(sync, shared_server, official, project, tmp_path,
                                                                compress, reader):
    server = shared_server()
    prototype.write(tmp_path / "offline", project, compress)
    results = sync(tmp_path / "offline", server, destination=f"{ENTITY}/{project}")
    assert results[f"{prototype.ENTITY}/{project}"]["calls"] == [len(scenario.CALLS), 0]
    scenario.same(scenario.seen(official(reader).read_back(server, project)), scenario.EXPECTED)
