"""The library as a file: its symbols, its name, its header, and what valgrind says of a program that uses it."""
import re

import pytest
from harness import INCLUDE, RELEASE, ROOT, STRICT, agent, client_environment, log_session, run


def test_only_weave_symbols_are_exported(library):
    names = [line.split()[-1] for line in run(["nm", "-D", "--defined-only", library]).stdout.splitlines()]
    assert names and [name for name in names if not name.startswith("weave_")] == []


def test_every_function_of_the_header_is_exported(library):
    exported = {line.split()[-1] for line in run(["nm", "-D", "--defined-only", library]).stdout.splitlines()}
    header = re.sub(r"/\*.*?\*/|//[^\n]*", "", (INCLUDE / "weave.h").read_text(), flags=re.DOTALL)
    declared = set(re.findall(r"\b(weave_\w+)\s*\([^()]*(?:\([^()]*\)[^()]*)*\)\s*;", header))
    assert declared and declared - exported == set()


def test_the_soname_carries_the_major_version(library):
    assert "[libweave.so.0]" in run(["readelf", "-d", library]).stdout


def test_the_library_needs_nothing_but_the_c_runtime(library):
    needed = re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", library]).stdout)
    assert set(needed) <= {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libdl.so.2", "libpthread.so.0",
                           "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


@pytest.mark.parametrize("compiler, standard, language", [("cc", "c11", "c"), ("c++", "c++17", "c++")])
def test_the_header_compiles_alone(compiler, standard, language):
    run([compiler, f"-std={standard}", "-x", language, *STRICT, "-fsyntax-only", f"-I{INCLUDE}", "-"],
        input="#include <weave.h>\nint main(void) { return WEAVE_OK; }\n")


def test_the_example_runs_linked_statically(library, tmp_path):
    run(["cc", "-std=c11", *STRICT, f"-I{INCLUDE}", ROOT / "examples/agent.c", RELEASE / "libweave.a", "-o",
         tmp_path / "agent", "-lm", "-ldl", "-pthread"])
    assert log_session([tmp_path / "agent"], tmp_path / "offline", "static")


def test_valgrind_finds_no_fault_in_the_example(library, tmp_path):
    command = agent("c", tmp_path)
    run(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
         *command, tmp_path / "offline", "valgrind"], environment=client_environment(tmp_path), timeout=600)
