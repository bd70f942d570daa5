// Functions under weave::op, in one program: cpp_op OFFLINE_DIR. The test reads their calls back from the files.
#include "check.h"

#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weave.hpp>

using weave::Client;
using weave::op;

// Not a std::exception, and without a conversion to JSON.
struct Opaque {
    int held = 0;
};

struct Point {
    double x, y;
};
static void weave_to_json(weave::Json &json, const Point &point) { json.set("x", point.x).set("y", point.y); }

struct Thorny {};
static void weave_to_json(weave::JsonValue &, const Thorny &) { throw std::runtime_error("thorny"); }

static int add(int a, int b) { return a + b; }

struct Agent {
    std::string name;
    std::string ask(const std::string &question) const { return name + ": " + question; }
    void rename(std::string to) { name = std::move(to); }
};

struct Counter {
    int count = 0;
    int operator()(int by) { return count += by; }
};

using Erased = std::unique_ptr<void, void (*)(void *)>;

static std::vector<std::string> told;

static void callables(const Client &client) {
    CHECK(op(client, "function", {"a", "b"}, add)(1, 2) == 3);
    CHECK(op(client, "unnamed", add)(1, 2) == 3);
    CHECK(op(client, "partly named", {"a", ""}, [](int a, int b, int c) { return a + b + c; })(1, 2, 3) == 6);
    CHECK(op(client, "no arguments", [] { return std::vector<int>{1, 2}; })().size() == 2);

    Agent agent{"Ada"};
    CHECK(op(client, "member", {"question"}, &Agent::ask)(agent, "why?") == "Ada: why?");
    op(client, "member by pointer", {"to"}, &Agent::rename)(&agent, std::string("Eve"));
    CHECK(agent.name == "Eve");

    auto counter = op(client, "functor", {"by"}, Counter());
    CHECK(counter(2) == 2 && counter(3) == 5);

    auto moved =
        op(client, "move-only", {"more"}, [held = std::make_unique<int>(40)](int more) { return *held + more; });
    auto elsewhere = std::move(moved);
    CHECK(elsewhere(2) == 42);

    auto generic = op(client, "generic", [](const auto &value) { return value; });
    CHECK(generic(1) == 1 && generic(std::string("text")) == "text");

    std::function<int(int, int)> erased = op(client, "erased", add);
    CHECK(erased(3, 4) == 7);
}

// Texts that end where their room does, and room that a function fills.
static void rooms(const Client &client) {
    const auto fill = [](char *room, std::size_t size) { std::memset(room, 'x', size); };
    const std::unique_ptr<char[]> heap(new char[3]);
    op(client, "fill heap", {"room", "size"}, fill)(heap.get(), 3);
    char array[3];
    op(client, "fill array", {"room", "size"}, fill)(array, sizeof array);
    CHECK(array[2] == 'x' && heap[2] == 'x');
    const char full[2] = {'a', 'b'};
    op(client, "full", {"text"}, [](const char (&)[2]) {})(full);
}

// What can be called, but not in each way, not copied or not moved.
static void awkward(const Client &client) {
    CHECK(op(client, "variadic", [](auto &&...of) { return (of + ...); })(1, 2, 3) == 6);
    std::mutex mutex;
    {
        [[maybe_unused]] const auto held = op(client, "guard", [&] { return std::lock_guard<std::mutex>(mutex); })();
        std::thread([&] { CHECK(!mutex.try_lock()); }).join();
    }
    try {
        [[maybe_unused]] const auto held = op(client, "no guard", [&]() -> std::lock_guard<std::mutex> {
            throw std::runtime_error("none");
        })();
    } catch (const std::runtime_error &) {
    }
    op(client, "of nothing known", {"shared", "unique"}, [](const std::shared_ptr<void> &, const Erased &) {})(
        std::shared_ptr<void>(), Erased(nullptr, [](void *) {}));
}

static void results(const Client &client) {
    bool ran = false;
    op(client, "void", [&] { ran = true; })();
    CHECK(ran);

    std::string text = "before";
    auto by_reference = op(client, "reference", {"text"}, [](std::string &given) -> std::string & { return given; });
    static_assert(std::is_same_v<decltype(by_reference(text)), std::string &>);
    by_reference(text) = "after";
    CHECK(text == "after");

    auto passed = op(client, "moved through", {"held"}, [](std::unique_ptr<int> held) { return held; });
    CHECK(*passed(std::make_unique<int>(7)) == 7);

    auto forwarded = op(client, "rvalue", [](std::string &&given) -> std::string && { return std::move(given); });
    static_assert(std::is_same_v<decltype(forwarded(std::string())), std::string &&>);
    CHECK(std::string(forwarded(std::string("x"))) == "x");

    CHECK(op(client, "own type", {"point"}, [](Point point) { return Point{point.y, point.x}; })(Point{1, 2}).x > 1);
    const auto opaque = op(client, "opaque", {"given"}, [](const Opaque &given) { return Opaque{given.held + 1}; });
    CHECK(opaque(Opaque{1}).held == 2);
}

static void exceptions(const Client &client) {
    const auto thrower =
        op(client, "runtime", {"what"}, [](const char *what) -> int { throw std::runtime_error(what); });
    bool caught = false;
    try {
        thrower("boom");
    } catch (const std::runtime_error &error) {
        caught = error.what() == std::string("boom");
    }
    CHECK(caught);
    const Opaque *address = nullptr;
    try {
        op(client, "no std::exception", [&] {
            Opaque thrown{5};
            throw thrown;
        })();
    } catch (const Opaque &thrown) {
        address = thrown.held == 5 ? &thrown : nullptr;
    }
    CHECK(address != nullptr);
    try {
        op(client, "no memory", [] { throw std::bad_alloc(); })();
    } catch (const std::bad_alloc &) {
    }
    try {
        op(client, "no UTF-8", [] { throw std::runtime_error("\xff"); })();
    } catch (const std::runtime_error &) {
    }
}

static void nesting(const Client &client) {
    const auto inner = op("inner", {"n"}, [](int n) { return n * 2; });
    const auto outer = op(client, "outer", {"n"}, [&](int n) { return inner(n) + inner(n + 1); });
    CHECK(outer(1) == 6);
    CHECK(inner(1) == 2); // outside of any call it is not logged
    {
        weave::Scope scope = client.call_scope("scope").value();
        CHECK(inner(10) == 20);
        CHECK(outer(10) == 42);
    }
    const auto fails = op("fails", [] { throw std::logic_error("inside"); });
    op(client, "catches", [&] {
        try {
            fails();
        } catch (const std::logic_error &) {
        }
        CHECK(client.log_call("after it"));
    })();
}

static void own_call(const Client &client) {
    const auto chat = op(client, "chat", {"question"}, [](weave::Call &call, const std::string &question) {
        call.add_usage("m", 3, 4).ignore();
        return question.size();
    }, weave::CallOptions().set_kind("llm"));
    CHECK(chat(std::string("why?")) == 4);
    op(client, "ends itself", [](weave::Call &call) {
        call.end("\"early\"").or_throw();
        return 1;
    })();
    op("nowhere", [](weave::Call &call) { CHECK(call.get() == nullptr && !call.set_summary("{}")); })();
}

// The function runs as it would without, and the log callback hears why it is not in the traces.
static void faults(const Client &client) {
    weave::set_log_callback([](weave_log_level level, std::string_view message) {
        CHECK(level == WEAVE_LOG_ERROR);
        told.emplace_back(message);
    });
    const auto echo = [](const char *text) { return std::string(text); };
    const auto length = [](std::string_view text, int more) { return static_cast<int>(text.size()) + more; };
    CHECK(op(client, "bad inputs", {"text", "more"}, length)("\xff", 2) == 3);
    CHECK(told.size() == 1 && told[0].find("op \"bad inputs\": ") == 0 && told[0].find("UTF-8") != std::string::npos);
    CHECK(op(client, "bad output", {""}, echo)("\xff") == "\xff");
    CHECK(told.size() == 2 && told[1].find("op \"bad output\": ") == 0);
    CHECK(op(client, std::string(200, 'x'), {""}, echo)("name") == "name");
    CHECK(told.size() == 3 && told[2].find("op_name") != std::string::npos);
    op(client, "thorny", [] { return Thorny(); })();
    CHECK(told.size() == 4 && told[3].find(": an exception: thorny") != std::string::npos);
    op(client, "thorny inputs", [](Thorny) {})(Thorny());
    CHECK(told.size() == 5);
    const std::string large(32 << 20, 'x');
    CHECK(op(client, "large inputs", {"text", "more"}, length)(large, 2) == (32 << 20) + 2);
    CHECK(told.size() == 6);
    weave::set_log_callback(nullptr);
    CHECK(op(client, "bad inputs", {"text", "more"}, length)("\xff", 2) == 3 && told.size() == 6);
}

// An op outlives its client, on whichever thread it runs.
static void lifetimes(const char *offline_dir) {
    weave::Options options;
    options.set_offline().set_offline_dir(offline_dir);
    Client client = Client::init("team/lifetimes", options).value();
    const auto bound = op(client, "bound", add);
    CHECK(bound(1, 1) == 2);
    Client moved = std::move(client);
    CHECK(bound(1, 2) == 3);
    moved = Client();
    CHECK(bound(1, 3) == 4);
    CHECK(op(Client(), "of none", add)(1, 1) == 2);

    Client shared = Client::init("team/lifetimes", options).value();
    const auto often = op(shared, "often", add, weave::CallOptions().set_kind("tool"));
    std::vector<std::thread> running;
    for (int thread = 0; thread < 4; ++thread) {
        running.emplace_back([&often] {
            for (int i = 0; i < 200; ++i) {
                CHECK(often(i, 1) == i + 1);
            }
        });
    }
    shared = Client(); // while they run
    for (std::thread &one : running) {
        one.join();
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    weave::Options options;
    options.set_offline().set_offline_dir(argv[1]);
    const auto opened = [&](const char *project) { return Client::init(project, options).value(); };
    callables(opened("team/callables"));
    results(opened("team/results"));
    rooms(opened("team/rooms"));
    awkward(opened("team/awkward"));
    exceptions(opened("team/exceptions"));
    nesting(opened("team/nesting"));
    own_call(opened("team/own-call"));
    faults(opened("team/faults"));
    lifetimes(argv[1]);
    puts("as promised");
}
