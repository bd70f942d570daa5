"""The reference of the C and C++ interfaces: every public item of their headers is described, and Doxygen understands it."""
import shutil

import pytest
from harness import ROOT, run


def test_every_public_item_of_the_headers_is_in_the_reference(tmp_path):
    if shutil.which("doxygen") is None:
        pytest.fail("doxygen is missing: `make test-deps` names its package")
    settings = (ROOT / "docs/Doxyfile").read_text() + f"OUTPUT_DIRECTORY = {tmp_path}\n"
    done = run(["doxygen", "-"], cwd=ROOT, input=settings)
    assert done.stdout + done.stderr == ""
    pages = {path.name: path.read_text() for path in (tmp_path / "html").glob("*.html")}
    assert "weave_call_start" in pages["weave_8h.html"] and "log_call" in pages["classweave_1_1Client.html"]
    assert "child_of" in pages["namespaceweave.html"]
