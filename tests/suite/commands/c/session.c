/* The session: init with its settings and filter, flush, finish, stats. */
#include "verbs.h"

#include <stdio.h>
#include <string.h>

weave_client *session;

void tell_version(const field *fields) {
    (void)fields;
    answer(WEAVE_OK, weave_version());
}

/* Drops records of the op. It is the first "op_name" of their JSON, since texts before it have their quotes escaped. */
static int32_t drop_op(weave_record *record, void *user_data) {
    const char *op_name = user_data, key[] = "\"op_name\":\"";
    const char *found = strstr(weave_record_json(record, NULL), key);
    if (found == NULL) {
        return WEAVE_KEEP;
    }
    found += strlen(key);
    size_t length = strlen(op_name);
    return strncmp(found, op_name, length) == 0 && found[length] == '"' ? WEAVE_DROP : WEAVE_KEEP;
}

/* NAME=VALUE */
static weave_status set(weave_options *options, field setting) {
    static char dropped_op[512]; /* the filter's, which may outlive the options */
    char *equals = strchr(setting.text, '=');
    if (equals == NULL) {
        refuse_line("a setting without a value", setting.text);
    }
    *equals = '\0';
    const char *name = setting.text;
    field value = {equals + 1, setting.length - (equals + 1 - setting.text)};
    bool on = strcmp(value.text, "true") == 0;
    if (strcmp(name, "offline_dir") == 0) {
        return weave_options_set_offline_dir(options, value.text);
    }
    if (strcmp(name, "compress") == 0) {
        return weave_options_set_compress(options, on);
    }
    if (strcmp(name, "max_file_size") == 0) {
        return weave_options_set_max_file_size(options, (uint64_t)whole(value));
    }
    if (strcmp(name, "disabled") == 0) {
        return weave_options_set_disabled(options, on);
    }
    if (strcmp(name, "source") == 0) {
        return weave_options_set_source(options, value.text);
    }
    if (strcmp(name, "attributes") == 0) {
        return weave_options_set_attributes(options, BYTES(value));
    }
    if (strcmp(name, "redact") == 0) {
        return weave_options_add_redact_key(options, value.text);
    }
    if (strcmp(name, "filter") == 0) {
        snprintf(dropped_op, sizeof dropped_op, "%s", value.text);
        return weave_options_set_filter(options, drop_op, dropped_op);
    }
    refuse_line("an unknown setting", name);
}

static weave_status open_session(const field *fields) {
    weave_client_leave(&session);
    WEAVE_SCOPED(options) weave_options *options = weave_options_new();
    WEAVE_TRY(weave_options_set_offline(options, true));
    for (const field *setting = fields + 1; setting->text != NULL; ++setting) {
        WEAVE_TRY(set(options, *setting));
    }
    return weave_init(fields[0].text, options, &session);
}

void init(const field *fields) {
    weave_status status = open_session(fields);
    answer(status, status == WEAVE_OK ? weave_client_project(session) : NULL);
}

void flush(const field *fields) {
    (void)fields;
    answer(weave_flush(session, -1, NULL), NULL);
}

void finish(const field *fields) {
    (void)fields;
    answer(weave_finish(session, -1, NULL), NULL);
}

void stats(const field *fields) {
    (void)fields;
    char *text = NULL;
    weave_status status = weave_stats(session, &text);
    answer_text(status, text);
}
