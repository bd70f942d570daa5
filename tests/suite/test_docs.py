"""The pages: every program on them compiles and runs, every command marked `run` works, what they show is what comes.

A block says what it is behind its language: a file name for programs (```c first.c), `run` for commands (```sh run).
The blocks of a page are taken in order in one directory that looks like a built checkout, in which the first program of
the README has run. A `text` block behind commands is their output; `…` stands for anything. `python3` is the Python of
the suite, which has DuckDB."""
import gzip
import os
import re
import sys

import pytest
from harness import INCLUDE, RELEASE, ROOT, client_environment, compiled, go_environment, run

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
PROGRAMS = {"c", "cpp", "go", "python"}
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """(language, mark, text) of each block of a page."""
    return [(language, mark.strip(), text) for language, mark, text in BLOCK.findall((ROOT / page).read_text())]


def checkout(directory):
    """What commands on the pages find in a checkout that is built."""
    for name in ("examples", "bindings", "docs", "scripts", "tests"):
        if (ROOT / name).exists():
            (directory / name).symlink_to(ROOT / name)
    (directory / "include").symlink_to(INCLUDE)
    (directory / "target").mkdir()
    (directory / "target" / "release").symlink_to(RELEASE)


@pytest.mark.parametrize("page", PAGES)
def test_every_program_of_a_page_is_named_and_run(page):
    marked = blocks(page)
    commands = "".join(text for language, mark, text in marked if (language, mark) == ("sh", "run"))
    for language, mark, text in marked:
        if language in PROGRAMS:
            assert mark, f"{page}: a {language} block without a file name:\n{text}"
            # A folder of Go is run as a whole.
            assert mark in commands or os.path.dirname(mark) and os.path.dirname(mark) in commands, (
                f"{page}: no command runs {mark}")


@pytest.mark.parametrize("page", [page for page in PAGES if any(mark for _, mark, _ in blocks(page))])
def test_the_programs_and_commands_of_a_page_work(page, library, shared_server, tmp_path):
    work = tmp_path / "checkout"
    work.mkdir()
    checkout(work)
    environment = {**go_environment(tmp_path), **client_environment(tmp_path, shared_server()),
                   "PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    environment.update({name: os.environ[name] for name in ("GOPATH", "GOCACHE", "GOMODCACHE") if name in os.environ})
    environment.setdefault("GOCACHE", os.path.expanduser("~/.cache/go-build"))
    environment.setdefault("GOPATH", os.path.expanduser("~/go"))
    if page != "README.md":
        first = next(text for _, mark, text in blocks("README.md") if mark == "first.c")
        (tmp_path / "first.c").write_text(first)
        run([compiled(tmp_path / "first.c", tmp_path / "first")], cwd=work, environment=environment)
    printed = None
    for language, mark, text in blocks(page):
        if language == "text" and printed is not None:
            expected = ".*".join(re.escape(part) for part in text.strip().split("…"))
            assert re.fullmatch(expected, printed.strip(), re.DOTALL), f"{page} shows\n{text}\nand there came\n{printed}"
        printed = None
        if language in PROGRAMS and mark:
            (work / mark).parent.mkdir(parents=True, exist_ok=True)
            (work / mark).write_text(text)
        elif (language, mark) == ("sh", "run"):
            printed = run(["bash", "-euo", "pipefail", "-c", text], cwd=work, timeout=600, environment=environment).stdout


def test_every_option_and_variable_is_in_the_configuration_table():
    readme = (ROOT / "README.md").read_text()
    header = (INCLUDE / "weave.h").read_text()
    options = set(re.findall(r"weave_options_(?:set_)?(\w+)\(", header)) - {"new", "free"}
    assert options and [name for name in sorted(options) if f"| `{name}`" not in readme] == []
    sources = "".join(path.read_text() for path in ROOT.glob("src/**/*.rs"))
    variables = set(re.findall(r'"((?:WEAVE|WANDB|WF|SSL|REQUESTS)_[A-Z_]+|[A-Z]+_PROXY)"', sources))
    variables -= set(re.findall(r"\bWEAVE_[A-Z_0-9]+(?= = \d+,)", header))
    assert "WANDB_API_KEY" in variables and [name for name in sorted(variables) if f"`{name}`" not in readme] == []


def test_every_record_type_and_field_of_a_call_is_described():
    page = (ROOT / "docs/records.md").read_text()
    kinds, call = ((ROOT / "src/record" / name).read_text() for name in ("kind.rs", "call.rs"))
    types = re.findall(r'=> "(\w+_\w+|writer|project)",', kinds)
    fields = re.findall(r'\(b",\\"(\w+)\\":", Shape', call)
    assert len(types) == 12 and len(fields) == 18
    assert [name for name in types + fields if f"`{name}`" not in page] == []


def test_a_refused_record_can_be_given_up_as_the_page_on_the_sync_says(compile_c, sync, server, tmp_path):
    """Its line is replaced by an empty one."""
    program = next(text for _, mark, text in blocks("README.md") if mark == "first.c").replace("Ada", "Refused")
    (tmp_path / "refused.c").write_text(program)
    run([compile_c(tmp_path / "refused.c")], cwd=tmp_path)
    server = server("--reject-marker", "Refused")
    (counts,) = sync(tmp_path / "traces", server, status=17).values()
    assert counts["calls"] == [0, 1]
    (file,) = (tmp_path / "traces").glob("*/*/calls/*.jsonl.gz")
    file.write_bytes(gzip.compress(b"\n"))
    sync(tmp_path / "traces", server)
    assert [path.name for path in file.parent.iterdir()] == [file.name.replace(".jsonl", ".synced.jsonl")]
