"""The C interface: what every function does with NULL and with texts that are not UTF-8, what is told about an error,
how a fault inside the library stays there, and what the sanitizer and valgrind say of programs."""
import json
import re
import shutil

import interface
import pytest
import scenario
from harness import ROOT, SUITE, client_environment, compiled, lines, log_session, run

# They need a server, or are there to fail.
NEED_MORE = ("weave_sync", "weave_query", "weave_panic_for_test")
# NULL stands for the default directory.
MEANT = ("weave_clean_synced_files", "weave_directory_stats", "weave_rejected_list", "weave_rejected_retry",
         "weave_rejected_drop", "weave_verify", "weave_clean_preview")
INVALID_ARGUMENT, INVALID_UTF8, INCOMPLETE = 1, 2, 17

SANITIZE = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


@pytest.fixture
def probe(compile_c, tmp_path):
    """probe(statements) compiles and runs statements of C among handles of every kind; (function, parameter) → (status,
    text of the error)."""
    def ask(statements):
        source = tmp_path / "probe.c"
        source.write_text(interface.ENVIRONMENT + "\n".join(f"    {one}" for one in statements) + "\n    return 0;\n}\n")
        (tmp_path / ".weave" / "offline").mkdir(parents=True)  # what NULL stands for
        done = run([compile_c(source), tmp_path / "offline"], cwd=tmp_path,
                   environment={**client_environment(tmp_path), "WEAVE_OFFLINE": "true"})
        rows = [line.split("\t", 3) for line in done.stdout.splitlines()]
        return {(function, parameter): (int(status), text) for function, parameter, status, text in rows}

    return ask


def refused(parameter, answer, status):
    """Whether the answer has this status and its text begins with the parameter: `inputs` for `inputs_json`."""
    return answer[0] == status and re.match(parameter.removesuffix("_json") + r"(_json)?\b", answer[1])


def test_null_everywhere_is_an_invalid_argument(probe):
    statements, expected = [], {}
    for function in interface.functions():
        one = interface.call(function, {name: interface.null(kind) for kind, name in function.parameters})
        if function.name in NEED_MORE:
            continue
        if function.result == "weave_status":
            statements.append(f'report("{function.name}", "", {one});')
            expected[function.name, ""] = 0 if function.name in MEANT else INVALID_ARGUMENT
        else:
            statements.append(f"{one};" if function.result == "void" else f"(void)({one} == 0);")
    assert {key: status for key, (status, _) in probe(statements).items()} == expected


def test_null_is_refused_by_name_wherever_the_header_does_not_offer_it(probe):
    statements, offered = [], {}
    closing = ["weave_call_end", "weave_finish"]  # after them, handles are of no use
    functions = [one for one in interface.functions() if one.result == "weave_status" and one.name not in NEED_MORE]
    for function in sorted(functions, key=lambda one: closing.index(one.name) + 1 if one.name in closing else 0):
        for kind, name in function.parameters:
            output = "**" in kind or kind in ("char *", "uint64_t *", "void *")
            if kind.endswith("*") and not output and "weave_record *" not in dict(function.parameters):
                statements.append(f'report("{function.name}", "{name}", {interface.call(function, {name: "NULL"})});')
                offered[function.name, name] = re.search(r"NULL(?! inside)|none", function.notes[name])
    answers = probe(statements)
    assert len(answers) == len(statements) > 120
    wrong = {key: answer for key, answer in answers.items()
             if not (answer[0] == 0 if offered[key] else refused(key[1], answer, INVALID_ARGUMENT))}
    assert not wrong, "\n".join(map(str, wrong.items()))


def test_every_text_must_be_utf8_and_the_error_names_its_parameter(probe):
    statements = []
    for function in interface.functions():
        if "weave_record *" in dict(function.parameters):
            continue  # a filter alone has one
        for kind, name in function.parameters:
            if kind == "const char *" and (function.name, name) != ("weave_query", "request_json"):  # nor read offline
                bad = interface.call(function, {name: '"\\xff"'})
                statements.append(f'report("{function.name}", "{name}", {bad});')
    answers = probe(statements)
    assert len(answers) == len(statements) > 80
    wrong = {key: answer for key, answer in answers.items() if not refused(key[1], answer, INVALID_UTF8)}
    assert not wrong, "\n".join(map(str, wrong.items()))


def test_a_fault_inside_the_library_stays_there(compile_c, tmp_path):
    program = compile_c(SUITE / "programs" / "fault.c")
    done = run([program, tmp_path / "offline"], environment=client_environment(tmp_path))
    assert (done.stdout, done.stderr) == ("contained\n", "")
    calls = [json.loads(line)["data"] for line in lines(tmp_path / "offline", "*/*/calls/*.jsonl.gz")]
    assert sorted(call.get("start", call)["op_name"] for call in calls) == ["in another session",
                                                                            "live before the fault",
                                                                            "logged before the fault"]


def test_the_text_of_an_error_belongs_to_the_thread_that_made_it(compile_c, tmp_path):
    program = compile_c(SUITE / "programs" / "threads.c")
    done = run([program, tmp_path / "offline"], environment=client_environment(tmp_path))
    assert done.stdout == "4 threads were told of their own errors\n"


def test_threads_are_cancelled_only_outside_of_the_library(compile_c, tmp_path):
    program = compile_c(SUITE / "programs" / "cancelled.c")
    accepted = run([program, tmp_path / "offline"], environment=client_environment(tmp_path)).stdout.split()
    stored = [json.loads(line)["data"]["id"] for line in lines(tmp_path / "offline", "*/*/calls/*.jsonl.gz")]
    assert len(accepted) >= 4000 and sorted(stored) == sorted(accepted)


def test_quickstart_logs_its_call(compile_c, tmp_path):
    program = compile_c(ROOT / "examples" / "quickstart.c")
    done = run([program], environment={**client_environment(tmp_path), "WEAVE_OFFLINE_DIR": str(tmp_path / "here")})
    (record,) = map(json.loads, lines(tmp_path / "here", "*/*/calls/*.jsonl.gz"))
    assert record["data"]["op_name"] == "greet"
    assert done.stdout == f"call {record['data']['id']} of offline/quickstart is in {tmp_path / 'here'}\n"


def test_sync_prints_the_results_of_a_sync_that_ends_with_errors(session, sync, server, tmp_path):
    shutil.copytree(session("c")[0], tmp_path / "offline")
    results = sync(tmp_path / "offline", server("--reject-marker", "00340434161094042557"), status=INCOMPLETE)
    (counts,) = results.values()
    assert counts["calls"] == [len(scenario.CALLS) - 1, 1]


@pytest.mark.parametrize("language", ["c", "c++"])
def test_the_address_sanitizer_finds_no_fault_in_the_example(language, library, tmp_path):
    source = ROOT / "examples" / {"c": "agent.c", "c++": "agent.cpp"}[language]
    program = compiled(source, tmp_path / "agent", *SANITIZE, language=language)
    assert log_session([program], tmp_path / "offline", "sanitized")


@pytest.mark.parametrize("wrong, report", [("freed", "heap-use-after-free"), ("small", "stack-buffer-overflow"),
                                           ("leak", "LeakSanitizer: detected memory leaks")])
def test_the_address_sanitizer_sees_wrong_use_of_the_library(compile_c, tmp_path, wrong, report):
    program = compile_c(SUITE / "programs" / "wrong_use.c", *SANITIZE)
    done = run([program, tmp_path / "offline", wrong], environment=client_environment(tmp_path), status=1)
    assert report in done.stderr
