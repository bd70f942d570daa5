"""Functions under `@weave.op`: what their calls record, and that they run as they would without it."""
import asyncio
import contextvars
import json
import logging
import threading

import libweave as weave
import pytest


def failure(call):
    return json.loads(call["exception"])


def test_inputs_are_arguments_by_name_with_defaults(recorded):
    @weave.op
    def f(a, *rest, b=2, **more):
        return a

    f(1, 5, 6, c=3)
    assert recorded.call("f")["inputs"] == {"a": 1, "rest": [5, 6], "b": 2, "more": {"c": 3}}


@pytest.mark.parametrize("function, inputs", [
    (lambda a=1, *, b=2: a, {"a": 1, "b": 2}), (lambda *args, **more: 0, {"args": [], "more": {}})])
def test_defaults_are_recorded_where_nothing_is_given(recorded, function, inputs):
    weave.op(function, name="f")()
    assert recorded.call("f")["inputs"] == inputs


def test_the_output_is_what_the_function_returns(recorded):
    @weave.op
    def f():
        return {"x": [1, None]}

    assert f() == {"x": [1, None]}
    assert recorded.call("f")["output"] == {"x": [1, None]}


def test_a_call_inside_is_a_child(recorded):
    @weave.op
    def inner():
        pass

    @weave.op
    def outer():
        inner()

    outer()
    calls = recorded.calls()
    assert calls["inner"]["parent_id"] == calls["outer"]["id"]
    assert calls["inner"]["trace_id"] == calls["outer"]["trace_id"]
    assert "parent_id" not in calls["outer"]


def test_a_method_is_named_after_its_class(recorded):
    class Robot:
        @weave.op
        def move(self, by):
            return by

    assert Robot().move(3) == 3
    call = recorded.call("Robot.move")
    assert call["inputs"]["by"] == 3 and "Robot object" in call["inputs"]["self"]


def test_static_and_class_methods_take_the_decorator_below_their_own(recorded):
    class Robot:
        @staticmethod
        @weave.op
        def one(x):
            return x

        @classmethod
        @weave.op
        def two(cls, x):
            return x

    assert (Robot.one(1), Robot.two(2)) == (1, 2)
    assert {"Robot.one", "Robot.two"} <= recorded.calls().keys()
    with pytest.raises(TypeError, match="below @staticmethod"):
        weave.op(staticmethod(lambda: None))


def test_a_property_takes_the_decorator_below_its_own():
    with pytest.raises(TypeError, match="below @property"):
        weave.op(property(lambda self: 1))


def test_a_name_given_is_the_ops(recorded):
    @weave.op(name="other-name")
    def f():
        pass

    f()
    assert "other-name" in recorded.calls()


def test_the_source_is_published_once_and_named_by_the_call(recorded):
    @weave.op
    def f():
        return "source"

    f()
    f()
    call = recorded.call("f")
    (op,) = recorded.lines("ops")
    digest = op["data"]["obj"]["val"]["files"]["obj.py"]
    assert call["op_name"].startswith("weave:///team/project/op/f:")
    source = (recorded.directory / "team/project/files" / digest).read_text()
    assert source == '@weave.op\ndef f():\n    return "source"\n'


def test_a_function_without_source_is_known_by_its_name(recorded):
    namespace = {}
    exec("def made():\n    return 1\n", namespace)
    assert weave.op(namespace["made"])() == 1
    assert recorded.call("made")["op_name"] == "made"


def test_an_exception_is_recorded_and_raised_on(recorded):
    @weave.op
    def fails():
        raise ValueError("wrong value")

    with pytest.raises(ValueError, match="wrong value"):
        fails()
    call = recorded.call("fails")
    told = failure(call)
    assert (told["type"], told["message"]) == ("ValueError", "wrong value")
    (frame,) = [frame for frame in told["traceback"] if frame["function_name"] == "fails"]
    assert frame["text"] == 'raise ValueError("wrong value")' and frame["filename"] == __file__
    assert not [frame for frame in told["traceback"] if "libweave" in frame["filename"]]
    assert call["summary"]["status_counts"] == {"error": 1, "success": 0}


@pytest.mark.parametrize("message, told", [("a\0b", "a\\x00b"), ("caf\udce9.txt", "caf\\udce9.txt")])
def test_a_failure_is_recorded_whatever_its_message_holds(recorded, message, told):
    @weave.op
    def fails():
        raise OSError(message)

    with pytest.raises(OSError):
        fails()
    assert failure(recorded.call("fails"))["message"] == told


def test_usage_of_outputs_is_rolled_up(recorded):
    @weave.op
    def chat():
        return {"model": "m", "usage": {"prompt_tokens": 3}}

    @weave.op
    def agent():
        chat()
        chat()

    agent()
    assert recorded.call("agent")["summary"] == {
        "status_counts": {"success": 3, "error": 0}, "usage": {"m": {"requests": 2, "prompt_tokens": 6}}}


def test_coroutines_running_at_once_keep_their_parents(recorded):
    both = []

    @weave.op
    async def leaf(n):
        both.append(n)
        while len(both) < 2:
            await asyncio.sleep(0)

    @weave.op
    async def branch(n):
        await leaf(n)

    async def main():
        await asyncio.gather(branch(1), branch(2))

    asyncio.run(main())
    recorded.calls()
    data = [line["data"] for line in recorded.lines("calls")]
    branches = {call["id"]: call["inputs"]["n"] for call in data if "branch" in call["op_name"]}
    leaves = [(call["inputs"]["n"], branches[call["parent_id"]]) for call in data if "leaf" in call["op_name"]]
    assert sorted(leaves) == [(1, 1), (2, 2)]


def test_a_cancelled_coroutine_is_a_failed_call(recorded):
    @weave.op
    async def waits():
        await asyncio.Event().wait()

    async def main():
        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert failure(recorded.call("waits"))["type"] == "CancelledError"


def test_call_answers_the_output_and_the_call(recorded):
    @weave.op
    def f(x):
        return x

    output, call = f.call(4)
    assert output == 4
    assert recorded.call("f")["id"] == call.id


def test_attributes_hold_for_calls_inside_and_are_merged(recorded):
    @weave.op
    def f():
        pass

    @weave.op
    def g():
        pass

    with weave.attributes({"a": 1, "deep": {"x": 1, "y": 1}}):
        with weave.attributes({"deep": {"y": 2}}):
            f()
        g()
    calls = recorded.calls()
    own = {name: {key: value for key, value in call["attributes"].items() if key != "weave"}
           for name, call in calls.items()}
    assert own == {"f": {"a": 1, "deep": {"x": 1, "y": 2}}, "g": {"a": 1, "deep": {"x": 1, "y": 1}}}


def test_kind_and_colour_stand_beside_what_the_library_says(recorded):
    @weave.op(kind="llm", color="blue")
    def f():
        pass

    f()
    own = recorded.call("f")["attributes"]["weave"]
    assert (own["kind"], own["color"], own["source"]) == ("llm", "blue", "libweave-python")


def test_a_call_whose_thread_is_not_its_parents_begins_a_turn(recorded):
    @weave.op
    def leaf():
        pass

    @weave.op
    def turn():
        leaf()

    @weave.op
    def alone():
        pass

    with weave.thread("t") as thread:
        turn()
        with weave.thread(None):
            alone()
    calls = recorded.calls()
    assert thread.thread_id == "t"
    assert {calls[name]["turn_id"] for name in ("turn", "leaf")} == {calls["turn"]["id"]}
    assert {calls[name]["thread_id"] for name in ("turn", "leaf")} == {"t"}
    assert "thread_id" not in calls["alone"]


def test_a_thread_gets_an_id_when_none_is_given(recorded):
    with weave.thread() as first, weave.thread() as second:
        assert first.thread_id and second.thread_id and first.thread_id != second.thread_id


def test_a_parent_reaches_another_thread_with_its_context(recorded):
    @weave.op
    def leaf():
        pass

    @weave.op
    def outer():
        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(leaf,))
        thread.start()
        thread.join()

    outer()
    calls = recorded.calls()
    assert calls["leaf"]["parent_id"] == calls["outer"]["id"]


def test_postprocessing_changes_what_is_recorded_and_not_what_runs(recorded):
    @weave.op(postprocess_inputs=lambda inputs: {"n": len(inputs["text"])}, postprocess_output=str.upper)
    def f(text):
        return text

    assert f("abc") == "abc"
    call = recorded.call("f")
    assert (call["inputs"], call["output"]) == ({"n": 3}, "ABC")


def test_a_display_name_may_be_made_from_the_call(recorded):
    @weave.op(call_display_name="shown")
    def f():
        pass

    @weave.op(call_display_name=lambda call: "call " + call.id)
    def g():
        pass

    f()
    _, call = g.call()
    assert recorded.call("f")["display_name"] == "shown"
    (update,) = [line["data"] for line in recorded.lines("calls") if line["type"] == "call_update"]
    assert update["display_name"] == "call " + call.id


def test_the_current_call_is_known_inside(recorded):
    @weave.op
    def f():
        return weave.require_current_call()

    current, call = f.call()
    assert current is call and weave.get_current_call() is None
    with pytest.raises(RuntimeError, match="no op runs here"):
        weave.require_current_call()


def test_without_a_session_a_function_just_runs():
    @weave.op
    def f(x):
        return x

    assert f(1) == 1
    assert f.call(1) == (1, None)


def test_disabled_a_function_just_runs(tmp_path):
    weave.init("p", disabled=True, offline_dir=tmp_path / "offline")

    @weave.op
    def f(x):
        return x

    assert f.call(1) == (1, None)
    weave.finish()
    assert not (tmp_path / "offline").exists()


def test_wrong_arguments_fail_as_they_would_without(recorded, caplog):
    @weave.op
    def f(x):
        return x

    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        f()


def test_a_call_that_cannot_be_logged_is_told_and_runs(recorded, caplog):
    @weave.op
    def f(x):
        return "ran"

    with caplog.at_level(logging.ERROR, "libweave"):
        assert f({"big": "x" * 40_000_000}) == "ran"
    assert "the call is not logged" in caplog.text


def test_an_output_that_cannot_be_stored_ends_the_call_with_the_reason(recorded, caplog):
    @weave.op
    def f():
        return "x" * 40_000_000

    assert len(f()) == 40_000_000
    call = recorded.call("f")
    assert call["output"]["output"] is None and call["output"]["not_logged"]


def test_a_postprocessing_that_fails_leaves_no_open_call(recorded, caplog):
    @weave.op(postprocess_output=lambda output: 1 / 0)
    def f():
        return 1

    assert f() == 1
    assert recorded.call("f")["output"] == {"output": None, "not_logged": "division by zero"}


def test_a_coroutine_begun_in_one_context_may_be_closed_in_another(recorded):
    class Pause:
        def __await__(self):
            yield

    @weave.op
    async def waits():
        await Pause()

    coroutine = waits()
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()
    assert failure(recorded.call("waits"))["type"] == "GeneratorExit"
