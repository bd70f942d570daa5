"""How programs end: nothing of the library is used that is gone, and nothing calls back that cannot any more."""
import json
import queue
import subprocess
import threading

import libweave as weave
import pytest
from conftest import program, script


@pytest.fixture
def stored(tmp_path):
    """An offline directory with an object."""
    weave.init("team/project", offline=True, offline_dir=tmp_path / "offline")
    weave.publish({"a": 1}, "config")
    weave.finish()
    return tmp_path / "offline"


@pytest.fixture
def held(server):
    """A server that is asked for an object, and answers when it may."""
    asked, may_answer = threading.Event(), threading.Event()

    def late(body):
        asked.set()
        return 200 if may_answer.wait(60) else 500, {"digest": "d" * 43}

    server.answers["/obj/create"] = late
    yield server, asked, may_answer
    may_answer.set()


def test_a_stop_lives_as_long_as_handlers_of_the_exit_may_ask_it(tmp_path):
    done = script("import atexit\n"
                  "atexit.register(lambda: print('asked'))\n"
                  "import libweave as weave\n"
                  "from libweave import _native\n"
                  "_native.library().weave_stop_free = lambda handle: print('freed')\n"
                  "stop = weave.Stop()\n", tmp_path)
    assert done.stdout.startswith("asked\n"), done.stdout


# Until somebody writes to the program, the interpreter stands still where it has begun to finalise.
HELD = """
import atexit, json, os, sys, threading
import libweave as weave
class Held:
    def __del__(self, write=os.write, read=os.read):
        write(1, b"finalising\\n")
        read(0, 1)
sys.held = Held()
"""


def test_a_program_ends_while_a_daemon_thread_syncs(stored, held, tmp_path):
    server, asked, may_answer = held
    code = HELD + ("threading.Thread(target=weave.sync_offline_data, args=[sys.argv[1]], daemon=True,\n"
                   "                 kwargs=json.loads(sys.argv[2])).start()\n"
                   "sys.stdin.readline()\n")
    with program(code, tmp_path, stored, json.dumps(server.settings)) as process:
        assert asked.wait(60)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "finalising\n"
        may_answer.set()
        server.await_no_connection()  # the answer was taken, or nobody waited for it any more
        process.communicate("\n", timeout=60)
    assert process.returncode == 0


# A callback that is amid its work when the exit begins, and needs the interpreter for longer than that takes.
AMID = HELD + """
begun, ending = threading.Event(), threading.Event()
def amid(*_):
    begun.set()
    ending.wait()
    for _ in range(1_000_000):
        pass
    return {}
def end():
    begun.wait()
    atexit.register(ending.set)
"""


def ends(code, tmp_path, *arguments):
    return script(code, tmp_path, *arguments, stdin=subprocess.DEVNULL).returncode


def test_a_program_ends_while_a_daemon_thread_is_told_of_its_sync(stored, server, tmp_path):
    code = AMID + ("threading.Thread(target=weave.sync_offline_data, args=[sys.argv[1]], daemon=True,\n"
                   "                 kwargs={'on_progress': amid, **json.loads(sys.argv[2])}).start()\n"
                   "end()\n")
    assert ends(code, tmp_path, stored, json.dumps(server.settings)) == 0


def test_a_program_ends_while_a_daemon_thread_asks_a_filter(tmp_path):
    code = AMID + ("client = weave.Client('p', offline=True, offline_dir='offline', filter=amid)\n"
                   "threading.Thread(target=client.log_call, args=['f'], daemon=True).start()\n"
                   "end()\n")
    assert ends(code, tmp_path) == 0


ONLINE = """
client = weave.Client("team/project", offline_dir="offline", send_interval=3600, on_progress=amid,
                      **json.loads(sys.argv[1]))
"""


def test_a_program_ends_while_a_daemon_thread_finishes_a_session_that_tells_of_it(server, tmp_path):
    code = AMID + ONLINE + ("client.create_object('config', {})\n"
                            "threading.Thread(target=client.finish, daemon=True).start()\n"
                            "end()\n")
    assert ends(code, tmp_path, json.dumps(server.settings)) == 0


def test_finishing_by_a_daemon_thread_is_given_up_at_the_exit(server, tmp_path):
    asked, over = queue.SimpleQueue(), threading.Event()

    def answer_the_first(body):
        asked.put(body)
        return 200 if asked.qsize() == 1 or over.wait(60) else 500, {"digest": "d" * 43}

    server.answers["/obj/create"] = answer_the_first
    code = AMID + ONLINE + ("client.create_object('first', {})\n"
                            "client.create_object('second', {})\n"
                            "threading.Thread(target=client.finish, daemon=True).start()\n"
                            "end()\n")
    done = script(code, tmp_path, json.dumps(server.settings), stdin=subprocess.DEVNULL)
    over.set()
    assert (done.returncode, "go on while the interpreter ends" in done.stderr) == (0, False)


# A session that is opened although its server is not there, which the library tells of meanwhile. Not to a handler: the
# end of `logging` waits for the locks of these.
TELLING = """
import logging
logging.getLogger("libweave").addFilter(lambda record: {told})
def tells():
    nowhere = "http://127.0.0.1:9"
    weave.Client("team/p", offline_dir="offline", api_key="k" * 40, base_url=nowhere, trace_server_url=nowhere)
"""


def test_a_program_ends_while_a_daemon_thread_is_told_by_the_library(tmp_path):
    code = AMID + TELLING.format(told="amid()") + "threading.Thread(target=tells, daemon=True).start()\nend()\n"
    assert ends(code, tmp_path) == 0


@pytest.mark.parametrize("loaded", ["tells()", "pass"], ids=["", "nor one that is loaded then"])
def test_the_library_tells_nothing_after_the_exit(tmp_path, loaded):
    code = ("import atexit\n"
            "atexit.register(lambda: (print('exit'), tells()))  # what was registered first runs last\n"
            "import libweave as weave\n" + TELLING.format(told="print('told')") + loaded)
    done = script(code, tmp_path)
    assert done.stdout.endswith("exit\n"), done.stderr


LATER = """
import atexit, threading
go_on = threading.Event()
def later():
    go_on.set()
    thread.join()
atexit.register(later)  # what was registered first runs last
import libweave as weave
def use():
    go_on.wait()
    try:
        {use}
    except weave.ClosedError as error:
        print(error)
thread = threading.Thread(target=use, daemon=True)
thread.start()
"""


@pytest.mark.parametrize("use", ["weave.sync_offline_data('offline')", "client.log_call('f')", "call.finish()",
                                 "call.feedback.add_note('x')",
                                 "weave.Client('p', offline=True, offline_dir='offline', filter=print)"])
def test_when_the_interpreter_ends_threads_do_nothing_that_may_call_back(tmp_path, use):
    code = LATER.format(use=use) + ("client = weave.Client('p', offline=True, offline_dir='offline',\n"
                                    "                      filter=lambda kind, data: data)\n"
                                    "call = client.create_call('f')\n")
    done = script(code, tmp_path)
    assert "the interpreter ends" in done.stdout, done.stderr


def test_the_main_thread_syncs_also_when_the_interpreter_ends(stored, server, tmp_path):
    code = ("import atexit, json, sys\n"
            "def sync():\n"
            "    print(weave.sync_offline_data(sys.argv[1], on_progress=print, **json.loads(sys.argv[2])) != {})\n"
            "atexit.register(sync)\n"
            "import libweave as weave\n")
    done = script(code, tmp_path, stored, json.dumps(server.settings))
    assert done.stdout == "team/project objects 1 0\nTrue\n", done.stderr


def test_every_session_is_finished_at_the_exit(tmp_path):
    code = ("import atexit\n"
            "atexit.register(lambda: print(client.stats()['waiting']))\n"
            "import libweave as weave\n"
            "client = weave.Client('p', offline=True, offline_dir='offline')\n"
            "client.log_call('f')\n")
    assert script(code, tmp_path).stdout == "0\n"


@pytest.mark.parametrize("thread", ["pass", "_exit.Helper.start = refuse"], ids=["", "where no thread begins"])
def test_what_an_online_session_has_logged_is_sent_at_the_exit(server, tmp_path, thread):
    sent = []
    server.answers["/v2/team/project/calls/complete"] = lambda body: (200, sent.append(body))
    code = ("import json, sys\n"
            "import libweave as weave\n"
            "from libweave import _exit\n"
            "def refuse(self):\n"
            "    raise RuntimeError('as newer interpreters do')\n"
            "weave.init('team/project', offline_dir='offline', **json.loads(sys.argv[1]))\n"
            "weave.log_call('f')\n") + thread
    assert script(code, tmp_path, json.dumps({**server.settings, "send_interval": 3600})).returncode == 0
    assert len(sent) == 1


def test_a_forked_child_does_not_wait_for_threads_that_it_does_not_have(stored, held, tmp_path):
    server, asked, _ = held
    code = ("import json, os, sys, threading\n"
            "import libweave as weave\n"
            "threading.Thread(target=weave.sync_offline_data, args=[sys.argv[1]], daemon=True,\n"
            "                 kwargs=json.loads(sys.argv[2])).start()\n"
            "sys.stdin.readline()\n"
            "if os.fork():\n"
            "    os.wait()\n"
            "    os._exit(0)\n")
    with program(code, tmp_path, stored, json.dumps(server.settings)) as process:
        assert asked.wait(60)
        assert "go on while the interpreter ends" not in process.communicate("\n", timeout=60)[1]
