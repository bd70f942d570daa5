/* What each language does in its own way; in C by scopes, weave_json, POSIX threads and fork(2). */
#define _POSIX_C_SOURCE 200809L /* fork */
#include "verbs.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static weave_status nest_below(const weave_call *parent, int64_t level, int64_t depth, char (*ids)[WEAVE_ID_SIZE]) {
    char op_name[32], output[32];
    snprintf(op_name, sizeof op_name, "level-%" PRId64, level);
    snprintf(output, sizeof output, "%" PRId64, level);
    WEAVE_SCOPED(json) weave_json *inputs = weave_json_new();
    WEAVE_TRY(weave_json_set_int(inputs, "level", level));
    WEAVE_SCOPED(call) weave_call *call = NULL;
    WEAVE_TRY(weave_call_start_child(session, parent, op_name, WEAVE_BUILT(inputs), &call));
    snprintf(ids[level - 1], WEAVE_ID_SIZE, "%s", weave_call_id(call));
    if (level < depth) {
        WEAVE_TRY(nest_below(call, level + 1, depth, ids));
    }
    return weave_call_done(&call, WEAVE_TEXT(output));
}

void nest(const field *fields) {
    int64_t depth = whole(fields[0]);
    if (depth < 1 || depth > 1000) {
        refuse_line("a depth out of range", fields[0].text);
    }
    char (*ids)[WEAVE_ID_SIZE] = calloc((size_t)depth, WEAVE_ID_SIZE);
    if (ids == NULL) {
        refuse_line("out of memory", fields[0].text);
    }
    answer_ids(nest_below(NULL, 1, depth, ids), depth, ids);
    free(ids);
}

static weave_status fail_inside(const weave_call *outer, const char *message) {
    WEAVE_SCOPED(call) weave_call *inner = NULL;
    WEAVE_TRY(weave_call_start_child(session, outer, "inner", WEAVE_NONE, &inner));
    return weave_call_fail(&inner, "Error", message);
}

static weave_status catch_outside(const char *message) {
    WEAVE_SCOPED(call) weave_call *outer = NULL;
    WEAVE_TRY(weave_call_start(session, "outer", WEAVE_NONE, NULL, &outer));
    WEAVE_TRY(fail_inside(outer, message));
    return weave_call_done(&outer, WEAVE_JSON("caught"));
}

void raise_failure(const field *fields) {
    answer(catch_outside(fields[0].text), NULL);
}

static weave_status add_empty(weave_json *json) {
    WEAVE_TRY(weave_json_open_object(json, "empty"));
    WEAVE_TRY(weave_json_set_string(json, "text", WEAVE_TEXT("")));
    WEAVE_TRY(weave_json_open_array(json, "list"));
    WEAVE_TRY(weave_json_close(json));
    WEAVE_TRY(weave_json_open_object(json, "object"));
    WEAVE_TRY(weave_json_close(json));
    return weave_json_close(json);
}

static weave_status add_texts(weave_json *json) {
    WEAVE_TRY(weave_json_set_string(json, "text", WEAVE_TEXT("Zürich 東京 😀 \"quoted\" \\ /\t\x01\x7f")));
    return weave_json_set_string(json, "nul", "a\0b", 3);
}

static weave_status add_numbers(weave_json *json) {
    WEAVE_TRY(weave_json_set_double(json, "nan", (double)NAN));
    WEAVE_TRY(weave_json_set_double(json, "infinite", (double)-INFINITY));
    WEAVE_TRY(weave_json_set_int(json, "beyond_doubles", 9007199254740993));
    WEAVE_TRY(weave_json_set_int(json, "largest", INT64_MAX));
    WEAVE_TRY(weave_json_set_int(json, "smallest", INT64_MIN));
    WEAVE_TRY(weave_json_set_uint(json, "unsigned", UINT64_MAX));
    WEAVE_TRY(weave_json_set_double(json, "half", 0.5));
    return weave_json_set_double(json, "least", 5e-324);
}

static weave_status add_keys(weave_json *json) {
    WEAVE_TRY(weave_json_open_object(json, "keys"));
    WEAVE_TRY(weave_json_set_int(json, "", 1));
    WEAVE_TRY(weave_json_set_int(json, "with space", 2));
    WEAVE_TRY(weave_json_set_int(json, "ключ", 3));
    return weave_json_close(json);
}

static weave_status add_deep(weave_json *json) {
    enum { LISTS = 100 };
    for (int i = 0; i < LISTS; ++i) {
        WEAVE_TRY(weave_json_open_array(json, i == 0 ? "deep" : NULL));
    }
    WEAVE_TRY(weave_json_set_string(json, NULL, WEAVE_TEXT("bottom")));
    for (int i = 0; i < LISTS; ++i) {
        WEAVE_TRY(weave_json_close(json));
    }
    return WEAVE_OK;
}

static weave_status log_values(char id[WEAVE_ID_SIZE]) {
    static char million[1000000];
    memset(million, 'x', sizeof million);
    WEAVE_SCOPED(json) weave_json *inputs = weave_json_new();
    WEAVE_TRY(add_empty(inputs));
    WEAVE_TRY(weave_json_set_null(inputs, "none"));
    WEAVE_TRY(weave_json_set_bool(inputs, "yes", true));
    WEAVE_TRY(weave_json_set_bool(inputs, "no", false));
    WEAVE_TRY(add_texts(inputs));
    WEAVE_TRY(add_numbers(inputs));
    WEAVE_TRY(add_keys(inputs));
    WEAVE_TRY(add_deep(inputs));
    WEAVE_TRY(weave_json_set_string(inputs, "long", million, sizeof million));
    return weave_log_call(session, "values", WEAVE_BUILT(inputs), WEAVE_NONE, NULL, id);
}

void values(const field *fields) {
    (void)fields;
    char id[WEAVE_ID_SIZE];
    answer_id(log_values(id), id);
}

typedef struct {
    pthread_t thread;
    int64_t number, each;
    weave_status status;
    char *error; /* taken on the thread that failed: the text is its own */
} worker;

static void *log_each(void *argument) {
    worker *self = argument;
    for (int64_t i = 0; i < self->each && self->status == WEAVE_OK; ++i) {
        char inputs[80];
        snprintf(inputs, sizeof inputs, "{\"thread\": %" PRId64 ", \"call\": %" PRId64 "}", self->number, i);
        self->status = weave_log_call(session, "thread", WEAVE_TEXT(inputs), WEAVE_NONE, NULL, NULL);
        if (self->status != WEAVE_OK) {
            self->error = last_error();
        }
    }
    return NULL;
}

void threads(const field *fields) {
    int64_t count = whole(fields[0]), each = whole(fields[1]);
    worker *workers = count > 0 ? calloc((size_t)count, sizeof *workers) : NULL;
    if (workers == NULL) {
        refuse_line("a count out of range", fields[0].text);
    }
    for (int64_t i = 0; i < count; ++i) {
        workers[i].number = i;
        workers[i].each = each;
        if (pthread_create(&workers[i].thread, NULL, log_each, &workers[i]) != 0) {
            refuse_line("no thread can be started", fields[0].text);
        }
    }
    weave_status status = WEAVE_OK;
    char *error = NULL;
    for (int64_t i = 0; i < count; ++i) {
        pthread_join(workers[i].thread, NULL);
        if (status == WEAVE_OK) {
            status = workers[i].status;
            error = workers[i].error;
        } else {
            free(workers[i].error);
        }
    }
    answer_error(status, error);
    free(error);
    free(workers);
}

static weave_status log_child(const weave_call *parent) {
    WEAVE_SCOPED(call_options) weave_call_options *options = weave_call_options_new();
    WEAVE_TRY(weave_call_options_set_parent(options, parent));
    WEAVE_TRY(weave_log_call(session, "child", WEAVE_NONE, WEAVE_NONE, options, NULL));
    return weave_finish(session, -1, NULL);
}

void fork_child(const field *fields) {
    const weave_call *parent = named(fields[0]);
    pid_t child = fork();
    if (child == 0) {
        /* exit would flush what the parent has in its buffers, and run its handlers. */
        _exit((int)log_child(parent));
    }
    int ended = 0;
    if (child < 0 || waitpid(child, &ended, 0) != child || !WIFEXITED(ended)) {
        refuse_line("no child process", fields[0].text);
    }
    weave_status status = (weave_status)WEXITSTATUS(ended);
    answer_error(status, weave_status_text(status));
}
