"""The types of the Python package, as mypy sees them, and the version of Python that it is written for."""
import ast
import sys

import pytest
from harness import ROOT, SUITE, client_environment, run

PACKAGE = ROOT / "bindings/python"
SOURCES = sorted((PACKAGE / "libweave").glob("*.py"))


def strictly(tmp_path, *files):
    """Has mypy look at files, each fault of which is a failure."""
    return run([sys.executable, "-m", "mypy", "--strict", "--cache-dir", tmp_path / "cache", *files], timeout=300,
               environment={**client_environment(tmp_path), "MYPYPATH": str(PACKAGE)}).stdout


def test_the_package_is_whole_for_strict_type_checkers(tmp_path):
    assert "no issues found" in strictly(tmp_path, PACKAGE / "libweave")


def test_a_strict_program_sees_the_types_of_its_functions_through_ops(tmp_path):
    assert "no issues found" in strictly(tmp_path, SUITE / "programs/typed.py")


def test_that_program_runs(tmp_path, library):
    run([sys.executable, "-W", "error", SUITE / "programs/typed.py", tmp_path / "offline"],
        environment={**client_environment(tmp_path), "PYTHONPATH": str(PACKAGE), "WEAVE_LIBRARY": str(library)})


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_package_is_written_in_python_3_9(source):
    ast.parse(source.read_text(), source.name, feature_version=(3, 9))
