/* The first trace: one call, logged without network, account or server.
 *
 * It lies in WEAVE_OFFLINE_DIR, or ~/.weave/offline, until `sync` sends it. */
#include <stdio.h>
#include <weave.h>

static int failed(const char *what) {
    char text[1024];
    weave_last_error(text, sizeof text);
    fprintf(stderr, "%s: %s\n", what, text);
    return 1;
}

int main(void) {
    weave_options *options = weave_options_new();
    weave_options_set_offline(options, true);
    weave_client *client = NULL;
    weave_status status = weave_init("quickstart", options, &client);
    weave_options_free(options);
    if (status != WEAVE_OK) {
        return failed("weave_init");
    }

    char id[WEAVE_ID_SIZE];
    status = weave_log_call(client, "greet", "{\"name\": \"Ada\"}", -1, "\"Hello, Ada!\"", -1, NULL, id);
    if (status != WEAVE_OK) {
        return failed("weave_log_call");
    }
    if (weave_finish(client, -1, NULL) != WEAVE_OK) {
        return failed("weave_finish");
    }
    printf("call %s of %s is in %s\n", id, weave_client_project(client), weave_client_offline_dir(client));
    weave_client_free(client);
    return 0;
}
