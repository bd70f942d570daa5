"""Ctrl-C while the library waits for a server that does not answer."""
import json
import signal
import sys
import threading

import pytest
from conftest import Recorded, program
from libweave import _exit

# Longer than a test may take, so that nothing ends by itself.
SETTINGS = {"http_timeout": 600, "send_interval": 3600}

OPEN = """
import gc, json, signal, sys, threading
signal.signal(signal.SIGINT, signal.default_int_handler)
import libweave as weave
client = weave.init("team/project", offline_dir="offline", **json.loads(sys.argv[1]))
weave.log_call("f")
"""


@pytest.fixture
def mute(server):
    """A server that is asked, and does not answer before it may."""
    server.asked, server.may_answer = threading.Event(), threading.Event()

    def never(body):
        server.asked.set()
        server.may_answer.wait(60)
        return 500, {}

    server.answers["/v2/team/project/calls/complete"] = server.answers["/obj/read"] = never
    yield server
    server.may_answer.set()


@pytest.fixture
def interrupted(mute, tmp_path):
    """interrupted(code) runs a program that logs to the server, sends it SIGINT amid the request, and answers how it
    ended: its status, what it printed, and what went wrong."""
    def run(code):
        with program(OPEN + code, tmp_path, json.dumps({**SETTINGS, **mute.settings})) as process:
            assert mute.asked.wait(60)
            process.send_signal(signal.SIGINT)
            told, wrong = process.communicate(timeout=60)
        return process.returncode, told, wrong

    return run


@pytest.mark.parametrize("waits", ["weave.flush()", "weave.flush(500)", "weave.finish()", "client.finish(500)",
                                   "client.query('/obj/read', {})"])
def test_ctrl_c_ends_the_waiting_for_a_server(interrupted, waits):
    code = f"try:\n    {waits}\nexcept KeyboardInterrupt:\n    print('interrupted')\n"
    assert interrupted(code)[:2] == (0, "interrupted\n")


def test_a_program_that_ctrl_c_ends_does_not_hang_at_its_exit(interrupted):
    status, _, wrong = interrupted("weave.flush()\n")
    assert status == -signal.SIGINT and "KeyboardInterrupt" in wrong


def test_a_program_that_ctrl_c_ends_elsewhere_does_not_hang_at_its_exit(mute, tmp_path):
    code = OPEN + "signal.raise_signal(signal.SIGINT)\n"
    with program(code, tmp_path, json.dumps({**SETTINGS, **mute.settings})) as process:
        assert "what was logged is kept in" in process.communicate(timeout=60)[1]
    assert process.returncode == -signal.SIGINT


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="no thread begins at the exit of newer interpreters")
def test_ctrl_c_ends_the_waiting_at_the_exit(interrupted):
    assert interrupted("")[0] == 0


def test_ctrl_c_ends_the_waiting_for_callbacks_and_not_what_comes_after_it(monkeypatch):
    class Interrupted(threading.Condition):
        def wait_for(self, *_):
            raise KeyboardInterrupt

    monkeypatch.setattr(_exit, "_changed", Interrupted())
    _exit._end_calls()


def test_the_exit_does_not_wait_for_a_server_for_ever(mute, tmp_path):
    code = OPEN + "from libweave import _exit\n_exit._FINISH_LIMIT = 0.1\n"
    with program(code, tmp_path, json.dumps({**SETTINGS, **mute.settings})) as process:
        assert "what was logged is kept in" in process.communicate(timeout=60)[1]
    assert process.returncode == 0


def test_what_was_logged_before_ctrl_c_is_kept(interrupted, tmp_path):
    interrupted("weave.finish()\n")
    assert [line["data"]["op_name"] for line in Recorded(tmp_path / "offline").lines("calls")] == ["f"]


def test_a_session_whose_finishing_was_interrupted_is_closed(interrupted):
    told = interrupted("try:\n    client.finish()\nexcept KeyboardInterrupt:\n    pass\n"
                       "try:\n    client.log_call('f')\nexcept weave.ClosedError:\n    print('closed')\n")[1]
    assert told == "closed\n"


def test_a_session_lives_as_long_as_the_flush_that_was_interrupted(mute, tmp_path):
    code = OPEN + ("from libweave import _native\n"
                   "_native.library().weave_client_free = client._free = lambda handle: print('freed')\n"
                   "try:\n    weave.flush()\nexcept KeyboardInterrupt:\n    weave._state.exchange(None)\n"
                   "del client\ngc.collect()\n"
                   "print('let go', flush=True)\n"
                   "[thread.join() for thread in threading.enumerate() if thread is not threading.main_thread()]\n"
                   "gc.collect()\n")
    with program(code, tmp_path, json.dumps({**SETTINGS, **mute.settings})) as process:
        assert mute.asked.wait(60)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "let go\n"
        mute.answers.clear()
        mute.may_answer.set()
        assert process.communicate(timeout=60)[0] == "freed\n"
