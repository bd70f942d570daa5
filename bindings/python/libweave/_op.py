"""`@weave.op`: functions whose calls are logged. Whatever goes wrong with logging, the function runs as without."""
from __future__ import annotations

import functools
import inspect
import logging
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Callable, Optional, Union, overload

from ._state import active_client

if TYPE_CHECKING:
    from ._op_types import Answered, Decorator, Op, P, R, Waited
    from .call import Call

logger = logging.getLogger("libweave")


class Marks:
    """What the decorator knows of a function."""

    def __init__(self, function: Callable[..., Any], given: dict[str, Any]) -> None:
        self.function = function
        self.name: str = given.pop("name") or name_of(function)
        self.capture_code: bool = given.pop("enable_code_capture")
        self.kind: Optional[str] = given.pop("kind")
        self.color: Optional[str] = given.pop("color")
        self.display_name: Any = given.pop("call_display_name")
        self.on_inputs: Any = given.pop("postprocess_inputs")
        self.on_output: Any = given.pop("postprocess_output")
        self.accumulator: Any = given.pop("accumulator")
        try:
            self.signature: Optional[inspect.Signature] = inspect.signature(function)
        except (TypeError, ValueError):  # functions of C that tell nothing of themselves
            self.signature = None
        self.positional = _positional(self.signature)

    def inputs(self, args: Any, kwargs: Any) -> dict[str, Any]:
        """The arguments by the names of their parameters, defaults included."""
        if self.positional is not None and len(args) == len(self.positional) and not kwargs:
            inputs = dict(zip(self.positional, args))
        elif self.signature is None:
            return {**{f"arg{index}": value for index, value in enumerate(args)}, **kwargs}
        else:
            bound = self.signature.bind(*args, **kwargs)
            bound.apply_defaults()
            inputs = dict(bound.arguments)
        return self.on_inputs(inputs) if self.on_inputs else inputs


def _positional(signature: Optional[inspect.Signature]) -> Optional[list[str]]:
    """The parameters, if all of them may be given by position, else None. A call that does so needs no binding, which
    costs as much as all the rest of it."""
    if signature is None:
        return None
    by_position = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = signature.parameters.values()
    return [one.name for one in parameters] if all(one.kind in by_position for one in parameters) else None


def name_of(function: Any) -> str:
    """`function`, or `Class.method`."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", None) or type(function).__name__
    return name.rpartition("<locals>.")[2].replace("<lambda>", "lambda")


def source_of(op: Any) -> str:
    """The source text of an op's function, decorators included."""
    return textwrap.dedent(inspect.getsource(op._weave_op.function))


class _Run:
    """One call of an op. Every step of logging may fail without the function noticing."""

    def __init__(self, marks: Marks, op: Any, args: Any, kwargs: Any) -> None:
        self.marks = marks
        self.state: Any = None
        self.call: Optional[Call] = None
        client = active_client()
        if client is None or client.disabled:
            return
        try:
            inputs = marks.inputs(args, kwargs)
            given: dict[str, Any] = {"kind": marks.kind} if marks.kind else {}
            if isinstance(marks.display_name, str):
                given["display_name"] = marks.display_name
            if marks.color:
                given["attributes"] = {"weave": {"color": marks.color}}
            self.call = client.create_call(op, inputs, **given)
            if marks.display_name and not isinstance(marks.display_name, str):
                self.call.set_display_name(marks.display_name(self.call))
        except Exception:
            logger.exception("%s: the call is not logged", marks.name)

    def step(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Runs a part of the function, with its call as the parent of what it calls."""
        if self.call is None:
            return function(*args, **kwargs)
        with self.call.running():
            return function(*args, **kwargs)

    async def wait(self, awaitable: Any) -> Any:
        if self.call is None:
            return await awaitable
        with self.call.running():
            return await awaitable

    def add(self, value: Any) -> None:
        """Takes what a generator yielded."""
        if self.call is None:
            return
        try:
            if self.marks.accumulator:
                self.state = self.marks.accumulator(self.state, value)
            else:
                self.state = [] if self.state is None else self.state
                self.state.append(value)
        except Exception:
            logger.exception("%s: what it yielded is not logged", self.marks.name)

    def end(self, output: Any = None, exception: Optional[BaseException] = None) -> None:
        if self.call is None:
            return
        try:
            if exception is None and self.marks.on_output:
                output = self.marks.on_output(output)
            self.call.finish(output, exception)
        except Exception as error:
            logger.exception("%s: the end of the call is not logged", self.marks.name)
            self._end_without_output(self.call, error, exception)

    @staticmethod
    def _end_without_output(call: Call, error: Exception, exception: Optional[BaseException]) -> None:
        """An output that cannot be stored must not leave the call open: its end tells why there is none."""
        try:
            call.finish({"output": None, "not_logged": str(error)}, exception)
        except Exception:
            logger.debug("%s: the call stays open", call.op_name, exc_info=True)


def _plain(marks: Marks) -> Callable[..., Any]:
    def prepare(args: Any, kwargs: Any) -> tuple[Any, Optional[Call]]:
        run = _Run(marks, op, args, kwargs)
        try:
            output = run.step(marks.function, *args, **kwargs)
        except BaseException as error:
            run.end(exception=error)
            raise
        run.end(output)
        return output, run.call

    @functools.wraps(marks.function)
    def op(*args: Any, **kwargs: Any) -> Any:
        return prepare(args, kwargs)[0]

    op.call = lambda *args, **kwargs: prepare(args, kwargs)  # type: ignore[attr-defined]
    return op


def _coroutine(marks: Marks) -> Callable[..., Any]:
    async def prepare(args: Any, kwargs: Any) -> tuple[Any, Optional[Call]]:
        run = _Run(marks, op, args, kwargs)
        try:
            output = await run.wait(marks.function(*args, **kwargs))
        except BaseException as error:
            run.end(exception=error)
            raise
        run.end(output)
        return output, run.call

    @functools.wraps(marks.function)
    async def op(*args: Any, **kwargs: Any) -> Any:
        return (await prepare(args, kwargs))[0]

    op.call = lambda *args, **kwargs: prepare(args, kwargs)  # type: ignore[attr-defined]
    return op


def _generator(marks: Marks) -> Callable[..., Any]:
    @functools.wraps(marks.function)
    def op(*args: Any, **kwargs: Any) -> Any:
        run = _Run(marks, op, args, kwargs)
        try:
            inner = run.step(marks.function, *args, **kwargs)
            step, sent = inner.send, None
            while True:
                try:
                    value = run.step(step, sent)
                except StopIteration as stop:
                    run.end(run.state)
                    return stop.value
                run.add(value)
                try:
                    step, sent = inner.send, (yield value)
                except GeneratorExit:  # whoever reads has had enough: no failure
                    run.step(inner.close)
                    raise
                except BaseException as error:
                    step, sent = inner.throw, error
        except GeneratorExit:
            run.end(run.state)
            raise
        except BaseException as error:
            run.end(exception=error)
            raise

    return op


def _begin(inner: Any, sent: Any) -> Any:
    """The first step of an async generator, without the knowledge of the event loop: at its end the loop closes the op,
    which closes this, and would close this itself at the same time."""
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return inner.asend(sent)
    finally:
        sys.set_asyncgen_hooks(*hooks)


def _async_generator(marks: Marks) -> Callable[..., Any]:
    @functools.wraps(marks.function)
    async def op(*args: Any, **kwargs: Any) -> Any:
        run = _Run(marks, op, args, kwargs)
        try:
            inner = run.step(marks.function, *args, **kwargs)
            step, sent = functools.partial(_begin, inner), None
            while True:
                try:
                    value = await run.wait(step(sent))
                except StopAsyncIteration:
                    run.end(run.state)
                    return
                run.add(value)
                try:
                    step, sent = inner.asend, (yield value)
                except GeneratorExit:
                    await run.wait(inner.aclose())
                    raise
                except BaseException as error:
                    step, sent = inner.athrow, error
        except GeneratorExit:
            run.end(run.state)
            raise
        except BaseException as error:
            run.end(exception=error)
            raise

    return op


@overload
def op(func: Callable[P, Waited[R]]) -> Op[P, Waited[R], Waited[Answered[R]]]: ...  # type: ignore[overload-overlap]


@overload
def op(func: Callable[P, R]) -> Op[P, R, Answered[R]]: ...


@overload
def op(*, name: Optional[str] = ..., call_display_name: Union[str, Callable[[Call], str], None] = ...,
       postprocess_inputs: Optional[Callable[[dict[str, Any]], dict[str, Any]]] = ...,
       postprocess_output: Optional[Callable[[Any], Any]] = ..., enable_code_capture: bool = ...,
       accumulator: Optional[Callable[[Any, Any], Any]] = ..., kind: Optional[str] = ...,
       color: Optional[str] = ...) -> Decorator: ...


def op(func: Optional[Callable[..., Any]] = None, *, name: Optional[str] = None, call_display_name: Any = None,
       postprocess_inputs: Any = None, postprocess_output: Any = None, enable_code_capture: bool = True,
       accumulator: Any = None, kind: Optional[str] = None, color: Optional[str] = None) -> Any:
    """Logs every call of a function: plain, async, or a generator of either kind.

    Inputs are the arguments by name, the output is what it returns, or the list of what it yields (else what
    `accumulator(state, value)` made of it). Calls inside become children. Exceptions are recorded and raised on.
    `function.call(…)` answers the output and the Call; without a session, or when logging failed, that is None.
    """
    def decorate(function: Callable[..., Any]) -> Any:
        if isinstance(function, (staticmethod, classmethod, property)):
            raise TypeError(f"@weave.op goes below @{type(function).__name__}, next to the function")
        marks = Marks(function, {
            "name": name, "call_display_name": call_display_name, "postprocess_inputs": postprocess_inputs,
            "postprocess_output": postprocess_output, "enable_code_capture": enable_code_capture,
            "accumulator": accumulator, "kind": kind, "color": color})
        if inspect.isasyncgenfunction(function):
            made: Any = _async_generator(marks)
        elif inspect.isgeneratorfunction(function):
            made = _generator(marks)
        elif inspect.iscoroutinefunction(function):
            made = _coroutine(marks)
        else:
            made = _plain(marks)
        made._weave_op = marks
        return made

    return decorate if func is None else decorate(func)
