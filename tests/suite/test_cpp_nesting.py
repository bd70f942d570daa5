"""Which call becomes the parent of which in the C++ interface: blocks, moved scopes, threads, coroutines."""
import pytest
from cpp import PROGRAMS, SANITIZED, calls, failure, session
from harness import client_environment, compiled, run


@pytest.fixture(scope="module")
def offline_dir(library, tmp_path_factory):
    """What the program left."""
    return session(tmp_path_factory.mktemp("nesting"), "cpp_nesting.cpp", *SANITIZED)


@pytest.fixture
def parents(offline_dir):
    """parents(project): op name → op name of its parent."""
    return lambda project: {call["op_name"]: call["parent"] for call in calls(offline_dir, project)}


def test_what_starts_inside_a_scope_is_its_child_until_the_scope_ends(parents):
    found = parents("blocks")
    expected = {"outer": None, "logged inside": "outer", "inner": "outer", "below inner": "inner",
                "started inside": "inner", "after the end of inner": "outer", "outside": None}
    assert expected.items() <= found.items()


def test_a_place_that_is_given_goes_before_the_scope(parents):
    found = parents("blocks")
    assert (found["with settings"], found["root by choice"], found["of a past call"]) == ("outer", None, None)


def test_scopes_nest_wherever_they_are_moved_and_whichever_ends_first(parents):
    assert parents("moved") == {
        "first": None, "in kept": "first", "several 1": "first", "several 2": "several 1", "several 3": "several 2",
        "in several 3": "several 3", "in kept again": "first", "other": "first", "in other": "other", "outside": None,
        "let go": None, "in let go": "let go", "outside too": None}


def test_a_scope_is_no_parent_of_what_another_client_logs(parents):
    assert parents("one") == {"outer": None, "of one": "outer"}
    assert parents("other") == {"foreign": None, "of other": "foreign"}


def test_a_thread_is_in_the_calls_that_it_entered(parents):
    found = parents("threads")
    assert found.pop("on a thread of its own") is None and found.pop("of a thread that ended") is None
    assert found == {"outer": None, "with its parent": "outer", "within": "outer", "op within": "outer",
                     "handed": "outer", "after it": "outer", "beside what is gone": "outer"}


def test_a_detached_scope_is_a_parent_only_where_it_is_given(parents):
    assert parents("detached") == {"coming": None, "unrelated": None, "its child": "coming"}


def test_destructors_at_the_end_of_a_thread_may_log(parents):
    assert parents("exit") == {"before": None, "at the end of a thread": None}


def test_an_exception_marks_the_scopes_that_it_passes_and_never_with_the_type_of_another(offline_dir):
    found = {call["op_name"]: failure(call) for call in calls(offline_dir, "passing") if "exception" in call}
    passed = ("exception", "a C++ exception left the scope of this call")
    assert found == {"passed": passed, "passed in a handler": passed, "by an op": passed,
                     "seen": ("std::runtime_error", "seen")}


@pytest.mark.parametrize("compiler_flags", [SANITIZED, ["-O2"]], ids=["sanitized", "optimized"])
def test_coroutines_that_hop_threads_keep_their_own_parents(library, tmp_path, compiler_flags):
    program = compiled(PROGRAMS / "cpp_coroutine.cpp", tmp_path / "program", "-std=c++20", *compiler_flags,
                       language="c++")
    run([program, tmp_path / "offline"], environment=client_environment(tmp_path))
    found = calls(tmp_path / "offline", "coroutines")
    answers = {call["id"]: call["inputs"]["question"] for call in found if call["op_name"] == "answer"}
    searches = [call for call in found if call["op_name"] == "search"]
    assert len(answers) == 8 and len(searches) == 16
    assert all(answers[call["parent_id"]] == call["inputs"]["question"] for call in searches)
    assert {call["parent"] for call in found if call["op_name"] == "log"} == {"search"}
