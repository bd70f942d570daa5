"""Every way in which a program can end or unload the library without weave_finish: what was accepted is kept."""
import signal
import textwrap

import pytest

import harness
from killing.campaign import PYTHON, WRITERS

WAYS = {"exec": 0, "return": 0, "exit": 0, "_exit": 0, "abort": -signal.SIGABRT, "kill": -signal.SIGKILL,
        "fault": -signal.SIGSEGV, "free": 0}


@pytest.mark.parametrize("flushes", [[], ["flush"]], ids=["", "flushed before"])
@pytest.mark.parametrize("way", WAYS)
def test_a_program_ends_without_finish(built, told, kept, tmp_path, way, flushes):
    kept(tmp_path / "offline", told(built("ends"), tmp_path / "offline", way, *flushes, status=WAYS[way]))


@pytest.mark.parametrize("end", ["os._exit(0)", "os.abort()", "os.execl('/bin/sh', 'sh', '-c', 'exit 0')", "pass",
                                 "raise KeyboardInterrupt"])
def test_a_python_program_ends_without_finish(told, kept, tmp_path, end):
    code = textwrap.dedent(f"""\
        import os, sys
        import libweave as weave
        weave.init("ends", offline=True, offline_dir=sys.argv[1])
        for _ in range(50):
            os.write(1, f"c {{weave.log_call('python')}}\\n".encode())
        {end}
        """)
    status = {"os.abort()": -signal.SIGABRT, "raise KeyboardInterrupt": -signal.SIGINT}.get(end, 0)
    kept(tmp_path / "offline", told(PYTHON, "-c", code, tmp_path / "offline", status=status))


def test_a_go_program_ends_without_close(told, kept, tmp_path):
    writer, letters = tmp_path / "writer", tmp_path / "letters"
    letters.write_text("x" * 128 * 1024)
    harness.run(["go", "build", "-o", writer, WRITERS / "writer.go"], cwd=harness.ROOT / "bindings/go", timeout=600,
                environment=harness.go_environment(tmp_path))
    lines = told(writer, "go/ends", letters, 1, 4, 3, 0, WEAVE_OFFLINE="1", WEAVE_OFFLINE_DIR=str(tmp_path / "offline"))
    kept(tmp_path / "offline", lines)


@pytest.mark.parametrize("way", ["finish", "leave"])
def test_the_library_is_loaded_and_unloaded_again_and_again(told, kept, tmp_path, library, way):
    program = tmp_path / "unload"
    source = harness.SUITE / "programs" / "unload.c"
    harness.run(["cc", "-std=c11", *harness.STRICT, f"-I{harness.INCLUDE}", source, "-o", program, "-ldl"])
    lines = told(program, library, tmp_path / "offline", way)
    assert len(lines) == 30 * 40
    kept(tmp_path / "offline", lines)


def test_threads_are_cancelled_while_they_log(built, told, kept, tmp_path):
    kept(tmp_path / "offline", told(built("cancel"), tmp_path / "offline"))


def test_where_membarrier_is_refused_each_record_is_written(built, told, kept, tmp_path):
    kept(tmp_path / "offline", told(built("no_membarrier"), tmp_path / "offline"))
