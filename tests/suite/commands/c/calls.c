/* Calls by the functions of weave.h: finished ones, and live ones, which are kept under their names. */
#define _POSIX_C_SOURCE 200809L /* strdup */
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

/* Live calls, the last started first. They stay after their end: children may start below them. */
typedef struct named_call {
    struct named_call *next;
    char *name;
    weave_call *call;
} named_call;

static named_call *calls;

static void keep(field name, weave_call *call) {
    named_call *made = malloc(sizeof *made);
    char *copy = strdup(name.text);
    if (made == NULL || copy == NULL) {
        refuse_line("out of memory", name.text);
    }
    *made = (named_call){calls, copy, call};
    calls = made;
}

weave_call *named(field name) {
    for (named_call *one = calls; one != NULL; one = one->next) {
        if (strcmp(one->name, name.text) == 0) {
            return one->call;
        }
    }
    refuse_line("no call has the name", name.text);
}

void log_call(const field *fields) {
    char id[WEAVE_ID_SIZE];
    answer_id(weave_log_call(session, fields[0].text, BYTES(fields[1]), BYTES(fields[2]), NULL, id), id);
}

void batch(const field *fields) {
    uint64_t accepted = 0;
    weave_status status = weave_log_calls(session, BYTES(fields[0]), &accepted);
    answer_number(status, accepted);
}

/* Keeps the call that a function has started, and answers its id. */
static void answer_started(weave_status status, field name, weave_call *call) {
    if (status != WEAVE_OK) {
        answer(status, NULL);
        return;
    }
    keep(name, call);
    answer(status, weave_call_id(call));
}

void start(const field *fields) {
    const weave_call *parent = fields[3].length > 0 ? named(fields[3]) : NULL;
    weave_call *call = NULL;
    weave_status status = weave_call_start_child(session, parent, fields[1].text, BYTES(fields[2]), &call);
    answer_started(status, fields[0], call);
}

static weave_status start_below(const char *context, const char *op_name, weave_call **call) {
    WEAVE_SCOPED(call_options) weave_call_options *options = weave_call_options_new();
    WEAVE_TRY(weave_call_options_set_parent_context(options, context));
    return weave_call_start(session, op_name, WEAVE_NONE, options, call);
}

void adopt(const field *fields) {
    weave_call *call = NULL;
    weave_status status = start_below(fields[2].text, fields[1].text, &call);
    answer_started(status, fields[0], call);
}

void context(const field *fields) {
    answer(WEAVE_OK, weave_call_context(named(fields[0])));
}

void end(const field *fields) {
    answer(weave_call_end(named(fields[0]), BYTES(fields[1])), NULL);
}

void fail(const field *fields) {
    answer(weave_call_set_exception(named(fields[0]), fields[1].text, fields[2].text, NULL), NULL);
}

void usage(const field *fields) {
    answer(weave_call_add_usage(named(fields[0]), fields[1].text, whole(fields[2]), whole(fields[3])), NULL);
}

void rename_call(const field *fields) {
    answer(weave_call_set_display_name(named(fields[0]), fields[1].text), NULL);
}
