"""Each command in a folder that is no offline directory, and in one that may become one."""
import pytest

ID = "0197a3b2-0000-7000-8000-000000000000"
COMMANDS = ["status", "sync", "ls", f"show {ID}", "export --jsonl -", "pack stick", "rejected list", "rejected retry", "verify",
            "clean --older-than 0s", "fsck", "fsck --repair"]


@pytest.mark.parametrize("line", [*COMMANDS, "tail"])
def test_in_somebodys_own_folder_nothing_is_done_and_nothing_is_made(weave, offline_dir, line):
    mine = offline_dir / "web/app/files/thesis.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    done = weave(*line.split(), status=2)
    assert done.stderr == (f"weave: {offline_dir} is no offline directory: no program has logged to it; "
                           "give another with -d\n")
    assert done.stdout == ""
    assert [path for path in offline_dir.rglob("*") if path.is_file()] == [mine]


@pytest.mark.parametrize("line", COMMANDS)
def test_in_an_empty_directory_each_says_that_there_is_nothing(weave, offline_dir, line):
    offline_dir.mkdir()
    done = weave(*line.split(), status=2 if line.startswith("show") else 0)
    assert done.stdout + done.stderr != ""


@pytest.mark.parametrize("line", [*COMMANDS, "tail"])
def test_without_a_directory_each_says_so(weave, offline_dir, line):
    done = weave(*line.split(), status=2)
    assert (done.stdout, done.stderr) == ("", f"weave: offline_dir: there is no directory {offline_dir}; give the directory that "
                                          "the programs logged to\n")
