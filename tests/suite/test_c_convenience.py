"""The convenience header of C: which compilers take it, how calls end whose scope is left, and that nothing leaks."""
import json

import pytest
from harness import INCLUDE, ROOT, STRICT, SUITE, client_environment, compiled, lines, run

CONVENIENCE = ROOT / "bindings" / "c" / "include"
FLAGS = [*STRICT, "-Wshadow", "-Wconversion", "-Wsign-conversion", f"-I{INCLUDE}", f"-I{CONVENIENCE}"]
SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
LEFT = {"type": "ScopeLeft", "message": "the scope of the call was left before the call had ended"}
TOLD = ("returned: output: not JSON: ',' or ']' is missing at byte 5; pass exactly one JSON value\n"
        "went: output: not JSON: a name in double quotes is missing at byte 1; pass exactly one JSON value\n")


def compile_alone(compiler, standard, *flags, body="return 0;"):
    run([compiler, f"-std={standard}", "-x", "c++" if "++" in standard else "c", *FLAGS, *flags, "-fsyntax-only", "-"],
        input=f"#include <weave/convenience.h>\n#include <weave/convenience.h>\nint main(void) {{ {body} }}\n")


@pytest.fixture(scope="module")
def program(library, tmp_path_factory):
    """program(*flags) is the program of two units, compiled once with each set of flags."""
    made = {}

    def build(*flags):
        if flags not in made:
            made[flags] = compiled(SUITE / "programs/convenience.c", tmp_path_factory.mktemp("convenience") / "program",
                                   SUITE / "programs/convenience_second.c", f"-I{CONVENIENCE}", *flags)
        return made[flags]

    return build


@pytest.fixture(scope="module")
def told(program, tmp_path_factory):
    """What the program printed, and the calls that it left: op name → data."""
    directory = tmp_path_factory.mktemp("told")
    done = run([program(), directory / "offline"], environment=client_environment(directory))
    calls = [json.loads(line)["data"] for line in lines(directory / "offline", "*/*/calls/*.jsonl.gz")]
    return done.stdout, {call["op_name"]: call for call in calls}


@pytest.fixture
def printed(told):
    return told[0]


@pytest.fixture
def calls(told):
    return told[1]


def exception(call):
    told = json.loads(call["exception"])
    return {"type": told["type"], "message": told["message"]}


@pytest.mark.parametrize("compiler, standard", [("gcc", "c11"), ("gcc", "c2x"), ("clang", "c11"), ("g++", "c++17"),
                                                ("clang++", "c++17")])
def test_the_header_compiles_alone_and_twice(compiler, standard):
    compile_alone(compiler, standard)


def test_without_the_attribute_there_is_no_scope_that_would_leak(library):
    compile_alone("gcc", "c11", "-U__GNUC__", body="""
#ifdef WEAVE_SCOPED
#error scopes would not be left
#endif
        weave_call *call = NULL;
        weave_call_leave(&call);
        return weave_call_done(&call, WEAVE_JSON([1, 2])) == WEAVE_INVALID_ARGUMENT;""")


@pytest.mark.parametrize("op", ["left at its end", "returned early", "child of an early return", "gone to a label",
                                "continued", "broken off", "left by hand"])
def test_a_call_whose_scope_is_left_before_its_end_ends_as_failed(calls, op):
    assert exception(calls[op]) == LEFT and "output" not in calls[op] and calls[op]["ended_at"]


def test_scopes_are_left_in_the_order_that_usage_rolls_up(calls):
    parent, child = calls["returned early"], calls["child of an early return"]
    assert child["parent_id"] == parent["id"] and parent["summary"]["status_counts"] == {"error": 2, "success": 0}


def test_a_call_that_is_done_or_failed_stays_so_when_its_scope_is_left(calls):
    assert calls["done by hand"]["output"] == "by hand" and "exception" not in calls["done by hand"]
    assert exception(calls["failed"]) == {"type": "TimeoutError", "message": "too late"}


def test_json_is_recorded_as_it_is_written_in_the_source(calls):
    assert calls["done"]["inputs"] == {"name": "Ada"}
    assert calls["done"]["output"] == ['Zürich \u00e9😀 "quoted" \\ /\n', -2.5e-3, None]


def test_built_json_is_refused_while_something_is_open_inside(calls):
    assert "never" not in calls and calls["built"]["inputs"] == {"sources": []}


def test_the_text_of_an_error_outlives_the_scopes_that_it_leaves(printed):
    assert printed == TOLD


def test_two_units_may_include_the_header(calls):
    assert "exception" not in calls["second unit"]


@pytest.mark.parametrize("compiler_flags", [("-O0",), ("-O2",)], ids=["plain", "optimized"])
def test_the_sanitizers_find_no_fault_in_scopes(program, tmp_path, compiler_flags):
    done = run([program(*SANITIZE, *compiler_flags), tmp_path / "offline"], environment=client_environment(tmp_path))
    assert done.stdout == TOLD


def test_valgrind_finds_no_fault_in_scopes(program, tmp_path):
    run(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
         program(), tmp_path / "offline"], environment=client_environment(tmp_path), timeout=600)
