// The library from C++.
#include "harness.h"
#include <weave.hpp>

static weave::Client client;

static int open_client(const char *dir) {
    weave::Options options;
    options.set_offline().set_offline_dir(dir);
    weave::Result<weave::Client> opened = weave::Client::init("team/bench", options);
    if (!opened.ok()) return 1;
    client = std::move(opened).value();
    return 0;
}

static int log_call(const bench_call *call) {
    const auto id =
        client.log_call(std::string_view(call->op, call->op_length), std::string_view(call->inputs, call->inputs_length),
                        std::string_view(call->output, call->output_length));
    return id.ok() ? 0 : 1;
}

static int drain() { return client.flush().status.ok() ? 0 : 1; }

static int close_client() { return client.finish().status.ok() ? 0 : 1; }

int main(int argc, char **argv) {
    const bench_design design = {open_client, log_call, drain, close_client};
    return bench_main(argc, argv, &design);
}
