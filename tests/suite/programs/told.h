/* For programs that tell on their standard output what was accepted, one write(2) each and only after the function has
 * returned WEAVE_OK: "c ID" for a finished call, "s ID" and "e ID" for the two ends of a live one. */
#ifndef TOLD_H
#define TOLD_H

#include "check.h"

#include <unistd.h>

static inline void tell(char what, const char *id) {
    char line[2 * WEAVE_ID_SIZE];
    int length = snprintf(line, sizeof line, "%c %s\n", what, id);
    CHECK(write(STDOUT_FILENO, line, (size_t)length) == length);
}

static inline void log_told(weave_client *client, const char *op) {
    char id[WEAVE_ID_SIZE];
    CHECK(weave_log_call(client, op, "{\"n\": 1}", -1, "1", 1, NULL, id) == WEAVE_OK);
    tell('c', id);
}

/* The live call is told; its end is, if it has one. */
static inline void live_told(weave_client *client, const char *op, int ends) {
    weave_call *call = NULL;
    CHECK(weave_call_start(client, op, "{\"n\": 1}", -1, NULL, &call) == WEAVE_OK);
    tell('s', weave_call_id(call));
    if (ends) {
        CHECK(weave_call_end(call, "1", 1) == WEAVE_OK);
        tell('e', weave_call_id(call));
    }
    weave_call_free(call);
}
#endif
