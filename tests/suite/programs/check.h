/* Ends a test program at the first thing that is not so, with the library's text. */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weave.h>

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            char text_[512] = "";                                                        \
            weave_last_error(text_, sizeof text_);                                       \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, text_);   \
            exit(1);                                                                     \
        }                                                                                \
    } while (0)

/* A session that never touches the network. */
static inline weave_client *offline_client(const char *offline_dir, const char *project) {
    weave_options *options = weave_options_new();
    CHECK(weave_options_set_offline(options, true) == WEAVE_OK);
    CHECK(weave_options_set_offline_dir(options, offline_dir) == WEAVE_OK);
    weave_client *client = NULL;
    CHECK(weave_init(project, options, &client) == WEAVE_OK);
    weave_options_free(options);
    return client;
}
#endif
