// A sync with a setting: cpp_sync OFFLINE_DIR destination RECORDED NAME | bytes N | stop. It prints the status and the
// results. `stop` ends it from another thread when a character is read.
#include "check.h"

#include <string>
#include <thread>
#include <type_traits>
#include <weave.hpp>

static_assert(std::is_nothrow_move_constructible_v<weave::Stop> && !std::is_copy_constructible_v<weave::Stop>);

int main(int argc, char **argv) {
    CHECK(argc > 2);
    const std::string setting = argv[2];
    weave::Options options;
    std::thread asking;
    if (setting == "destination") {
        options.add_destination(argv[3], argv[4]);
    } else if (setting == "bytes") {
        options.set_max_sync_bytes(std::stoull(argv[3]));
    } else {
        weave::Stop stop;
        options.set_stop(stop);
        asking = std::thread([stop = std::move(stop)] { CHECK(std::getchar() != EOF && stop.ask()); });
    }
    const weave::Synced sent = weave::sync(argv[1], {}, {}, options);
    if (asking.joinable()) {
        asking.join();
    }
    std::printf("%d %s\n", static_cast<int>(sent.status.code()), sent.results.c_str());
}
