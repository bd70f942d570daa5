"""What was acknowledged is kept, whenever a process is killed: writers in three languages and those that recover."""
import pytest

from killing.states import STATES


def nothing(problems):
    assert not problems, "\n".join([f"{len(problems)}, the first ones:", *problems[:10]])


def test_every_acknowledged_record_is_found_exactly_once_and_none_twice(campaign):
    nothing(campaign.problems["exactly once"])


def test_writers_and_recoverers_meet_no_error(campaign):
    nothing(campaign.problems["errors"])


def test_after_recovery_every_data_file_is_whole(campaign):
    nothing(campaign.problems["whole files"])


def test_after_recovery_no_journal_is_left_and_nothing_was_damaged(campaign):
    nothing(campaign.problems["journals"])


def test_there_were_enough_kills_and_records(campaign):
    assert campaign.kills >= campaign.wanted >= 1
    assert campaign.acknowledged > 50 * campaign.kills


@pytest.mark.parametrize("group", sorted({state.split(":")[0] for state in STATES}))
def test_kills_hit(campaign, group):
    assert sum(campaign.states[state] for state in STATES if state.startswith(group))


@pytest.mark.parametrize("language", ["c", "go", "python"])
@pytest.mark.parametrize("role", ["writer", "recoverer"])
def test_kills_hit_a_process_in(campaign, language, role):
    assert campaign.of[f"{language} {role}"]
