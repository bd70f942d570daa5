// spdlog as its manual has it for busy programs: an asynchronous logger that blocks when its queue is full, and files
// that rotate. A call is one line of JSON.
#include "harness.h"
#include <spdlog/async.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <string>

static std::shared_ptr<spdlog::logger> logger;

static int open_logger(const char *dir) {
    spdlog::init_thread_pool(8192, 1);
    logger = spdlog::create_async<spdlog::sinks::rotating_file_sink_mt>("calls", std::string(dir) + "/calls.log",
                                                                        16u << 20, 1000u);
    logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%f","call":%v})");
    return 0;
}

static int log_call(const bench_call *call) {
    logger->info(R"({{"op_name":"{}","inputs":{},"output":{}}})", spdlog::string_view_t(call->op, call->op_length),
                 spdlog::string_view_t(call->inputs, call->inputs_length),
                 spdlog::string_view_t(call->output, call->output_length));
    return 0;
}

// The thread pool ends when everything in its queue is written.
static int drain() {
    logger->flush();
    logger.reset();
    spdlog::shutdown();
    return 0;
}

static int close_logger() { return 0; }

int main(int argc, char **argv) {
    const bench_design design = {open_logger, log_call, drain, close_logger};
    return bench_main(argc, argv, &design);
}
