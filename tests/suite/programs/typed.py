"""A program with types, as strict checkers see the package: `assert_type` says what they should make of it, and each
`type: ignore` what they should find wrong. It runs as well: typed.py OFFLINE_DIR."""
import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, Callable, Optional

import libweave as weave
from typing_extensions import assert_type


@weave.op
def shout(text: str, times: int = 1) -> str:
    return text.upper() * times


@weave.op(name="later", kind="tool")
async def later(text: str) -> int:
    return len(text)


@weave.op
def letters(text: str) -> Iterator[str]:
    yield from text


@weave.op
async def letters_later(text: str) -> AsyncIterator[str]:
    yield text


class Robot:
    @weave.op
    def move(self, by: int) -> float:
        return by / 2

    @weave.op(kind="agent")
    async def think(self, about: str) -> list[str]:
        return [about]

    @staticmethod
    @weave.op
    def count(of: str) -> int:
        return len(of)


def applied(function: Callable[[str], str]) -> str:
    return function("a")


def functions() -> None:
    assert_type(shout("a", times=2), str)
    assert_type(shout.call("a"), tuple[str, Optional[weave.Call]])
    assert_type(shout.__name__, str)
    assert_type(letters("ab"), Iterator[str])
    assert_type(letters_later("ab"), AsyncIterator[str])
    assert_type(applied(shout), str)


def methods(robot: Robot) -> None:
    assert_type(robot.move(3), float)
    assert_type(robot.move(by=3), float)
    assert_type(Robot.move(robot, 3), float)
    assert_type(Robot.move.call(robot, 3), tuple[float, Optional[weave.Call]])
    assert_type(Robot.count("ab"), int)


async def coroutines(robot: Robot) -> None:
    assert_type(await later("a"), int)
    assert_type(await later.call("a"), tuple[int, Optional[weave.Call]])
    assert_type(await robot.think("a"), list[str])


def session(client: weave.Client) -> None:
    assert_type(client.log_call("f", {"a": 1}, 2), str)
    assert_type(client.log_call("f", weave.RawJSON("{}"), exception=("Timeout", "too late")), str)
    with client.create_call("f") as call:
        assert_type(call, weave.Call)
        assert_type(call.parent_id, Optional[str])
        with call.running() as same:
            assert_type(same, weave.Call)
    assert_type(weave.publish([1], "list"), weave.ObjectRef)
    assert_type(client.create_media(weave.Content.from_text("a")), weave.RawJSON)
    with weave.ThreadPoolExecutor() as pool:
        assert_type(pool.submit(shout, "a", times=2).result(), str)
        assert_type(list(pool.map(later, ["a"])), list[Coroutine[Any, Any, int]])[0].close()


def wrong(robot: Robot, client: weave.Client) -> None:
    """Nothing of it is run."""
    shout(1)  # type: ignore[arg-type]
    shout("a", loud=True)  # type: ignore[call-arg]
    robot.move("far")  # type: ignore[arg-type]
    robot.move.call(3)  # type: ignore[attr-defined]
    client.log_call("f", [1])  # type: ignore[arg-type]
    client.create_media("text")  # type: ignore[arg-type]
    weave.op(lambda: None, kind="tool")  # type: ignore[call-overload]


def main(offline_dir: str) -> None:
    with weave.init("typed", offline=True, offline_dir=offline_dir) as client:
        functions()
        methods(Robot())
        asyncio.run(coroutines(Robot()))
        session(client)


if __name__ == "__main__":
    main(sys.argv[1])
