"""What a program hears of a session that sends by itself."""
import logging
import queue

import libweave as weave
import pytest
from libweave import _native


@pytest.fixture
def heard():
    """The records of the logger, as they come."""
    records = queue.SimpleQueue()
    handler = logging.Handler(logging.DEBUG)
    handler.emit = records.put
    logger = logging.getLogger("libweave")
    logger.addHandler(handler)
    yield records
    logger.removeHandler(handler)


@pytest.fixture
def opened(server, tmp_path):
    """opened(…) opens a session that sends when it is flushed."""
    clients = []

    def open_one(**settings):
        settings = {"send_interval": 3600, **server.settings, **settings}
        clients.append(weave.Client("team/project", offline_dir=tmp_path, **settings))
        return clients[-1]

    yield open_one
    for client in clients:
        client.finish()


def refuse(body):
    return 400, {"detail": "not now"}


def test_a_failure_in_the_background_is_told_to_the_logger(opened, server, heard):
    server.answers["/v2/team/project/calls/complete"] = refuse
    opened(send_interval=0.1).log_call("f")
    record = heard.get(timeout=60)
    assert record.levelno == logging.WARNING and "sending team/project" in record.getMessage()


@pytest.mark.parametrize("told, level", [(1, "ERROR"), (2, "WARNING"), (3, "INFO"), (4, "DEBUG")])
def test_messages_of_the_library_keep_their_level(caplog, told, level):
    caplog.set_level(logging.DEBUG, "libweave")
    _native._tell(told, "50 % – a text".encode(), None)
    assert caplog.record_tuples == [("libweave", getattr(logging, level), "50 % – a text")]


def test_a_session_tells_what_it_sends(opened):
    seen = []
    client = opened(on_progress=lambda *told: seen.append(told))
    client.log_call("f")
    client.log_call("g")
    client.flush()
    assert seen == [("team/project", "calls", 2, 0)]


def test_what_is_told_may_put_off_the_sending(opened):
    answers = [False]
    client = opened(on_progress=lambda *told: answers.pop() if answers else None)
    for value in range(2):
        client.create_object(f"config-{value}", value)
    with pytest.raises(weave.WeaveError) as raised:
        client.flush()
    assert raised.value.status == 19


def test_a_failure_of_what_is_told_is_logged_and_the_sending_goes_on(opened, caplog):
    client = opened(on_progress=lambda *told: 1 / 0)
    for value in range(2):
        client.create_object(f"config-{value}", value)
    client.flush()
    assert caplog.text.count("ZeroDivisionError: ") == 2
