// An edge device with a line that comes and goes: it reads measurements, decides on each, and traces what it did.
//
//   edge_loop PROJECT < measurements        one number a line; what it decided is printed
//
// The loop never waits for the network. Whenever the server can be reached, a thread of the library sends what has
// gathered; the rest lies in WEAVE_OFFLINE_DIR and goes with the next start. WANDB_API_KEY and WANDB_BASE_URL say where to.
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <weave.hpp>

namespace {

constexpr double too_hot = 80;

double parsed(const std::string &line) {
    std::size_t end = 0;
    const double value = std::stod(line, &end);
    if (end != line.size()) {
        throw std::invalid_argument("no number: " + line);
    }
    return value;
}

// Its calls become children of the turn that they are made in.
const auto decide = weave::op("decide", {"celsius"}, [](double celsius) {
    return celsius > too_hot ? "cool" : "wait";
});

// One turn of the loop. The device works whether or not its trace can be kept.
void turn(const weave::Client &client, const std::string &line) {
    weave::Scope cycle = client.call_scope("cycle", weave::Json().set("line", line)).value_or({});
    try {
        const std::string action = decide(parsed(line));
        std::cout << action << std::endl;
        cycle.end(weave::Json().set("action", action)).ignore();
    } catch (const std::exception &error) {
        std::cout << "skip" << std::endl;
        cycle.set_exception(error).ignore();
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: edge_loop PROJECT < measurements\n";
        return 2;
    }
    weave::set_log_callback([](weave_log_level, std::string_view message) { std::cerr << message << '\n'; });
    // A device that is cut off for months loses its oldest measurements, not its freshest.
    weave::Options options;
    options.set_max_directory_size(200'000'000).set_quota_policy("drop-oldest").set_attributes(R"({"device": "oven-7"})");
    weave::Result<weave::Client> client = weave::Client::init(argv[1], options);
    if (!client) {
        std::cerr << client.message() << '\n';
        return 1;
    }
    for (std::string line; std::getline(std::cin, line);) {
        turn(*client, line);
    }
    const weave::Status finished = client->finish(std::chrono::seconds(20)).status;
    if (!finished.ok()) {
        std::cerr << "what is not sent goes with the next start: " << finished.message() << '\n';
    }
    return 0;
}
