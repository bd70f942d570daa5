"""How programs end: nothing of the library is used that is gone."""
from conftest import script


def test_a_stop_lives_as_long_as_handlers_of_the_exit_may_ask_it(tmp_path):
    done = script("import atexit\n"
                  "atexit.register(lambda: print('asked'))\n"
                  "import libweave as weave\n"
                  "from libweave import _native\n"
                  "_native.library().weave_stop_free = lambda handle: print('freed')\n"
                  "stop = weave.Stop()\n", tmp_path)
    assert done.stdout.startswith("asked\n"), done.stdout
