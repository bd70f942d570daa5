/* Scopes that are left in every way, with live calls in them, and what else weave/convenience.h promises. Argument: the
 * offline directory. Its second unit is convenience_second.c. */
#include "check.h"

#include <weave/convenience.h>

weave_status told_from_the_second_unit(weave_client *client, const char *op_name);

static weave_status reaches_its_end(weave_client *client) {
    WEAVE_SCOPED(call) weave_call *call = NULL;
    WEAVE_TRY(weave_call_start(client, "left at its end", WEAVE_NONE, NULL, &call));
    return WEAVE_OK;
}

static weave_status ends_by_itself(weave_client *client) {
    WEAVE_SCOPED(call) weave_call *call = NULL;
    WEAVE_TRY(weave_call_start(client, "done", WEAVE_JSON({"name": "Ada"}), NULL, &call));
    WEAVE_TRY(weave_call_done(&call, WEAVE_JSON(["Zürich \u00e9\ud83d\ude00 \"quoted\" \\ \/\n", -2.5e-3, null])));
    CHECK(call == NULL);
    return WEAVE_OK;
}

static weave_status says_what_failed(weave_client *client) {
    WEAVE_SCOPED(call) weave_call *call = NULL;
    WEAVE_TRY(weave_call_start(client, "failed", WEAVE_NONE, NULL, &call));
    WEAVE_TRY(weave_call_fail(&call, "TimeoutError", "too late"));
    CHECK(call == NULL);
    return WEAVE_OK;
}

/* The parent's output is refused, so that its scope is left with the child still in it. */
static weave_status returns_early(weave_client *client) {
    WEAVE_SCOPED(call) weave_call *parent = NULL, *child = NULL;
    WEAVE_TRY(weave_call_start(client, "returned early", WEAVE_NONE, NULL, &parent));
    WEAVE_TRY(weave_call_start_child(client, parent, "child of an early return", WEAVE_NONE, &child));
    WEAVE_TRY(weave_call_done(&parent, WEAVE_TEXT("[1, 2")));
    CHECK(!"reached");
    return WEAVE_OK;
}

static weave_status goes_to_a_label(weave_client *client) {
    weave_status status = WEAVE_OK;
    {
        WEAVE_SCOPED(call) weave_call *call = NULL;
        WEAVE_TRY_GOTO(status, weave_call_start(client, "gone to a label", WEAVE_NONE, NULL, &call), failed);
        WEAVE_TRY_GOTO(status, weave_call_done(&call, WEAVE_TEXT("{1}")), failed);
        CHECK(!"reached");
    }
failed:
    return status;
}

static weave_status breaks_and_continues(weave_client *client) {
    for (int round = 0; round < 2; ++round) {
        WEAVE_SCOPED(call) weave_call *call = NULL;
        WEAVE_TRY(weave_call_start(client, round == 0 ? "continued" : "broken off", WEAVE_NONE, NULL, &call));
        if (round == 0) continue;
        break;
    }
    return WEAVE_OK;
}

/* Without the attribute: the same functions, called by hand. */
static weave_status left_by_hand(weave_client *client) {
    weave_call *done = NULL, *left = NULL;
    weave_status status = WEAVE_OK;
    WEAVE_TRY_GOTO(status, weave_call_start(client, "done by hand", WEAVE_NONE, NULL, &done), failed);
    WEAVE_TRY_GOTO(status, weave_call_start(client, "left by hand", WEAVE_NONE, NULL, &left), failed);
    WEAVE_TRY_GOTO(status, weave_call_done(&done, WEAVE_JSON("by hand")), failed);
failed:
    weave_call_leave(&left);
    weave_call_leave(&done);
    CHECK(left == NULL && done == NULL);
    return status;
}

static weave_status gives_built_json(weave_client *client) {
    WEAVE_SCOPED(json) weave_json *inputs = weave_json_new();
    WEAVE_TRY(weave_json_open_array(inputs, "sources"));
    CHECK(weave_log_call(client, "never", WEAVE_BUILT(inputs), WEAVE_NONE, NULL, NULL) == WEAVE_INVALID_JSON);
    WEAVE_TRY(weave_json_close(inputs));
    return weave_log_call(client, "built", WEAVE_BUILT(inputs), WEAVE_JSON(), NULL, NULL);
}

static weave_status holds_one_of_each(weave_client *client) {
    WEAVE_SCOPED(options) weave_options *options = weave_options_new();
    WEAVE_SCOPED(call_options) weave_call_options *call_options = weave_call_options_new();
    WEAVE_SCOPED(json) weave_json *json = weave_json_new_array();
    WEAVE_SCOPED(stop) weave_stop *stop = weave_stop_new();
    WEAVE_SCOPED(string) char *ref = NULL;
    WEAVE_TRY(weave_options_set_stop(options, stop));
    WEAVE_TRY(weave_object_create(client, "object", WEAVE_BUILT(json), &ref));
    return weave_call_options_set_kind(call_options, "tool");
}

static weave_status session(const char *offline_dir) {
    WEAVE_SCOPED(options) weave_options *options = weave_options_new();
    WEAVE_TRY(weave_options_set_offline(options, true));
    WEAVE_TRY(weave_options_set_offline_dir(options, offline_dir));
    WEAVE_SCOPED(client) weave_client *client = NULL;
    WEAVE_TRY(weave_init("convenience", options, &client));

    WEAVE_TRY(reaches_its_end(client));
    WEAVE_TRY(ends_by_itself(client));
    WEAVE_TRY(says_what_failed(client));
    CHECK(returns_early(client) == WEAVE_INVALID_JSON);
    printf("returned: %s\n", weave_last_message().text);
    CHECK(goes_to_a_label(client) == WEAVE_INVALID_JSON);
    printf("went: %s\n", weave_last_message().text);
    WEAVE_TRY(breaks_and_continues(client));
    WEAVE_TRY(left_by_hand(client));
    WEAVE_TRY(gives_built_json(client));
    WEAVE_TRY(holds_one_of_each(client));
    WEAVE_TRY(told_from_the_second_unit(client, "second unit"));
    return weave_finish(client, -1, NULL);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    CHECK(weave_last_message().text[0] == '\0');
    CHECK(session(argv[1]) == WEAVE_OK);
    return 0;
}
