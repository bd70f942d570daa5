"""Ending what takes long: a sync from another thread, and all of it by what a signal raises, such as Ctrl-C."""
from __future__ import annotations

import contextvars
import threading
import weakref
from ctypes import c_void_p
from typing import Any, Callable

from . import _native
from ._exit import Helper


class Stop:
    """Ends the syncs that it is given to (`stop=…`), those that run and those that begin later. Any thread may ask."""

    def __init__(self) -> None:
        c = _native.library()
        self._handle = c_void_p(c.weave_stop_new())
        # Not at the exit of the interpreter, while this object still lives and handlers of the program may use it.
        weakref.finalize(self, c.weave_stop_free, self._handle).atexit = False
        #: Whether somebody has asked.
        self.asked = False

    def ask(self) -> None:
        """Has them end within some tenths of a second. What was not sent is kept."""
        self.asked = True
        _native.check(_native.library().weave_stop_ask(self._handle))


def interruptible(work: Callable[[], Any], interrupted: Callable[[], Any], *, goes_on: bool) -> Any:
    """Does work that spends its time in C. Python raises what a signal asks for on the main thread alone, and not
    before C returns: there another thread does the work, so that Ctrl-C can interrupt it. `interrupted` is called then;
    work that goes on all the same is left to itself, and other work waited for. All that C uses belongs to the work,
    since a second Ctrl-C ends that waiting too."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    outcome: list[Any] = []
    ended = threading.Lock()
    ended.acquire()

    def run() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))
        ended.release()

    def await_end() -> None:
        # Not by Thread.join: Python 3.11 takes a thread for ended when that is interrupted. With a limit, since some
        # systems let no signal into a wait without one.
        while not outcome:
            ended.acquire(timeout=0.2)

    # What goes on must not keep the interpreter from its end.
    thread = Helper(target=contextvars.copy_context().run, args=(run,), name="libweave", daemon=goes_on)
    try:
        try:
            thread.start()
        except RuntimeError:  # no thread begins any more, as when the interpreter ends
            run()
        await_end()
    except BaseException:
        interrupted()
        if thread.ident is not None and not goes_on:  # it began
            await_end()
        raise
    result, error = outcome.pop()
    try:
        if error is not None:
            raise error
        return result
    finally:
        del error  # else it holds itself, and all that the work used, by its traceback
