"""Many clients, threads and processes: nothing piles up, and everything is kept."""
import subprocess

from killing.campaign import build
from killing.episode import PROJECT, write_letters
from stored import Stored, acknowledged


def test_a_thousand_clients_of_one_process_leave_nothing_behind_in_it(built, told, kept, tmp_path):
    lines = told(built("many"), tmp_path / "offline", "clients")
    assert len(lines) == 1000
    kept(tmp_path / "offline", lines)


def test_thousands_of_passing_threads_leave_nothing_behind_in_the_process(built, told, kept, tmp_path):
    lines = told(built("many"), tmp_path / "offline", "threads")
    assert len(lines) == 4000 * 5
    kept(tmp_path / "offline", lines, recovers=False)


def test_clients_of_several_projects_share_the_packer_of_their_directory(built, told, kept, tmp_path):
    kept(tmp_path / "offline", told(built("many"), tmp_path / "offline", "packers"), recovers=False)


def test_clients_of_two_directories_have_no_more_than_two_packers(built, told, tmp_path):
    expected = acknowledged(told(built("many"), tmp_path, "two"))
    found = Stored(tmp_path / "first").count + Stored(tmp_path / "second").count
    assert len(expected) > 20 and found == {key: 1 for key in expected}


def test_eight_processes_in_three_languages_share_a_directory(kept, tmp_path, environment):
    commands = build(tmp_path)
    write_letters(tmp_path / "letters")
    running = [subprocess.Popen([*map(str, commands[language]), PROJECT, tmp_path / "letters", str(seed), "2", "10",
                                 "1"], stdout=subprocess.PIPE, text=True,
                                env={**environment, **commands["environment"], "WEAVE_OFFLINE": "1",
                                     "WEAVE_MAX_FILE_SIZE": "50000", "WEAVE_OFFLINE_DIR": str(tmp_path / "offline")})
               for seed, language in enumerate(["c", "go", "python", "c", "go", "python", "c", "go"])]
    told = [one.communicate(timeout=120)[0].splitlines() for one in running]
    assert [one.returncode for one in running] == [0] * 8 and all("G" in lines for lines in told)
    kept(tmp_path / "offline", [line for lines in told for line in lines], recovers=False)
