"""Sessions and calls as context managers: what the end of their blocks does."""
import asyncio
import contextlib
import json
import logging

import libweave as weave
import pytest
from conftest import Recorded


@pytest.fixture
def calls(tmp_path):
    """calls() are those of the test's directory, by the names of their ops."""
    return lambda: {line["data"].get("op_name"): line["data"] for line in Recorded(tmp_path).lines("calls")}


def opened(directory):
    return weave.init("team/project", offline=True, offline_dir=directory)


def test_a_session_ends_with_its_block(tmp_path, calls):
    with opened(tmp_path) as client:
        assert weave.get_client() is client
        client.log_call("f")
    assert weave.get_client() is None and calls().keys() == {"f"}
    with pytest.raises(weave.ClosedError):
        client.log_call("g")


def test_what_a_block_raises_comes_out_of_it_and_the_session_is_finished(tmp_path, calls):
    with pytest.raises(KeyError, match="wrong"), opened(tmp_path):
        weave.log_call("f")
        raise KeyError("wrong")
    assert weave.get_client() is None and calls().keys() == {"f"}


def test_another_session_that_was_opened_inside_stays_the_programs(tmp_path):
    with opened(tmp_path):
        inner = opened(tmp_path)
    assert weave.get_client() is inner
    weave.finish()


def test_an_asynchronous_block_finishes_a_session_while_other_tasks_go_on(tmp_path, calls):
    @weave.op
    async def f():
        await asyncio.sleep(0)

    async def main():
        async with opened(tmp_path):
            await asyncio.gather(f(), f())

    asyncio.run(main())
    assert weave.get_client() is None
    assert len(Recorded(tmp_path).lines("calls")) == 2


def test_an_asynchronous_block_lets_exceptions_out(tmp_path):
    async def main():
        async with opened(tmp_path):
            raise KeyError("wrong")

    with pytest.raises(KeyError, match="wrong"):
        asyncio.run(main())
    assert weave.get_client() is None


@contextlib.contextmanager
def unreachable(directory, server):
    """A session whose finishing fails."""
    server.answers["/v2/team/project/calls/complete"] = lambda body: (400, {"detail": "not now"})
    with weave.Client("team/project", offline_dir=directory, send_interval=3600, **server.settings) as client:
        client.log_call("f")
        yield


def test_a_session_that_cannot_be_finished_raises(tmp_path, server):
    with pytest.raises(weave.ServerError), unreachable(tmp_path, server):
        pass


def test_what_a_block_raises_goes_before_a_session_that_cannot_be_finished(tmp_path, server, caplog):
    with pytest.raises(KeyError), unreachable(tmp_path, server):
        raise KeyError
    assert "what was logged is kept in" in caplog.text


def test_a_call_is_the_parent_inside_its_block_and_ends_with_it(recorded):
    client = weave.get_client()
    with client.create_call("outer", {"x": 1}) as call:
        assert weave.get_current_call() is call
        client.log_call("inner")
        call.output = {"y": 2}
    assert weave.get_current_call() is None
    calls = recorded.calls()
    assert calls["outer"]["output"] == {"y": 2} and calls["inner"]["parent_id"] == call.id


def test_a_block_without_an_output_records_none(recorded):
    with weave.get_client().create_call("f"):
        pass
    assert recorded.call("f")["output"] is None


def test_an_exception_that_leaves_the_block_is_recorded_and_raised_on(recorded):
    with pytest.raises(ValueError, match="wrong"):
        with weave.get_client().create_call("f") as call:
            call.output = "until then"
            raise ValueError("wrong")
    call = recorded.call("f")
    told = json.loads(call["exception"])
    assert (told["type"], told["message"], call["output"]) == ("ValueError", "wrong", "until then")
    assert told["traceback"][-1]["text"] == 'raise ValueError("wrong")'


def test_a_call_may_be_finished_inside_its_block(recorded):
    with weave.get_client().create_call("f") as call:
        call.finish(1)
        call.output = 2
    assert recorded.call("f")["output"] == 1


def test_a_failure_may_be_told_by_hand(recorded):
    with weave.get_client().create_call("f") as call:
        call.set_exception("it broke")
    call = recorded.call("f")
    assert call["exception"] == "it broke" and call["summary"]["status_counts"]["error"] == 1


def test_blocks_of_tasks_at_once_keep_their_children_apart(recorded):
    client, begun = weave.get_client(), []

    async def branch(n):
        with client.create_call(f"branch-{n}"):
            begun.append(n)
            while len(begun) < 2:
                await asyncio.sleep(0)
            client.log_call(f"leaf-{n}")

    async def main():
        await asyncio.gather(branch(1), branch(2))

    asyncio.run(main())
    calls = recorded.calls()
    assert [calls[f"leaf-{n}"]["parent_id"] for n in (1, 2)] == [calls[f"branch-{n}"]["id"] for n in (1, 2)]


def test_a_generator_that_is_left_early_has_not_failed(recorded):
    def counts():
        with weave.get_client().create_call("f") as call:
            call.output = 1
            yield
            call.output = 2

    for _ in counts():
        break
    call = recorded.call("f")
    assert call["output"] == 1 and "exception" not in call


def test_a_block_inside_the_block_of_the_same_call_is_refused(recorded):
    with weave.get_client().create_call("f") as call:
        with pytest.raises(weave.InvalidError, match="call.running"), call:
            pass
        with call.running() as same:
            assert same is call is weave.get_current_call()


def test_an_output_that_cannot_be_stored_is_raised_at_the_end(recorded):
    with pytest.raises(weave.WeaveError, match="bytes"):
        with weave.get_client().create_call("f") as call:
            call.output = "x" * 40_000_000
    call.finish("smaller")
    assert recorded.call("f")["output"] == "smaller"


def test_what_a_block_raises_goes_before_an_end_that_cannot_be_stored(recorded, caplog):
    with caplog.at_level(logging.ERROR, "libweave"), pytest.raises(KeyError):
        with weave.get_client().create_call("f") as call:
            call.output = "x" * 40_000_000
            raise KeyError
    assert "the end of the call is not logged" in caplog.text
