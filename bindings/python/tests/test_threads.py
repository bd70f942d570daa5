"""The parent of a call made elsewhere in the process: on threads, in pools, in tasks."""
import asyncio
import concurrent.futures
import contextvars
import sys
import threading

import libweave as weave
import pytest


@weave.op
def leaf(n=0):
    return n


@pytest.fixture
def parents(recorded):
    """parents() are the names of the parents of all calls of `leaf`, in the order of their inputs."""
    def read():
        recorded.calls()
        data = [line["data"] for line in recorded.lines("calls")]
        names = {call["id"]: weave.ObjectRef(call["op_name"]).name for call in data}
        leaves = sorted((call for call in data if names[call["id"]] == "leaf"), key=lambda call: call["inputs"]["n"])
        return [names.get(call.get("parent_id")) for call in leaves]

    return read


def in_thread(thread):
    thread.start()
    thread.join()


def test_a_plain_thread_begins_without_a_parent(parents):
    @weave.op
    def outer():
        in_thread(threading.Thread(target=leaf))

    outer()
    assert parents() == [None]


@pytest.mark.parametrize("thread", [lambda: weave.Thread(target=leaf), lambda: weave.Thread(None, leaf, "name", (0,)),
                                    lambda: Own()], ids=["", "given everything", "with a run of its own"])
def test_a_thread_of_weave_has_the_call_that_made_it_as_a_parent(parents, thread):
    @weave.op
    def outer():
        in_thread(thread())

    outer()
    assert parents() == ["outer"]


class Own(weave.Thread):
    def run(self):
        leaf()


def test_a_pool_of_weave_hands_the_parent_to_its_workers(parents):
    @weave.op
    def outer():
        with weave.ThreadPoolExecutor(max_workers=2) as pool:
            assert pool.submit(leaf, n=0).result() == 0
            assert list(pool.map(leaf, [1, 2])) == [1, 2]

    outer()
    assert parents() == ["outer"] * 3


def test_each_submission_has_the_parent_of_its_own_moment(parents):
    @weave.op
    def one(pool):
        return pool.submit(leaf, 0)

    @weave.op
    def two(pool):
        return pool.submit(leaf, 1)

    with weave.ThreadPoolExecutor(max_workers=1) as pool:
        concurrent.futures.wait([one(pool), two(pool)])
    assert parents() == ["one", "two"]


def test_a_worker_raises_what_its_function_raises(recorded):
    with weave.ThreadPoolExecutor() as pool, pytest.raises(ZeroDivisionError):
        pool.submit(lambda: 1 / 0).result()


def test_attributes_and_threads_hold_in_workers(recorded):
    with weave.attributes({"env": "test"}), weave.thread("t"), weave.ThreadPoolExecutor() as pool:
        pool.submit(leaf).result()
    call = recorded.call("leaf")
    assert (call["attributes"]["env"], call["thread_id"]) == ("test", "t")


async def to_thread():
    await asyncio.to_thread(leaf)


async def gather():
    async def branch(n):
        await asyncio.sleep(0)
        leaf(n)

    await asyncio.gather(branch(0), branch(1))


async def task_group():
    async def branch(n):
        await asyncio.sleep(0)
        leaf(n)

    async with asyncio.TaskGroup() as group:
        for n in range(2):
            group.create_task(branch(n))


async def pool_of_weave():
    with weave.ThreadPoolExecutor() as pool:
        await asyncio.get_running_loop().run_in_executor(pool, leaf)


async def copied_context():
    await asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, leaf)


WAYS = [to_thread, gather, pool_of_weave, copied_context, pytest.param(task_group, marks=pytest.mark.skipif(
    sys.version_info < (3, 11), reason="this interpreter has no task groups"))]


@pytest.mark.parametrize("way", WAYS)
def test_tasks_of_asyncio_hand_the_parent_on(parents, way):
    @weave.op
    async def outer():
        await way()

    asyncio.run(outer())
    assert set(parents()) == {"outer"}


def test_a_failed_task_fails_its_call_and_cancels_those_of_its_group(recorded):
    if sys.version_info < (3, 11):
        pytest.skip("this interpreter has no task groups")

    @weave.op
    async def waits():
        await asyncio.Event().wait()

    @weave.op
    async def fails():
        await asyncio.sleep(0)
        raise KeyError("wrong")

    async def main():
        async with asyncio.TaskGroup() as group:
            group.create_task(waits())
            group.create_task(fails())

    with pytest.raises(BaseExceptionGroup):  # noqa: F821
        asyncio.run(main())
    calls = recorded.calls()
    assert '"KeyError"' in calls["fails"]["exception"] and '"CancelledError"' in calls["waits"]["exception"]


def test_the_official_names_are_there():
    assert weave.Thread is weave.ContextAwareThread
    assert weave.ThreadPoolExecutor is weave.ContextAwareThreadPoolExecutor
