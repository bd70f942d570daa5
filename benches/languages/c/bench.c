/* The library from C. */
#define _GNU_SOURCE
#include "harness.h"
#include <weave.h>

static weave_client *client;

static int open_client(const char *dir) {
    weave_options *options = weave_options_new();
    weave_options_set_offline(options, true);
    weave_options_set_offline_dir(options, dir);
    weave_status status = weave_init("team/bench", options, &client);
    weave_options_free(options);
    return (int)status;
}

static int log_call(const struct bench_call *call) {
    return (int)weave_log_call(client, call->op, call->inputs, (ptrdiff_t)call->inputs_length, call->output,
                               (ptrdiff_t)call->output_length, NULL, NULL);
}

static int drain(void) { return (int)weave_flush(client, -1, NULL); }

static int close_client(void) {
    weave_status status = weave_finish(client, -1, NULL);
    weave_client_free(client);
    return (int)status;
}

int main(int argc, char **argv) {
    const struct bench_design design = {open_client, log_call, drain, close_client};
    return bench_main(argc, argv, &design);
}
