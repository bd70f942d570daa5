/* A fault inside the library: it is a status, breaks off its own session only, and nothing accepted is lost.
 * Argument: the offline directory. */
#include "check.h"

static void log_it(weave_client *client, const char *op, weave_status expected) {
    CHECK(weave_log_call(client, op, NULL, 0, NULL, 0, NULL, NULL) == expected);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    weave_client *broken = offline_client(argv[1], "broken"), *whole = offline_client(argv[1], "whole");
    weave_call *open = NULL;
    CHECK(weave_call_start(broken, "live before the fault", NULL, 0, NULL, &open) == WEAVE_OK);

    CHECK(weave_panic_for_test(NULL) == WEAVE_PANIC); /* of no session */
    log_it(broken, "logged before the fault", WEAVE_OK);
    CHECK(weave_panic_for_test(broken) == WEAVE_PANIC);
    char text[256];
    CHECK(weave_last_error(text, sizeof text) > 0 && strstr(text, "fault inside the library") != NULL);

    log_it(broken, "refused", WEAVE_PANIC);
    char *ref = NULL;
    CHECK(weave_object_create(broken, "refused", "1", 1, &ref) == WEAVE_PANIC && ref == NULL);
    CHECK(weave_call_start(broken, "refused", NULL, 0, NULL, &open) == WEAVE_PANIC);
    CHECK(weave_call_end(open, NULL, 0) == WEAVE_PANIC);
    weave_call_free(open);
    log_it(whole, "in another session", WEAVE_OK);
    CHECK(weave_finish(whole, -1, NULL) == WEAVE_OK);
    weave_client_free(whole);
    CHECK(weave_finish(broken, -1, NULL) != WEAVE_CLOSED);
    weave_client_free(broken);
    puts("contained");
    return 0;
}
