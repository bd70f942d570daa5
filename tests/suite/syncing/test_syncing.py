"""What was accepted is on the server once, however often the syncer is killed, whatever becomes of its requests, while
programs log."""
import pytest

from syncing.states import STATES

# Steps that need a fault which few episodes have.
RARE = {"setting aside"}


def nothing(problems):
    assert not problems, "\n".join([f"{len(problems)}, the first ones:", *problems[:10]])


def test_no_start_end_feedback_or_price_is_written_twice(campaign):
    nothing(campaign.problems["written twice"])


def test_everything_that_was_acknowledged_is_on_the_server(campaign):
    nothing(campaign.problems["lost"])


def test_calls_objects_and_feedback_are_what_was_logged_last(campaign):
    nothing(campaign.problems["content"])


def test_every_reference_leads_to_something(campaign):
    nothing(campaign.problems["references"])


def test_nothing_is_pending_in_the_end(campaign):
    nothing(campaign.problems["pending"])


def test_only_what_the_server_refuses_is_set_aside(campaign):
    nothing(campaign.problems["rejected"])


def test_every_synced_file_has_its_receipt(campaign):
    nothing(campaign.problems["receipts"])


def test_syncs_and_writers_meet_no_other_error(campaign):
    nothing(campaign.problems["errors"])


def test_both_official_clients_read_the_same(campaign):
    nothing(campaign.problems["clients"])


def test_there_were_enough_kills_and_records(campaign):
    assert campaign.kills >= campaign.wanted >= 1
    assert campaign.acknowledged > 10 * campaign.kills


@pytest.mark.parametrize("step", sorted({state.split(":")[0] for state in STATES} - RARE))
def test_kills_hit(campaign, step):
    assert sum(campaign.states[state] for state in STATES if state.startswith(step + ":"))
