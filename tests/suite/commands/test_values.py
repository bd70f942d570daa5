"""What is hard to carry into C and into JSON: every binding carries it whole, or says with the library's text what is
wrong with it, and goes on."""
import json

import pytest
from scenario import same

from commands import session
from commands.driver import Command

VALUES = {
    "empty": {"text": "", "list": [], "object": {}}, "none": None, "yes": True, "no": False,
    "text": "Zürich 東京 😀 \"quoted\" \\ /\t\u0001\u007f", "nul": "a\0b", "nan": None, "infinite": None,
    "beyond_doubles": 2**53 + 1, "largest": 2**63 - 1, "smallest": -2**63, "unsigned": 2**64 - 1,
    "half": 0.5, "least": 5e-324, "keys": {"": 1, "with space": 2, "ключ": 3}, "long": "x" * 1_000_000,
}
# Inputs as they are logged, and as they are stored.
TEXTS = {
    "empty": ("{}", {}),
    "a NUL inside a text": (r'{"nul": "a\u0000b"}', {"nul": "a\0b"}),
    "every script": ('{"text": "Ünïcödé 東京 😀 עברית"}', {"text": "Ünïcödé 東京 😀 עברית"}),
    "numbers beyond doubles": ('{"n": [9007199254740993, 123456789012345678901234567890, 1.0]}',
                               {"n": [9007199254740993, 123456789012345678901234567890, 1.0]}),
    "numbers that JSON lacks": ('{"n": [NaN, Infinity, -Infinity]}', {"n": [None, None, None]}),
    "lone surrogates": (r'{"text": "a\ud800b"}', {"text": "a\ufffdb"}),
    "what looks like a reference": ('{"text": "weave:///nothing"}', {"text": " weave:///nothing"}),
    "100 lists": ('{"deep": ' + "[" * 100 + "]" * 100 + "}", {"deep": json.loads("[" * 100 + "]" * 100)}),
    "spaces and lines between": ('{\n\t"a" :\r\n [ 1 , 2 ] }', {"a": [1, 2]}),
    "five megabytes": ('{"text": "' + "x" * 5_000_000 + '"}', {"text": "x" * 5_000_000}),
}
# Lines that are refused: the verb, its fields, the status and what the text names.
REFUSED = {
    "inputs that are no UTF-8": (["log", "op", b'{"text": "\xff"}', ""], 2, "inputs"),
    "an output that is no UTF-8": (["log", "op", "", b'"\xc3"'], 2, "output"),
    "an op that is no UTF-8": (["log", b"o\xffp", "", ""], 2, "op"),
    "a message that is no UTF-8": (["fail", "live", "Error", b"\xff"], 2, "message"),
    "inputs that are no JSON": (["log", "op", '{"a": ', ""], 3, "inputs"),
    "inputs that are no object": (["log", "op", "[1]", ""], 3, "inputs"),
    "an output that is no JSON": (["end", "live", "nothing"], 3, "output"),
    "too deep": (["log", "op", '{"deep": ' + "[" * 5000 + "]" * 5000 + "}", ""], 6, "inputs"),
    "too large": (["log", "op", '{"text": "' + "x" * (32 << 20) + '"}', ""], 7, "servers take at most"),
    "an op without a name": (["log", "", "", ""], 4, "op"),
    "an op with too long a name": (["start", "other", "o" * 129, "", ""], 4, "op"),
    "an object without a name": (["object", "", "1"], 4, "name"),
    "a row that is no object": (["table", "[1]"], 3, "rows"),
    "a target that is none": (["note", "nothing", "text"], 5, "target"),
    "an image of no format": (["image", "docx", "x"], 1, "format"),
    "a call of a batch without an op": (["batch", '[{"op_name": "a"}, {}]'], 4, "calls[1]"),
}


def test_values_of_the_language_are_stored_exactly(opened, traces):
    with opened() as process:
        process.ask("values")
        process.ask("finish")
    (call,) = session.calls(traces).values()
    inputs, bottom = dict(call["inputs"]), call["inputs"]["deep"]
    for _ in range(100):
        (bottom,) = bottom
    assert bottom == "bottom" and inputs.pop("deep")
    same(inputs, VALUES)


@pytest.mark.parametrize("text", TEXTS)
def test_json_text_is_stored_as_it_stands(opened, traces, text):
    given, kept = TEXTS[text]
    with opened() as process:
        process.ask("log", "op", given, "")
        process.ask("finish")
    same(session.calls(traces)["op"]["inputs"], kept)


@pytest.fixture(scope="module")
def told(started, tmp_path_factory):
    """told(language) is the error that each line of REFUSED is answered with."""
    done = {}

    def ask(language):
        if language not in done:
            home = tmp_path_factory.mktemp("refused")
            with Command(started(language), home) as process:
                process.ask("init", "team/project", f"offline_dir={home}/traces")
                process.ask("start", "live", "live", "", "")
                done[language] = {case: process.refusal(*line) for case, (line, _, _) in REFUSED.items()}
                process.ask("end", "live", "1")
                process.ask("finish")
            done[language]["traces"] = home / "traces"
        return done[language]

    return ask


def test_what_cannot_be_logged_is_refused_with_the_status_of_the_library_and_a_text_that_names_it(told, language):
    for case, (_, status, words) in REFUSED.items():
        refused = told(language)[case]
        assert (refused.status, words in refused.text) == (status, True), f"{case}: {refused}"


def test_nothing_of_what_was_refused_is_kept_and_the_session_goes_on(told, language):
    traces = told(language)["traces"]
    assert list(session.calls(traces)) == ["live"]
    assert session.others(traces, {}) == []


def test_a_nul_in_a_name_is_refused(opened, traces, language):
    if language == "c":
        pytest.skip("a text of C ends there")
    with opened() as process:
        assert process.refusal("log", "a\0b", "", "").status == 1
        process.ask("finish")
    assert session.calls(traces) == {}
