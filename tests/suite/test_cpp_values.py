"""What values of C++ become as JSON."""
import json

import pytest
from cpp import PROGRAMS, SANITIZED, WARNINGS
from harness import compiled, run

INVALID_ARGUMENT, INVALID_UTF8, REJECTED = 1, 2, 6


def shown(directory, name, *flags):
    """name → the value that a program shows, or (number, text) of the error."""
    program = compiled(PROGRAMS / name, directory / "program", *WARNINGS, *flags, *SANITIZED, language="c++")
    found = {}
    for line in run([program]).stdout.splitlines():
        label, _, text = line.partition("\t")
        if text.startswith("error "):
            _, number, message = text.split(" ", 2)
            found[label] = int(number), message
        else:
            found[label] = json.loads(text)
    return found


@pytest.fixture(scope="module", params=["c++17", "c++20"])
def values(request, library, tmp_path_factory):
    return shown(tmp_path_factory.mktemp("values"), "cpp_values.cpp", f"-std={request.param}")


def subset(found, *names):
    return {name: found[name] for name in names}


def test_numbers_are_exact_and_what_json_has_no_number_for_is_null(values):
    assert subset(values, "bool", "null", "int8", "uint8", "largest", "smallest", "half", "long double", "nan",
                  "infinite", "enum") == {
        "bool": True, "null": None, "int8": -5, "uint8": 200, "largest": 2**64 - 1, "smallest": -2**63, "half": 0.5,
        "long double": 0.25, "nan": None, "infinite": None, "enum": 200}


def test_texts_of_every_kind_are_texts(values):
    assert subset(values, "literal", "null text", "string", "empty view", "path", "id", "utf8", "utf8 literal") == {
        "literal": 'a"b', "null text": None, "string": "a\0b", "empty view": "", "path": "/tmp/x", "id": "",
        "utf8": "Zürich", "utf8 literal": "Zürich"}


@pytest.mark.parametrize("name", ["bad text", "bad key", "bad text inside"])
def test_a_text_that_is_not_utf8_is_an_error(values, name):
    number, text = values[name]
    assert number == INVALID_UTF8 and "not UTF-8" in text


def test_a_key_is_not_cut_at_a_nul(values):
    assert values["map with NUL in a key"][0] == INVALID_ARGUMENT


def test_containers_are_arrays_and_maps_of_texts_are_objects(values):
    assert subset(values, "vector", "vector of bool", "empty vector", "array", "C array", "list of texts",
                  "deque of sets", "plane", "full texts", "map", "unordered map", "multimap", "map of numbers", "pair",
                  "tuple") == {
        "vector": [1, 2], "vector of bool": [True, False], "empty vector": [], "array": [0.5, 1.5], "C array": [7, 8],
        "plane": [[1, 2], [3, 4]], "full texts": ["ab", "c"], "multimap": [["a", 1], ["a", 2]],
        "list of texts": ["a", "b"], "deque of sets": [[1, 3], []], "map": {"": 1, "ключ": None},
        "unordered map": {"a": [1]}, "map of numbers": [[1, "one"], [2, "two"]], "pair": [1, "one"],
        "tuple": [1, True, []]}


def test_what_may_be_empty_is_null_or_what_is_in_it(values):
    assert subset(values, "optional", "nullopt", "unique", "shared", "variant", "monostate") == {
        "optional": "in it", "nullopt": None, "unique": 5, "shared": None, "variant": "text", "monostate": None}


def test_times_are_rfc_3339_in_utc_and_durations_seconds(values):
    assert subset(values, "time", "before 1970", "leap day", "last", "too late", "never", "duration", "fraction") == {
        "time": "2026-01-01T00:00:00.123456Z", "before 1970": "1969-12-31T23:59:59.999000Z",
        "leap day": "2024-02-29T00:00:00.000000Z", "last": "9999-12-31T23:59:59.000000Z", "too late": None,
        "never": None, "duration": 1.5, "fraction": 2.5e-06}


def test_types_of_the_program_convert_as_their_functions_say(values):
    assert subset(values, "object", "objects", "value", "by key", "range with its own", "silent", "raw", "nested",
                  "as inputs", "json in json") == {
        "object": {"x": 1, "y": 2}, "objects": [{"x": 1, "y": 2}, {"x": 3, "y": 4}], "value": "blue",
        "by key": {"sky": "blue"}, "range with its own": 2, "silent": None, "raw": [1, 2],
        "nested": {"number": 1, "next": {"number": 2, "next": None}}, "as inputs": {"x": 5, "y": 6, "more": "red"},
        "json in json": {"inner": {"x": 5, "y": 6, "more": "red"}, "text": [1]}}


def test_a_conversion_that_throws_ends_what_it_opened(values):
    assert values["caught"] == {**{f"half {times}": [{"before": 1, "inside": []}] for times in range(600)}, "whole": 2}


@pytest.mark.parametrize("name, number, text", [
    ("twice", INVALID_ARGUMENT, "twice"), ("unclosed", INVALID_ARGUMENT, "closes others"),
    ("circle", REJECTED, "holds itself"), ("added to one", INVALID_ARGUMENT, "one value"),
    ("moved from", INVALID_ARGUMENT, "NULL or empty")])
def test_a_mistake_in_making_json_is_an_error_that_says_so(values, name, number, text):
    assert values[name][0] == number and text in values[name][1]


def test_a_type_without_a_conversion_does_not_compile(tmp_path):
    source = tmp_path / "opaque.cpp"
    source.write_text("#include <weave.hpp>\nstruct Opaque {};\nvoid add(weave::Json &json) { json.add(Opaque()); }\n")
    with pytest.raises(AssertionError, match="this type has no conversion to JSON: give it a weave_to_json"):
        compiled(source, tmp_path / "opaque.o", "-c", language="c++")


@pytest.fixture(scope="module")
def nlohmann(library, tmp_path_factory):
    return shown(tmp_path_factory.mktemp("nlohmann"), "cpp_nlohmann.cpp")


def test_json_of_nlohmann_stays_what_it_is(nlohmann):
    assert subset(nlohmann, "json", "ordered", "binary", "nan", "depth") == {
        "json": {"a": [1, 2.5, "x", None, True], "big": 2**64 - 1, "least": -2**63},
        "ordered": {"z": 1, "a": {"n": []}}, "binary": [1, 255], "nan": None, "depth": [[[[]]]]}
    assert list(nlohmann["ordered"]) == ["z", "a"]


def test_invalid_utf8_in_json_of_nlohmann_is_an_error_and_no_exception(nlohmann):
    assert nlohmann["bad text"][0] == INVALID_UTF8 and nlohmann["bad key"][0] == INVALID_UTF8


def test_types_with_a_to_json_for_nlohmann_convert_by_it(nlohmann):
    assert subset(nlohmann, "person", "people", "enum by name", "plain enum", "own goes first") == {
        "person": {"name": "Ada", "age": 36}, "people": [{"name": "Ada", "age": 36}], "enum by name": "done",
        "plain enum": 1, "own goes first": "ours"}
