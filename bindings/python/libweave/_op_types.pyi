"""What type checkers see of an op: a function with the signature that it had, and `call`."""
from collections.abc import Coroutine
from typing import Any, Callable, Generic, Optional, Protocol, TypeVar, overload

from typing_extensions import Concatenate, ParamSpec

from .call import Call

P = ParamSpec("P")
Rest = ParamSpec("Rest")
R = TypeVar("R")
Own = TypeVar("Own")
Result = TypeVar("Result", covariant=True)
Pair = TypeVar("Pair", covariant=True)

#: What a coroutine function answers.
Waited = Coroutine[Any, Any, R]
#: What `call` answers: the output, and the call unless logging failed.
Answered = tuple[R, Optional[Call]]


class Op(Generic[P, Result, Pair]):
    """A function under `@weave.op`."""

    __name__: str
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Result: ...
    #: The output and the Call. That of a method is the class's, and takes the object first.
    def call(self, *args: P.args, **kwargs: P.kwargs) -> Pair: ...
    @overload
    def __get__(self, instance: None, owner: object) -> Op[P, Result, Pair]: ...
    @overload
    def __get__(
        self: Op[Concatenate[Own, Rest], Result, Pair], instance: Own, owner: object
    ) -> Callable[Rest, Result]: ...


class Decorator(Protocol):
    """What `@weave.op(…)` is."""

    @overload
    def __call__(  # type: ignore[overload-overlap]
        self, func: Callable[P, Waited[R]]
    ) -> Op[P, Waited[R], Waited[Answered[R]]]: ...
    @overload
    def __call__(self, func: Callable[P, R]) -> Op[P, R, Answered[R]]: ...
