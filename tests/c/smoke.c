/* One session with a record of every kind, as a C program sees it. Argument: the offline directory. */
#include "weave.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition) \
    do { \
        if (!(condition)) { \
            char text[512]; \
            weave_last_error(text, sizeof text); \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, text); \
            exit(1); \
        } \
    } while (0)
#define OK(call) CHECK((call) == WEAVE_OK)

static int32_t drop_secret_ops(weave_record *record, void *user_data) {
    int *seen = user_data;
    size_t length = 0;
    const char *json = weave_record_json(record, &length);
    CHECK(strlen(json) == length);
    ++*seen;
    return strstr(json, "secret op") != NULL ? WEAVE_DROP : WEAVE_KEEP;
}

static void hear(int32_t level, const char *message, void *user_data) {
    (void)message;
    *(int *)user_data |= 1 << level;
}

static void a_session(const char *dir) {
    int seen = 0, heard = 0;
    weave_set_log_callback(hear, WEAVE_LOG_WARNING, &heard);
    weave_options *options = weave_options_new();
    CHECK(options != NULL);
    OK(weave_options_set_offline(options, true));
    OK(weave_options_set_offline_dir(options, dir));
    OK(weave_options_set_source(options, "libweave-c-test"));
    OK(weave_options_add_redact_key(options, "token"));
    OK(weave_options_set_durability_interval(options, 0));
    OK(weave_options_set_journal(options, "write"));
    OK(weave_options_set_journal_size(options, 1 << 20));
    OK(weave_options_set_when_full(options, "refuse"));
    OK(weave_options_set_block_limit(options, 0));
    OK(weave_options_set_max_directory_size(options, 1 << 30));
    OK(weave_options_set_quota_policy(options, "drop-oldest"));
    OK(weave_options_set_filter(options, drop_secret_ops, &seen));
    weave_client *client = NULL;
    OK(weave_init("team/smoke", options, &client));
    weave_options_free(options);
    CHECK(strcmp(weave_client_project(client), "team/smoke") == 0);

    char *op = NULL, *dataset = NULL, *row = NULL, *image = NULL;
    OK(weave_op_create(client, "answer", "int answer(void) { return 42; }", -1, &op));
    OK(weave_dataset_create(client, "questions", NULL, "[{\"q\":\"a\"},{\"q\":\"b\"}]", -1, &dataset));
    OK(weave_dataset_row_ref(client, dataset, "{\"q\":\"a\"}", -1, &row));
    OK(weave_image_create(client, "png", "\x89PNG", 4, &image));

    weave_json *inputs = weave_json_new();
    OK(weave_json_set_string(inputs, "row", row, -1));
    OK(weave_json_set_json(inputs, "picture", image, -1));
    OK(weave_json_set_string(inputs, "token", "hunter2", -1));
    weave_call *agent = NULL, *tool = NULL;
    errno = 77;
    OK(weave_call_start(client, op, weave_json_text(inputs, NULL), -1, NULL, &agent));
    CHECK(errno == 77);
    weave_json_free(inputs);

    weave_call_options *below = weave_call_options_new();
    OK(weave_call_options_set_parent(below, agent));
    OK(weave_call_options_set_kind(below, "llm"));
    char id[WEAVE_ID_SIZE];
    const char *answer = "{\"model\":\"gpt-4o\",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}";
    OK(weave_log_call(client, "chat", NULL, 0, answer, -1, below, id));
    CHECK(strlen(id) == 36);
    OK(weave_log_call(client, "secret op", NULL, 0, "1", 1, below, NULL));
    OK(weave_call_start(client, "search", "{}", 2, below, &tool));
    weave_call_options_free(below);
    OK(weave_call_set_exception(tool, "TimeoutError", "no answer", NULL));
    OK(weave_call_end(tool, NULL, 0));
    CHECK(weave_call_end(tool, NULL, 0) == WEAVE_CLOSED);
    OK(weave_call_end(agent, "\"done\"", -1));
    OK(weave_call_set_display_name(agent, "An agent"));

    OK(weave_feedback_add_reaction(client, id, "\xF0\x9F\x91\x8D", NULL));
    OK(weave_feedback_create(client, id, "quality", "{\"score\":0.5}", -1, NULL, 0, NULL, NULL));
    OK(weave_cost_create(client, "gpt-4o", 0.25, 0.5, NULL, 0));
    uint64_t accepted = 0, dropped = 0, left = 1;
    OK(weave_log_calls(client, "[{\"op_name\":\"old\"},{\"op_name\":\"older\"}]", -1, &accepted));
    CHECK(accepted == 2);
    OK(weave_client_dropped(client, &dropped));
    CHECK(dropped == 1 && seen > 10 && heard == 0);
    OK(weave_flush(client, -1, &left));
    CHECK(left == 0);
    char *stats = NULL;
    OK(weave_stats(client, &stats));
    CHECK(strstr(stats, "\"waiting\":0,") != NULL && strstr(stats, "\"filtered\":1") != NULL);
    CHECK(strstr(stats, "\"refused\":0,") != NULL && strstr(stats, "\"last_error\":null") != NULL);
    weave_string_free(stats);

    char *reads = NULL;
    CHECK(weave_query(client, "/calls/stream_query", "{}", 2, &reads) == WEAVE_OFFLINE);
    OK(weave_finish(client, -1, NULL));
    OK(weave_finish(client, -1, NULL));
    CHECK(weave_log_call(client, "late", NULL, 0, NULL, 0, NULL, NULL) == WEAVE_CLOSED);

    weave_string_free(op);
    weave_string_free(dataset);
    weave_string_free(row);
    weave_string_free(image);
    weave_client_free(client);
    CHECK(strlen(weave_call_id(agent)) == 36);
    weave_call_free(tool);
    weave_call_free(agent);
    weave_set_log_callback(NULL, 0, NULL);
}

static void what_is_wrong_is_told(const char *dir) {
    weave_options *options = weave_options_new();
    OK(weave_options_set_offline(options, true));
    OK(weave_options_set_offline_dir(options, dir));
    weave_client *client = NULL;
    CHECK(weave_options_set_durability_interval(options, -1) == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_options_set_journal(options, "paper") == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_options_set_journal_size(options, 0) == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_options_set_when_full(options, "wait") == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_options_set_block_limit(options, -1) == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_options_set_max_directory_size(options, 1000) == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_options_set_quota_policy(options, "drop-newest") == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_init(NULL, options, &client) == WEAVE_INVALID_ARGUMENT);
    CHECK(weave_init("a/b/c", options, &client) == WEAVE_INVALID_NAME);
    CHECK(weave_init("../up", options, &client) == WEAVE_INVALID_NAME);
    CHECK(client == NULL);
    OK(weave_init("wrong", options, &client));
    CHECK(weave_log_call(client, "op", "[1]", -1, NULL, 0, NULL, NULL) == WEAVE_INVALID_JSON);
    char text[64];
    size_t length = weave_last_error(text, sizeof text);
    CHECK(length > 0 && strncmp(text, "inputs", 6) == 0);
    CHECK(weave_log_call(client, "\xff", NULL, 0, NULL, 0, NULL, NULL) == WEAVE_INVALID_UTF8);
    CHECK(weave_log_call(NULL, "op", NULL, 0, NULL, 0, NULL, NULL) == WEAVE_INVALID_ARGUMENT);
    CHECK(strcmp(weave_status_text(WEAVE_CLOSED), "already finished") == 0);
    weave_client_free(client);
    weave_options_free(options);
}

static void a_fault_is_contained(const char *dir) {
    CHECK(weave_panic_for_test(NULL) == WEAVE_PANIC);
    weave_options *options = weave_options_new();
    OK(weave_options_set_offline(options, true));
    OK(weave_options_set_offline_dir(options, dir));
    weave_client *client = NULL;
    OK(weave_init("fault", options, &client));
    OK(weave_log_call(client, "before", NULL, 0, NULL, 0, NULL, NULL));
    CHECK(weave_panic_for_test(client) == WEAVE_PANIC);
    CHECK(weave_log_call(client, "after", NULL, 0, NULL, 0, NULL, NULL) == WEAVE_PANIC);
    weave_client_free(client);
    weave_options_free(options);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s OFFLINE_DIR\n", argv[0]);
        return 2;
    }
    CHECK(strcmp(weave_version(), WEAVE_VERSION) == 0);
    a_session(argv[1]);
    what_is_wrong_is_told(argv[1]);
    a_fault_is_contained(argv[1]);
    return 0;
}
