"""JSON that is text already: it is logged as it stands, and checked."""
import json

import libweave as weave
import pytest
from libweave._values import to_json


@pytest.mark.parametrize("text", ['{"b": 1.50, "a": "\\u00e9"}', b'{"b": 1.50, "a": "\\u00e9"}'], ids=["text", "bytes"])
def test_inputs_and_output_are_handed_on_as_they_stand(recorded, text):
    assert to_json(weave.RawJSON(text), None) == b'{"b": 1.50, "a": "\\u00e9"}'
    weave.log_call("f", weave.RawJSON(text), weave.RawJSON("[1, 2.50]"))
    call = recorded.call("f")
    assert (call["inputs"], call["output"]) == ({"b": 1.5, "a": "é"}, [1, 2.5])


def test_a_part_of_a_value_stands_in_it_as_it_is(recorded):
    value = {"raw": weave.RawJSON("[1.50]"), "set": {3}, "list": [weave.RawJSON('"x"')]}
    assert to_json(value, None) == b'{"raw":[1.50],"set":"{3}","list":["x"]}'


def test_an_op_may_take_and_answer_it(recorded):
    @weave.op
    def f(question):
        return weave.RawJSON('{"answer": 1}')

    f(weave.RawJSON('{"q": "?"}'))
    call = recorded.call("f")
    assert (call["inputs"], call["output"]) == ({"question": {"q": "?"}}, {"answer": 1})


def test_objects_tables_datasets_and_batches_take_it(recorded):
    client, rows = weave.get_client(), weave.RawJSON('[{"q": 1}]')
    assert client.create_object("o", weave.RawJSON('{"a": 1}')).digest == client.create_object("p", {"a": 1}).digest
    assert client.create_table(rows).digest == client.create_table([{"q": 1}]).digest
    dataset = client.create_dataset("d", rows)
    assert client.dataset_row_ref(dataset, weave.RawJSON('{"q":1}')) == client.dataset_row_ref(dataset, {"q": 1})
    assert client.log_calls(weave.RawJSON('[{"op_name": "a"}, {"op_name": "b"}]')) == 2


def test_attributes_take_it_also_below_others(recorded):
    with weave.attributes({"env": "test"}):
        weave.log_call("f", attributes=weave.RawJSON('{"own": 1}'))
    attributes = recorded.call("f")["attributes"]
    assert (attributes["env"], attributes["own"]) == ("test", 1)


def test_none_of_it_is_nothing_given(recorded):
    weave.log_call("f", weave.RawJSON(""), weave.RawJSON(""))
    call = recorded.call("f")
    assert call["inputs"] == {} and "output" not in call


def test_lines_and_lone_surrogates_in_it_are_repaired(recorded):
    weave.log_call("f", weave.RawJSON('{\n  "text": "a\ud800b",\n  "nan": NaN\n}'))
    assert recorded.call("f")["inputs"] == {"text": "a\ufffdb", "nan": None}


@pytest.mark.parametrize("text", ["{", '{"a": 1}\0', b"\xff", "[1]"])
def test_what_is_no_object_of_json_is_refused_as_inputs(recorded, text):
    with pytest.raises(weave.InvalidError, match="inputs"):
        weave.log_call("f", weave.RawJSON(text))


@pytest.mark.parametrize("text", ["", "{", '1, "more": 2', "1\0", b"\xff"])
def test_what_is_not_one_value_is_refused_inside_of_others(recorded, text):
    with pytest.raises(weave.InvalidError, match="RawJSON"):
        weave.log_call("f", {"raw": weave.RawJSON(text)})


def test_media_are_stored_for_programs_that_write_their_own_json(recorded):
    client = weave.get_client()
    for media in (weave.Image(b"PNG", "png"), weave.Audio(b"RIFF", "wav"), weave.Content(b"%PDF", "a.pdf")):
        stands_for_it = json.loads(client.create_media(media).encoded)
        assert stands_for_it == json.loads(to_json(media, client)) and stands_for_it["files"]
