"""The library as a file: its symbols, its name, its header, and what valgrind says of a program that uses it."""
import os
import re

import pytest
from harness import INCLUDE, RELEASE, ROOT, STRICT, agent, client_environment, compiled, log_session, run


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


# The loader, which has the thread-local variables, is named after the machine.
RUNTIME = {"libc.so.6", "libgcc_s.so.1", {"x86_64": "ld-linux-x86-64.so.2", "aarch64": "ld-linux-aarch64.so.1"}[
    os.uname().machine]}


def needed(file):
    """The shared libraries that a file asks the loader for."""
    return set(re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", file]).stdout))


def test_the_library_needs_the_c_runtime_and_nothing_else(library):
    assert needed(library) == RUNTIME


@pytest.fixture(scope="module")
def whole(library, tmp_path_factory):
    """A program that holds the whole static library, linked with all that rustc says a static library may need; of that
    the linker keeps what is of use."""
    directory = tmp_path_factory.mktemp("whole")
    (directory / "empty.rs").write_text("")
    said = run(["rustc", "--crate-type", "staticlib", "--print", "native-static-libs", "empty.rs"], cwd=directory)
    libraries = re.search(r"native-static-libs: (.*)", said.stderr)[1].split()
    run(["cc", "-std=c11", f"-I{INCLUDE}", ROOT / "examples/agent.c", "-Wl,--whole-archive", RELEASE / "libweave.a",
         "-Wl,--no-whole-archive,--as-needed", *libraries, "-o", directory / "whole"])
    return directory / "whole"


def test_a_static_program_needs_the_c_runtime_and_nothing_else(whole):
    assert needed(whole) == RUNTIME


def test_older_c_libraries_have_what_the_static_library_needs_in_those_that_are_named(whole):
    """glibc 2.34 took into libc.so what was in libraries beside it, under this version."""
    symbols = run(["nm", "-D", "--undefined-only", "--with-symbol-versions", whole]).stdout
    moved = set(re.findall(r"(\w+)@GLIBC_2\.34\b", symbols)) - {"__libc_start_main"}
    libraries = {"-pthread" if name.startswith("pthread_") else "-ldl" if name.startswith("dl") else name
                 for name in moved}
    named = re.search(r"^Libs\.private: (.*)", (ROOT / "bindings/c/weave.pc.in").read_text(), re.MULTILINE)[1].split()
    assert libraries == set(named)


def test_a_program_with_another_static_library_of_rust_links_with_the_shared_one(library, tmp_path):
    """Two static ones hold the Rust runtime twice."""
    (tmp_path / "other.rs").write_text('#[no_mangle] pub extern "C" fn answer() -> i32 { vec![42].pop().unwrap_or(0) }')
    run(["rustc", "--crate-type", "staticlib", "-C", "lto=fat", "-O", "other.rs"], cwd=tmp_path)
    (tmp_path / "program.c").write_text("""
#include <weave.h>
int answer(void);
int main(void) {
    weave_options_free(weave_options_new());
    return answer();
}
""")
    program = compiled(tmp_path / "program.c", tmp_path / "program", tmp_path / "libother.a")
    run([program], status=42)


@pytest.mark.parametrize("compiler, standard, language", [("cc", "c11", "c"), ("c++", "c++17", "c++")])
def test_the_header_compiles_alone(compiler, standard, language):
    run([compiler, f"-std={standard}", "-x", language, *STRICT, "-fsyntax-only", f"-I{INCLUDE}", "-"],
        input="#include <weave.h>\nint main(void) { return WEAVE_OK; }\n")


def test_the_example_runs_linked_statically(library, tmp_path):
    run(["cc", "-std=c11", *STRICT, f"-I{INCLUDE}", ROOT / "examples/agent.c", RELEASE / "libweave.a", "-o",
         tmp_path / "agent", "-ldl", "-pthread"])
    assert log_session([tmp_path / "agent"], tmp_path / "offline", "static")


def test_valgrind_finds_no_fault_in_the_example(library, tmp_path):
    command = agent("c", tmp_path)
    run(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
         *command, tmp_path / "offline", "valgrind"], environment=client_environment(tmp_path), timeout=600)
