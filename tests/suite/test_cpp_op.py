"""weave::op of the C++ interface: what a wrapped function leaves in the traces, and that it does what it did."""
import pytest
from cpp import SANITIZED, calls, failure, session


@pytest.fixture(scope="module")
def logged(library, tmp_path_factory):
    """logged(project) are the calls that the program left, op name → calls."""
    offline_dir = session(tmp_path_factory.mktemp("op"), "cpp_op.cpp", *SANITIZED)

    def read(project):
        found = {}
        for call in calls(offline_dir, project):
            found.setdefault(call["op_name"], []).append(call)
        return found

    return read


def test_arguments_are_logged_by_the_names_they_were_given(logged):
    found = logged("callables")
    assert {op: call["inputs"] for op, (call, *_) in found.items()} == {
        "function": {"a": 1, "b": 2}, "unnamed": {"arg0": 1, "arg1": 2}, "partly named": {"a": 1, "arg2": 3},
        "no arguments": {}, "member": {"question": "why?"}, "member by pointer": {"to": "Eve"}, "functor": {"by": 2},
        "move-only": {"more": 2}, "generic": {"arg0": 1}, "erased": {"arg0": 3, "arg1": 4}}
    assert [call["output"] for call in found["functor"]] == [2, 5]


def test_memory_that_a_function_writes_to_is_not_read(logged):
    assert {op: call["inputs"] for op, (call,) in logged("rooms").items()} == {
        "fill heap": {"room": "<char*>", "size": 3}, "fill array": {"room": "<char*>", "size": 3},
        "full": {"text": "ab"}}


def test_what_cannot_be_moved_or_looked_into_is_passed_on(logged):
    found = {op: call for op, (call,) in logged("awkward").items()}
    assert found["variadic"]["output"] == 6 and failure(found["no guard"]) == ("std::runtime_error", "none")
    assert "ended_at" in found["guard"] and "exception" not in found["guard"]
    assert found["of nothing known"]["inputs"]["shared"].startswith("<std::shared_ptr<void>")


def test_results_are_logged_as_values(logged):
    found = {op: (call["inputs"], call.get("output")) for op, (call,) in logged("results").items()}
    assert found == {
        "void": ({}, None), "reference": ({"text": "before"}, "before"), "moved through": ({"held": 7}, 7),
        "rvalue": ({"arg0": "x"}, "x"), "own type": ({"point": {"x": 1, "y": 2}}, {"x": 2, "y": 1}),
        "opaque": ({"given": "<Opaque>"}, "<Opaque>")}


def test_an_exception_that_leaves_an_op_is_logged_by_type_and_text(logged):
    found = {op: failure(call) for op, (call,) in logged("exceptions").items()}
    unreadable = found.pop("no UTF-8")
    assert found == {"runtime": ("std::runtime_error", "boom"), "no memory": ("std::bad_alloc", "std::bad_alloc"),
                     "no std::exception": ("Opaque", "not a std::exception, so that it has no text")}
    assert unreadable[0] == "std::runtime_error" and "not UTF-8" in unreadable[1]


def test_ops_inside_calls_are_their_children_and_outside_of_any_are_not_logged(logged):
    found = logged("nesting")
    assert [call["parent"] for call in found["outer"]] == [None, "scope"]
    assert [(call["parent"], call["inputs"]["n"]) for call in found["inner"]] == [
        ("outer", 1), ("outer", 2), ("scope", 10), ("outer", 10), ("outer", 11)]


def test_a_failed_op_is_left_before_its_exception_is_caught(logged):
    found = logged("nesting")
    assert [found[op][0]["parent"] for op in ("catches", "fails", "after it")] == [None, "catches", "catches"]


def test_a_function_may_use_its_own_call(logged):
    found = logged("own-call")
    (chat,), (early,) = found["chat"], found["ends itself"]
    assert (chat["inputs"], chat["output"]) == ({"question": "why?"}, 4)
    assert chat["summary"]["usage"]["m"]["completion_tokens"] == 4 and chat["attributes"]["weave"]["kind"] == "llm"
    assert early["output"] == "early" and "nowhere" not in found


def test_an_output_that_cannot_be_logged_does_not_leave_the_call_open(logged):
    found = logged("faults")
    assert all("ended_at" in call and call.get("output") is None
               for op in ("bad output", "thorny") for call in found[op])


def test_an_argument_that_cannot_be_logged_is_told_by_its_type_and_the_call_is_logged(logged):
    found = logged("faults")
    instead = "<char [2], which cannot be logged>"
    assert [(call["inputs"], call["output"]) for call in found["bad inputs"]] == [({"text": instead, "more": 2}, 3)] * 2
    assert found["large inputs"][0]["inputs"]["more"] == 2
    assert found["large inputs"][0]["inputs"]["text"].endswith("which cannot be logged>")
    assert found["thorny inputs"][0]["inputs"] == {"arg0": "<Thorny, which cannot be logged>"}


def test_an_op_follows_a_client_that_is_moved_and_runs_on_without_it(logged):
    assert [call["output"] for call in logged("lifetimes")["bound"]] == [2, 3]
    # The client was released while threads ran them: each was logged whole, cut off, or not at all.
    ended = [call for call in logged("lifetimes").get("often", []) if "ended_at" in call]
    assert all(call["output"] == call["inputs"]["arg0"] + 1 for call in ended)
