"""The pages: every program on them compiles and runs, every command marked `run` works, what they show is what comes.

A block says what it is behind its language: a file name for programs (```c first.c), `run` for commands (```sh run).
The blocks of a page are taken in order in one directory that looks like a built checkout, in which the first program of
the README has run. A `text` block behind commands is their output; `…` stands for anything. `python3` is the Python of
the suite, which has DuckDB."""
import json
import os
import re
import sys

import pytest
from harness import COMMAND, ENTITY, INCLUDE, RELEASE, ROOT, client_environment, compiled, go_environment, has, run

PAGES = sorted(str(path.relative_to(ROOT)) for pattern in ("*.md", "docs/*.md", "bindings/*/README.md")
               for path in ROOT.glob(pattern))
PROGRAMS = {"c": "c", "cpp": "c", "go": "go", "python": "python", "js": "node", "ruby": "ruby", "lua": "lua"}
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
                   "PYTHONDONTWRITEBYTECODE": "1", "PATH": f"{COMMAND.parent}:{os.path.dirname(sys.executable)}:{os.environ['PATH']}"}
    environment.update({name: os.environ[name] for name in ("GOPATH", "GOCACHE", "GOMODCACHE") if name in os.environ})
    environment.setdefault("GOCACHE", os.path.expanduser("~/.cache/go-build"))
    environment.setdefault("GOPATH", os.path.expanduser("~/go"))
    if page != "README.md":
        first = next(text for _, mark, text in blocks("README.md") if mark == "first.c")
        (tmp_path / "first.c").write_text(first)
        run([compiled(tmp_path / "first.c", tmp_path / "first")], cwd=work, environment=environment)
    printed, left_out = None, set()
    for language, mark, text in blocks(page):
        if language == "text" and printed is not None:
            expected = ".*".join(re.escape(part) for part in text.strip().split("…"))
            assert re.fullmatch(expected, printed.strip(), re.DOTALL), f"{page} shows\n{text}\nand there came\n{printed}"
        printed = None
        if language in PROGRAMS and not has(PROGRAMS[language]):
            left_out.add(mark)
        elif language in PROGRAMS and mark:
            (work / mark).parent.mkdir(parents=True, exist_ok=True)
            (work / mark).write_text(text)
        elif (language, mark) == ("sh", "run") and not any(program in text for program in left_out):
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


def test_every_test_that_a_page_names_is_there():
    sources = [path for folder in ("tests", "src", "bindings") for end in ("py", "rs") for path in
               (ROOT / folder).rglob(f"*.{end}")]
    known = set(re.findall(r"\b(?:fn|def) (\w+)\(", "".join(path.read_text() for path in sources)))
    for page in ("docs/durability.md", "docs/sync.md"):
        text = (ROOT / page).read_text()
        # Names of tests are sentences.
        names = {name for name in re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+){3,})`", text) if not name.startswith("weave_")}
        places = re.findall(r"`((?:tests|src)/[\w/.]+)`", text)
        assert len(names) > 10 and places
        assert [name for name in sorted(names) if name not in known] == []
        assert [place for place in places if not (ROOT / place).exists()] == []


def test_a_record_that_can_never_be_sent_is_given_up_as_the_page_says(sync, shared_server, project, tmp_path):
    """Its line is replaced by an empty one."""
    folder = tmp_path / "traces" / ENTITY / project / "files"
    folder.mkdir(parents=True)
    data = {"project_id": f"{ENTITY}/{project}", "name": "gone.txt", "digest": "g" * 43, "size": 4}
    (folder / "20260131_0000.jsonl").write_text(json.dumps({"type": "file_create", "timestamp": "t", "data": data}))
    for counted in ([0, 1], [0, 1]):
        assert sync(tmp_path / "traces", shared_server(), status=17)[f"{ENTITY}/{project}"]["files"] == counted
    (folder / "20260131_0000.jsonl").write_text("\n")
    sync(tmp_path / "traces", shared_server())
    assert [path.name for path in folder.iterdir()] == ["20260131_0000.synced.jsonl"]
