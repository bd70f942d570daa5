/* Calls, and what they are given. */
#include <stdlib.h>
#include <string.h>

#include "shim_result.h"

static const char *or_null(const char *text) { return *text == '\0' ? NULL : text; }

static weave_status set_call_option(weave_call_options *options, int which, const char *const *texts) {
    static weave_status (*const setters[])(weave_call_options *, const char *) = {
        [WG_PARENT_CONTEXT] = weave_call_options_set_parent_context,
        [WG_ID] = weave_call_options_set_id,
        [WG_TRACE_ID] = weave_call_options_set_trace_id,
        [WG_PARENT_ID] = weave_call_options_set_parent_id,
        [WG_DISPLAY_NAME] = weave_call_options_set_display_name,
        [WG_THREAD_ID] = weave_call_options_set_thread_id,
        [WG_TURN_ID] = weave_call_options_set_turn_id,
        [WG_KIND] = weave_call_options_set_kind,
    };
    switch (which) {
    case WG_ATTRIBUTES:
        return weave_call_options_set_attributes(options, texts[0], -1);
    case WG_SUMMARY:
        return weave_call_options_set_summary(options, texts[0], -1);
    case WG_USAGE:
        return weave_call_options_add_usage_json(options, texts[0], texts[1], -1);
    case WG_EXCEPTION:
        return weave_call_options_set_exception(options, or_null(texts[0]), texts[1], or_null(texts[2]));
    case WG_STARTED_AT:
        return weave_call_options_set_started_at(options, strtoll(texts[0], NULL, 10));
    case WG_ENDED_AT:
        return weave_call_options_set_ended_at(options, strtoll(texts[0], NULL, 10));
    case WG_RUN:
        return weave_call_options_set_wb_run(options, texts[0], strtoll(texts[1], NULL, 10),
                                             strtoll(texts[2], NULL, 10));
    default:
        return setters[which](options, texts[0]);
    }
}

static int texts_of(int which) {
    switch (which) {
    case WG_USAGE:
        return 2;
    case WG_EXCEPTION:
    case WG_RUN:
        return 3;
    default:
        return 1;
    }
}

/* Makes the library's own options of a parent and the text of options; NULL of neither. */
static weave_status make_call_options(const weave_call *parent, const char *given, ptrdiff_t length,
                                      weave_call_options **options) {
    *options = NULL;
    if (parent == NULL && length == 0) return WEAVE_OK;
    *options = weave_call_options_new();
    weave_status status = parent == NULL ? WEAVE_OK : weave_call_options_set_parent(*options, parent);
    for (const char *at = given; status == WEAVE_OK && at < given + length;) {
        int which = *at++;
        const char *texts[3];
        for (int i = 0; i < texts_of(which); i++) {
            texts[i] = at;
            at += strlen(at) + 1;
        }
        status = set_call_option(*options, which, texts);
    }
    return status;
}

/* Texts up to this length get their NUL on the stack. */
enum { SHORT_TEXT = 255 };

static const char *terminated(const char *text, size_t length, char room[SHORT_TEXT + 1]) {
    char *copy = length <= SHORT_TEXT ? room : malloc(length + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

wg_result *wg_log_call(weave_client *client, const char *op, size_t op_length, const char *inputs,
                       ptrdiff_t inputs_length, const char *output, ptrdiff_t output_length, const weave_call *parent,
                       const char *options, ptrdiff_t options_length, char *id) {
    char room[SHORT_TEXT + 1];
    const char *name = terminated(op, op_length, room);
    weave_call_options *made;
    weave_status status = make_call_options(parent, options, options_length, &made);
    if (status == WEAVE_OK) {
        status = weave_log_call(client, name, inputs, inputs_length, output, output_length, made, id);
    }
    if (made != NULL) weave_call_options_free(made);
    if (name != room) free((char *)name);
    return status == WEAVE_OK && !wg_has_panicked() ? NULL : wg_failure(status);
}

wg_result wg_log_calls(weave_client *client, const char *calls, ptrdiff_t length) {
    WITH(weave_log_calls(client, calls, length, &result.number));
}

wg_result wg_call_start(weave_client *client, const char *op, size_t op_length, const char *inputs, ptrdiff_t length,
                        const weave_call *parent, const char *options, ptrdiff_t options_length) {
    char room[SHORT_TEXT + 1];
    const char *name = terminated(op, op_length, room);
    weave_call *call = NULL;
    weave_call_options *made;
    weave_status status = make_call_options(parent, options, options_length, &made);
    if (status == WEAVE_OK) status = weave_call_start(client, name, inputs, length, made, &call);
    weave_call_options_free(made);
    if (name != room) free((char *)name);
    return wg_done((wg_result){.handle = call}, status);
}

static weave_status set_exception(weave_call *call, wg_exception failed) {
    return weave_call_set_exception(call, failed.type, failed.message, failed.traceback);
}

wg_result wg_call_end(weave_call *call, const char *output, ptrdiff_t length, wg_exception failed) {
    weave_status status = failed.message == NULL ? WEAVE_OK : set_exception(call, failed);
    return wg_answer(status == WEAVE_OK ? weave_call_end(call, output, length) : status);
}

wg_result wg_call_set_exception(weave_call *call, wg_exception failed) {
    return wg_answer(set_exception(call, failed));
}

wg_result wg_call_set_summary(weave_call *call, const char *json, ptrdiff_t length) {
    return wg_answer(weave_call_set_summary(call, json, length));
}

wg_result wg_call_add_usage(weave_call *call, const char *model, const char *usage, ptrdiff_t length) {
    return wg_answer(weave_call_add_usage_json(call, model, usage, length));
}

wg_result wg_call_set_display_name(weave_call *call, const char *name) {
    return wg_answer(weave_call_set_display_name(call, name));
}

wg_result wg_call_set_ended_at(weave_call *call, int64_t micros) {
    return wg_answer(weave_call_set_ended_at(call, micros));
}

wg_result wg_call_ref(const weave_call *call) { WITH(weave_call_ref(call, &result.text)); }

wg_result wg_call_update(weave_client *client, const char *id, const char *display_name) {
    return wg_answer(weave_call_update(client, id, display_name));
}
