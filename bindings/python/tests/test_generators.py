"""Generators under `@weave.op`: what their calls record, and that they run as they would without it."""
import asyncio

import libweave as weave
import pytest


def test_a_generator_records_what_it_yielded_and_answers_what_it_returned(recorded):
    @weave.op
    def counts(n):
        for i in range(n):
            got = yield i
            assert got is None
        return "done"

    def reads():
        return (yield from counts(3))

    assert list(reads()) == [0, 1, 2]
    generator = counts(0)
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == "done"
    recorded.calls()
    assert [line["data"]["output"] for line in recorded.lines("calls")] == [[0, 1, 2], None]


def test_values_sent_and_thrown_reach_a_generator(recorded):
    @weave.op
    def echo():
        said = yield "ready"
        try:
            yield said
        except KeyError:
            yield "caught"

    generator = echo()
    assert [next(generator), generator.send("hi"), generator.throw(KeyError())] == ["ready", "hi", "caught"]
    generator.close()
    assert recorded.call("echo")["output"] == ["ready", "hi", "caught"]


def test_a_generator_left_early_ends_well(recorded):
    closed = []

    @weave.op
    def endless():
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    for _ in endless():
        break
    assert closed == [True]
    call = recorded.call("endless")
    assert call["output"] == [1] and "exception" not in call


def test_a_generator_is_a_parent_only_while_it_runs(recorded):
    @weave.op
    def inside():
        pass

    @weave.op
    def outside():
        pass

    @weave.op
    def generates():
        inside()
        yield

    for _ in generates():
        outside()
    calls = recorded.calls()
    assert calls["inside"]["parent_id"] == calls["generates"]["id"]
    assert "parent_id" not in calls["outside"]


def test_an_accumulator_makes_the_output_of_a_generator(recorded):
    @weave.op(accumulator=lambda text, word: (text or "") + word)
    def words():
        yield "a"
        yield "b"

    assert list(words()) == ["a", "b"]
    assert recorded.call("words")["output"] == "ab"


def test_an_async_generator_records_what_it_yielded(recorded):
    @weave.op
    async def counts(n):
        for i in range(n):
            yield i

    async def main():
        return [i async for i in counts(2)]

    assert asyncio.run(main()) == [0, 1]
    assert recorded.call("counts")["output"] == [0, 1]


def test_an_async_generator_that_is_left_to_the_end_of_the_loop_ends_well(recorded):
    cleaned, told, kept = [], [], []

    @weave.op
    async def f():
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    async def main():
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        kept.append(f())
        async for _ in kept[0]:
            break

    asyncio.run(main())
    assert (cleaned, told) == ([True], [])
    assert "ended_at" in recorded.call("f")
