"""Parents and children that log with one client: each has a journal and files of its own, and nothing is lost or twice."""
import os
import signal
import subprocess
import textwrap

import pytest

from killing.campaign import PYTHON


@pytest.mark.parametrize("way", ["before", "child", "parent", "chain", "thread", "finish"])
def test_what_parent_and_child_log_is_kept(built, told, kept, tmp_path, way):
    kept(tmp_path / "offline", told(built("forks"), tmp_path / "offline", way))


def test_forks_while_other_threads_log_neither_hang_nor_lose_anything(built, told, kept, tmp_path):
    """240 children of a parent with four threads in tight loops; each is ended by its alarm when it hangs."""
    lines = told(built("forks"), tmp_path / "offline", "storm")
    assert len(lines) == 240 * (4 * 100 + 3)
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
