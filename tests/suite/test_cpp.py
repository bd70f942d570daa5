"""The C++ interface: its headers alone and together, what it promises about errors, scopes, threads and callbacks, and
what it leaves on disk. test_cpp_op.py, test_cpp_nesting.py and test_cpp_values.py have what their names say."""
import json
import re
import shutil
import subprocess

import interface
import pytest
from cpp import FLAGS, HEADERS, PROGRAMS, WARNINGS, session
from harness import (ENTITY, RELEASE, ROOT, MuteServer, client_environment, compiled, lines, log_session, run)

PLAIN = ["-fno-exceptions", "-fno-rtti"]
TIMEOUT, CANCELLED = 11, 19


def installed(compiler):
    """The compiler, or the failure that names what to do."""
    if shutil.which(compiler) is None:
        pytest.fail(f"{compiler} is missing: `make test-deps` names its package")
    return compiler


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_each_header_compiles_alone_and_twice(header):
    run(["c++", *FLAGS, "-fsyntax-only", "-x", "c++", "-"], input=f'#include "{header}"\n#include "{header}"\n')


@pytest.mark.parametrize("flags", [[], PLAIN], ids=["", "without exceptions and RTTI"])
@pytest.mark.parametrize("standard", ["c++17", "c++20", "c++2b"])
@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_programs_compile_without_a_warning_by_each_compiler_and_standard(compiler, standard, flags):
    run([installed(compiler), *FLAGS, f"-std={standard}", *flags, "-fsyntax-only", PROGRAMS / "cpp_plain.cpp"])


def test_a_program_of_two_units_links_and_runs_by_clang(library, tmp_path):
    installed("clang++")
    run(["clang++", *FLAGS, "-O1", PROGRAMS / "cpp_session.cpp", PROGRAMS / "cpp_second.cpp", "-o",
         tmp_path / "program", f"-L{RELEASE}", "-lweave", f"-Wl,-rpath,{RELEASE}", "-pthread"])
    done = run([tmp_path / "program", tmp_path / "offline"], environment=client_environment(tmp_path))
    assert (done.stdout, done.stderr) == ("as promised\n", "")


def test_the_interface_works_without_exceptions_and_rtti(library, tmp_path):
    session(tmp_path, "cpp_plain.cpp", *PLAIN)


def test_every_function_of_the_c_interface_is_reachable():
    text = "\n".join(header.read_text() for header in HEADERS)
    used = set(re.findall(r"\bweave_\w+", text))
    missing = {function.name for function in interface.functions()} - used
    assert missing == {"weave_status_text", "weave_panic_for_test"}


@pytest.fixture(scope="module")
def program(library, tmp_path_factory):
    """program(*flags) is the program of two source files, compiled once with each set of flags."""
    made = {}

    def build(*flags):
        if flags not in made:
            made[flags] = compiled(PROGRAMS / "cpp_session.cpp", tmp_path_factory.mktemp("cpp") / "session",
                                   PROGRAMS / "cpp_second.cpp", *WARNINGS, *flags, language="c++")
        return made[flags]

    return build


@pytest.fixture(scope="module")
def calls(program, tmp_path_factory):
    """calls(project) are the calls that the program left in its files: op name → data of start, end or both."""
    directory = tmp_path_factory.mktemp("calls")
    done = run([program(), directory / "offline"], environment=client_environment(directory))
    assert (done.stdout, done.stderr) == ("as promised\n", "")

    def read(project):
        found, names = {}, {}
        for line in lines(directory / "offline", f"team/{project}/calls/*.jsonl.gz"):
            record = json.loads(line)
            data = record["data"].get("start") or record["data"].get("end") or record["data"]
            if "op_name" in data:
                names[data["id"]] = data["op_name"]
            if data.get("id") in names:
                found.setdefault(names[data["id"]], {}).update(data)
        return found

    return read


@pytest.mark.parametrize("flags", [("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
                                   ("-O2", "-D_GLIBCXX_ASSERTIONS")], ids=["sanitized", "optimized"])
def test_the_promises_hold(program, tmp_path, flags):
    done = run([program(*flags), tmp_path / "offline"], environment=client_environment(tmp_path))
    assert (done.stdout, done.stderr) == ("as promised\n", "")


def test_a_scope_ends_its_call_however_it_is_left(calls):
    found = calls("scopes")
    assert {op for op, call in found.items() if "ended_at" not in call} == {"never ended"}
    assert found["ended"]["output"] == 1 and found["let go"]["output"] == "later"


def test_an_exception_that_passes_marks_the_call_as_failed(calls):
    failures = {op: json.loads(call["exception"]) for op, call in calls("scopes").items() if call.get("exception")}
    assert {op: (failure["type"], failure["message"]) for op, failure in failures.items()} == {
        "passed": ("exception", "a C++ exception left the scope of this call"), "told": ("OutOfPatience", "too late")}


def test_a_text_of_a_view_ends_where_the_view_does(calls):
    assert set(calls("texts")) == {"op"}


def test_children_on_threads_roll_up_into_their_parent(calls):
    summary = calls("threads")["parent"]["summary"]
    assert summary["usage"]["m"]["prompt_tokens"] == summary["usage"]["m"]["requests"] == 8 * 250
    assert summary["status_counts"] == {"success": 1 + 2 * 8 * 250, "error": 0}


def test_a_filter_drops_and_changes_records(calls):
    found = calls("callbacks")
    assert set(found) == {"changed", "outlives its client"}
    assert found["changed"]["inputs"] == {"word": "*******"}


def test_what_a_call_is_given_arrives(calls):
    call = calls("everything")["all"]
    assert call["started_at"] == "2026-01-01T00:00:00.123456Z" and call["ended_at"] == "2026-01-01T00:00:01.123456Z"
    assert call["attributes"]["weave"]["source"] == "libweave-cpp" and call["attributes"]["weave"]["kind"] == "llm"
    assert (call["attributes"]["all"], call["attributes"]["one"]) == (1, 1)
    assert call["inputs"] == {"pin": "REDACTED"} and call["exception"] == "bare"
    assert call["summary"]["own"] == 1 and set(call["summary"]["usage"]) == {"m", "n"}
    assert (call["wb_run_id"], call["wb_run_step"], call["wb_run_step_end"]) == ("team/everything/run", 1, 2)


@pytest.fixture(scope="module")
def synced(library, tmp_path_factory):
    """synced(offline_dir, server, *setting) runs a sync; its status, and the counts of calls."""
    program = compiled(PROGRAMS / "cpp_sync.cpp", tmp_path_factory.mktemp("cpp_sync") / "sync", language="c++")

    def send(offline_dir, server, *setting, **options):
        done = subprocess.run([program, offline_dir, *map(str, setting)], capture_output=True, text=True, timeout=60,
                              env=client_environment(offline_dir.parent, server), **options)
        status, _, results = done.stdout.partition(" ")
        return int(status), [kinds["calls"] for kinds in json.loads(results.strip() or "{}").values()]

    send.program = program
    return send


@pytest.fixture
def logged(library, tmp_path, project):
    """The directory of a session of the project, with several calls."""
    program = compiled(ROOT / "examples" / "agent.cpp", tmp_path / "agent", language="c++")
    log_session([program], tmp_path / "offline", f"{ENTITY}/{project}")
    return tmp_path / "offline"


def test_a_project_goes_where_it_is_mapped_to(synced, logged, shared_server, project):
    server = shared_server()
    status, (calls,) = synced(logged, server, "destination", f"{ENTITY}/{project}", f"{ENTITY}/{project}-mapped")
    count = server.post("/calls/query_stats", {"project_id": f"{ENTITY}/{project}-mapped"})["count"]
    assert (status, calls) == (0, [count, 0]) and count > 1


def test_a_sync_ends_at_its_limit_of_bytes_and_the_next_sends_the_rest(synced, logged, shared_server):
    server = shared_server()
    assert synced(logged, server, "bytes", 1)[0] == TIMEOUT
    status, (calls,) = synced(logged, server, "bytes", 1 << 30)
    assert status == 0 and calls[0] > 1 and calls[1] == 0


def test_a_sync_is_stopped_from_another_thread_amid_a_request(synced, logged, shared_server):
    with MuteServer() as mute:
        with subprocess.Popen([synced.program, logged, "stop"], env=client_environment(logged.parent, mute), text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            try:
                connection = mute.asked()
                told, _ = process.communicate("\n", timeout=20)  # a request may take longer than that
            finally:
                process.kill()
        connection.close()
    assert told.startswith(f"{CANCELLED} ")
    status, (calls,) = synced(logged, shared_server(), "bytes", 1 << 30)
    assert status == 0 and calls[0] > 1 and calls[1] == 0


def test_valgrind_finds_no_fault_in_the_example(library, tmp_path):
    program = compiled(ROOT / "examples" / "agent.cpp", tmp_path / "agent", language="c++")
    run(["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite",
         program, tmp_path / "offline", "valgrind"], environment=client_environment(tmp_path), timeout=600)


def test_quickstart_logs_a_trace_of_two_calls(compile_cpp, tmp_path):
    program = compile_cpp(ROOT / "examples" / "quickstart.cpp")
    done = run([program], environment={**client_environment(tmp_path), "WEAVE_OFFLINE_DIR": str(tmp_path / "here")})
    records = [json.loads(line)["data"] for line in lines(tmp_path / "here", "*/*/calls/*.jsonl.gz")]
    greet, look_up = sorted(records, key=lambda call: call["op_name"])
    assert look_up["parent_id"] == greet["id"] and greet["output"] == "Hello, Ada!"
    assert done.stdout == f"the trace of offline/quickstart is in {tmp_path / 'here'}\n"
