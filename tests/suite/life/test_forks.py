"""Parents and children that log with one client: each has a journal and files of its own; nothing is lost or twice."""
import os
import signal
import subprocess
import textwrap

import pytest

from killing.campaign import PYTHON


@pytest.mark.parametrize("way", ["before", "child", "parent", "chain", "thread", "finish"])
def test_what_parent_and_child_log_is_kept(built, told, kept, tmp_path, way):
    kept(tmp_path / "offline", told(built("forks"), tmp_path / "offline", way))


@pytest.mark.parametrize("way, records", [("chain", 12), ("thread", 4 * 24)])
def test_children_do_not_hang_wherever_the_system_puts_their_memory(built, told, kept, tmp_path, way, records):
    """Forty processes, each with addresses of its own: what a lock's queue held in the parent lies where a new thread
    of the child begins."""
    lines = [line for _ in range(40) for line in told(built("forks"), tmp_path / "offline", way)]
    assert len(lines) == 40 * records
    kept(tmp_path / "offline", lines)


def test_forks_while_other_threads_log_neither_hang_nor_lose_anything(built, told, kept, tmp_path):
    """240 children of a parent with four threads in tight loops; each is ended by its alarm when it hangs."""
    lines = told(built("forks"), tmp_path / "offline", "storm")
    assert len(lines) == 240 * (4 * 100 + 3)
    kept(tmp_path / "offline", lines)


def test_forks_while_other_threads_flush_do_not_hang(built, told, kept, tmp_path):
    """Of threads that wait and are woken, a child inherits whatever they hold."""
    lines = told(built("forks"), tmp_path / "offline", "flush")
    assert len(lines) == 100 * 2
    kept(tmp_path / "offline", lines)


def test_forks_at_the_beginning_of_a_session_do_not_hang(built, told, kept, tmp_path):
    lines = told(built("forks"), tmp_path / "offline", "early")
    assert len(lines) == 100 * (4 * 20 + 1)
    kept(tmp_path / "offline", lines)


def test_a_child_that_lives_on_does_not_keep_its_killed_parents_records(built, kept, tmp_path, environment):
    parent = subprocess.Popen([built("forks"), tmp_path / "offline", "outlive"], stdout=subprocess.PIPE, text=True,
                              env=environment)
    lines = []
    while not (lines and lines[-1].startswith("child")):
        lines.append(parent.stdout.readline().rstrip())
    child = int(lines[-1].split()[1])
    try:
        parent.kill()
        parent.wait()
        os.kill(child, 0)  # it lives
        kept(tmp_path / "offline", lines)
    finally:
        os.kill(child, signal.SIGKILL)
        parent.stdout.close()


PYTHON_PROGRAM = textwrap.dedent("""\
    import os, sys, threading
    import libweave as weave

    def log(times):
        for _ in range(times):
            os.write(1, f"c {weave.log_call('python')}\\n".encode())

    weave.init("forked", offline=True, offline_dir=sys.argv[1])
    log(5)
    threads = [threading.Thread(target=log, args=(200,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        child = os.fork()
        if child == 0:
            log(5)
            weave.finish()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    for thread in threads:
        thread.join()
    log(5)
    weave.finish()
    """)


def test_children_of_a_threaded_python_program_are_kept_too(told, kept, tmp_path):
    lines = told(PYTHON, "-W", "ignore::DeprecationWarning", "-c", PYTHON_PROGRAM, tmp_path / "offline")
    assert len(lines) == 5 + 600 + 100 + 5
    kept(tmp_path / "offline", lines)
