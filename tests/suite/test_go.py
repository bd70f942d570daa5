"""The Go module as programs take it up: linked with an installed library in each way that it offers, and vendored."""
import re

import pytest
from harness import RELEASE, ROOT, go_environment, lines, run

MODULE = "github.com/libweave/libweave-go"
PROGRAM = """package main

import (
	"context"
	"log"
	"os"

	weave "github.com/libweave/libweave-go"
)

func main() {
	client, err := weave.Init("linked", weave.Options{Offline: true, OfflineDir: os.Args[1]})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := client.LogCall(context.Background(), "op", nil, nil); err != nil {
		log.Fatal(err)
	}
	if err := client.Close(); err != nil {
		log.Fatal(err)
	}
}
"""


@pytest.fixture(scope="module")
def prefix(library, tmp_path_factory):
    """Where the library is installed."""
    installed = tmp_path_factory.mktemp("installed")
    run([ROOT / "scripts/install.sh", RELEASE, installed])
    return installed


@pytest.fixture
def program(tmp_path):
    """The folder of a program's module."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "main.go").write_text(PROGRAM)
    for command in (["init", "example.com/program"],
                    ["edit", f"-replace={MODULE}={ROOT / 'bindings/go'}", f"-require={MODULE}@v0.0.0"]):
        run(["go", "mod", *command], cwd=folder, environment=go_environment(tmp_path))
    return folder


def environment(prefix, home, tags=""):
    """What a user sets: with pkg-config the place of weave.pc, and else the places for compiler and linker."""
    if "weave_pkgconfig" in tags:
        # Go's build cache knows a package by the flags of the environment, and not by what pkg-config answered: without
        # a flag of its own, this prefix would get what was built for an earlier one.
        named = {"CGO_CFLAGS": f"-DPREFIX={prefix}", "CGO_LDFLAGS": "", "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    else:
        named = {"CGO_CFLAGS": f"-I{prefix}/include", "CGO_LDFLAGS": f"-L{prefix}/lib"}
    return {**go_environment(home), **named}


def build(program, surroundings, *flags, status=0):
    return run(["go", "build", "-o", "program", *flags, "."], cwd=program, environment=surroundings, timeout=600,
               status=status)


def needed(program):
    """The shared libraries that the program is linked with."""
    return set(re.findall(r"NEEDED.*\[(.*)\]", run(["readelf", "-d", program / "program"]).stdout))


def logs(program, surroundings, **more):
    """Whether the program logs its call."""
    run([program / "program", program / "offline"], environment={**surroundings, **more})
    return len(lines(program / "offline", "*/linked/calls/*.jsonl.gz")) == 1


@pytest.mark.parametrize("tags", ["", "weave_pkgconfig"])
def test_a_program_is_linked_with_the_shared_library(prefix, program, tmp_path, tags):
    surroundings = environment(prefix, tmp_path, tags)
    build(program, surroundings, "-tags", tags)
    assert "libweave.so.0" in needed(program)
    assert logs(program, surroundings, LD_LIBRARY_PATH=f"{prefix}/lib")


@pytest.mark.parametrize("tags", ["weave_static", "weave_static,weave_pkgconfig"])
def test_the_tag_weave_static_links_the_library_into_the_program(prefix, program, tmp_path, tags):
    surroundings = environment(prefix, tmp_path, tags)
    build(program, surroundings, "-tags", tags)
    assert needed(program) <= {"libc.so.6", "libgcc_s.so.1", "libm.so.6", "libdl.so.2", "libpthread.so.0",
                               "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}
    assert logs(program, surroundings)


def test_a_vendored_module_has_all_that_it_is_built_of(prefix, program, tmp_path):
    surroundings = environment(prefix, tmp_path)
    run(["go", "mod", "vendor"], cwd=program, environment=surroundings)
    # Nothing but the vendored copy can be read.
    run(["go", "mod", "edit", f"-replace={MODULE}={tmp_path / 'nowhere'}"], cwd=program, environment=surroundings)
    listed = program / "vendor/modules.txt"
    listed.write_text(listed.read_text().replace(str(ROOT / "bindings/go"), str(tmp_path / "nowhere")))
    build(program, surroundings, "-mod=vendor")
    assert logs(program, surroundings, LD_LIBRARY_PATH=f"{prefix}/lib")


def test_a_build_that_does_not_find_the_header_says_what_to_set(program, tmp_path):
    surroundings = {**go_environment(tmp_path), "CGO_CFLAGS": "", "CGO_LDFLAGS": ""}
    told = build(program, surroundings, status=1).stderr
    for word in ("weave.h is not found", "CGO_CFLAGS", "CGO_LDFLAGS", "weave_pkgconfig"):
        assert word in told


def test_a_build_without_cgo_says_what_to_set(prefix, program, tmp_path):
    told = build(program, {**environment(prefix, tmp_path), "CGO_ENABLED": "0"}, status=1).stderr
    assert "libweave_needs_cgo__install_a_C_compiler_and_build_with_CGO_ENABLED_1" in told
    assert told.count(".go:") == 1
