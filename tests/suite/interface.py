"""The C interface as data, read from the header: for tests that hold for every function, also those to come."""
import re
import typing

from harness import INCLUDE

# A valid value for each text, by the name of its parameter; ENVIRONMENT stands at the beginning of a probe.
TEXTS = {
    "project_name": '"probe"', "offline_dir": "offline_dir", "op_name": '"op"', "inputs_json": '"{}"',
    "output_json": '"1"', "calls_json": '"[{\\"op_name\\": \\"a\\"}]"', "value_json": '"{}"', "rows_json": '"[{}]"',
    "row_json": '"{}"', "dataset_ref": "dataset", "target": "weave_call_id(call)", "call_id": "weave_call_id(call)",
    "payload_json": '"{}"', "refs_json": "NULL", "options_json": "NULL", "emoji": '"👍"', "key": '"k"',
    "context": "weave_call_context(call)", "summary_json": '"{}"', "usage_json": '"{}"', "attributes_json": '"{}"',
    "request_json": '"{}"', "path": '"/calls/read"', "value": '"1"', "filename": '"a.txt"',
    "journal": '"auto"', "when_full": '"block"', "quota_policy": '"refuse"', "mimetype": '"text/plain"', "api_key": "NULL",
    "kind": '"calls"', "to_file": "fresh()",
}
HANDLES = {"weave_client": "client", "weave_options": "options", "weave_call": "call",
           "weave_call_options": "call_options", "weave_json": "json", "weave_record": "NULL", "weave_stop": "stop"}
NUMBERS = {"int64_t": "1", "int32_t": "1", "uint64_t": "1", "double": "1", "bool": "true"}
PLACES = {"weave_client **": "&other_client", "weave_call **": "&other_call", "char **": "&text"}
ENVIRONMENT = r"""
#include <stdio.h>
#include <weave.h>

static void report(const char *function, const char *parameter, int status) {
    char text[512] = "";
    weave_last_error(text, sizeof text);
    printf("%s\t%s\t%d\t%s\n", function, parameter, status, text);
}

/* A file that does not exist yet. */
static const char *fresh(void) {
    static char path[64];
    static int number;
    snprintf(path, sizeof path, "fresh-%d", number++);
    return path;
}

int main(int argc, char **argv) {
    (void)fresh;
    const char *offline_dir = argc > 1 ? argv[1] : "";
    weave_options *options = weave_options_new();
    weave_client *client = NULL;
    weave_call *call = NULL;
    weave_json *json = weave_json_new();
    weave_stop *stop = weave_stop_new();
    weave_call_options *call_options = weave_call_options_new();
    char *dataset = NULL, *text = NULL;
    weave_client *other_client = NULL;
    weave_call *other_call = NULL;
    (void)json, (void)stop, (void)call_options, (void)text, (void)other_client, (void)other_call;
    int ready = weave_options_set_offline(options, true) == WEAVE_OK &&
                weave_options_set_offline_dir(options, offline_dir) == WEAVE_OK &&
                weave_init("probe", options, &client) == WEAVE_OK &&
                weave_call_start(client, "op", NULL, 0, NULL, &call) == WEAVE_OK &&
                weave_dataset_create(client, "d", NULL, "[{}]", -1, &dataset) == WEAVE_OK;
    if (!ready) {
        report("ready", "", -1);
        return 1;
    }
"""


class Function(typing.NamedTuple):
    name: str
    result: str
    parameters: list  # of (type, name)
    notes: dict  # parameter → what its comment says


def functions():
    """Every function of the header, in its order."""
    header, found = (INCLUDE / "weave.h").read_text(), []
    for comment, result, name, inside in re.findall(
            r"/\*\*((?:(?!\*/).)*)\*/\n([\w ]+?[ *]+)(weave_\w+)\(([^()]*)\);", header, re.DOTALL):
        split = [re.fullmatch(r"(.*?)(\w+)", " ".join(one.split())).groups() for one in inside.split(",")]
        notes = re.findall(r"@param (\w+) ((?:(?!@).)*)", comment, re.DOTALL)
        found.append(Function(name, " ".join(result.replace("WEAVE_NODISCARD", "").split()),
                              [] if inside == "void" else [(kind.strip(), word) for kind, word in split],
                              dict(notes)))
    return found


def call(function, change):
    """The call of a function in C with valid values, but what `change` gives by the name of a parameter."""
    values = [change.get(name) or valid(function, kind, name) for kind, name in function.parameters]
    return f"{function.name}({', '.join(values)})"


def null(kind):
    """The value that a probe of NULLs passes: a length that makes C look for the NUL, and NULL or 0 otherwise."""
    return "-1" if kind == "ptrdiff_t" else "0" if "*" not in kind and not kind.endswith("_fn") else "NULL"


def valid(function, kind, name):
    """A value that the function takes."""
    if kind == "const char *":
        formats = {"weave_audio_create": '"wav"', "weave_image_create": '"png"'}
        if name == "project_name" and function.name.startswith(("weave_rejected", "weave_verify")):
            return "NULL"  # the default directory has no project
        return formats.get(function.name, '"x"') if name == "format" else TEXTS.get(name, '"x"')
    if kind == "const void *":
        return '"\\x89PNG"'
    if kind == "ptrdiff_t":
        return "4" if ("const void *", "data") in function.parameters else "-1"
    if kind in NUMBERS:
        return "-1" if name == "timeout_ms" else NUMBERS[kind]
    handle = re.sub(r"const | ?\*", "", kind)
    return PLACES.get(kind) or (HANDLES[handle] if handle in HANDLES else null(kind))
