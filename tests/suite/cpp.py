"""What the tests of the C++ interface share: how its programs are compiled, and what they left on disk."""
import json

from harness import ENTITY, INCLUDE, ROOT, STRICT, SUITE, client_environment, compiled, lines, run  # noqa: F401

HEADERS = sorted((ROOT / "bindings/cpp/include").rglob("*.hpp"), key=str)
PROGRAMS = SUITE / "programs"
#: The warnings that careful programs turn on, beside those of the harness.
WARNINGS = [*STRICT, "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Wold-style-cast"]
FLAGS = ["-std=c++17", *WARNINGS, f"-I{INCLUDE}", f"-I{ROOT / 'bindings/cpp/include'}"]
SANITIZED = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def session(directory, name, *flags):
    """Compile a program of this suite and run it with an offline directory, which is answered. It must print what it
    does when all that it checks is so, and nothing else."""
    program = compiled(PROGRAMS / name, directory / "program", *WARNINGS, *flags, language="c++")
    done = run([program, directory / "offline"], environment=client_environment(directory))
    assert (done.stdout, done.stderr) == ("as promised\n", "")
    return directory / "offline"


def calls(offline_dir, project):
    """The calls of a project, each as one dictionary of what its start and its end say, in the order of their starts.
    `parent` is the op name of the parent."""
    found = {}
    for line in lines(offline_dir, f"team/{project}/calls/*.jsonl.gz"):
        data = json.loads(line)["data"]
        data = data.get("start") or data.get("end") or data
        found.setdefault(data["id"], {}).update(data)
    named = [call for call in found.values() if "op_name" in call]
    for call in named:
        call["parent"] = found[call["parent_id"]]["op_name"] if call.get("parent_id") in found else None
    return sorted(named, key=lambda call: call["started_at"])


def failure(call):
    """The type and text of the exception that a call failed with."""
    exception = json.loads(call["exception"])
    return exception["type"], exception["message"]
