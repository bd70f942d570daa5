// Which call is the parent of which, in one program: cpp_nesting OFFLINE_DIR. The test reads them back from the files.
#include "check.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>
#include <weave.hpp>

using weave::CallOptions;
using weave::child_of;
using weave::Client;
using weave::Scope;
using weave::Within;

static const char *directory;

static Client opened(const char *project) {
    weave::Options options;
    options.set_offline().set_offline_dir(directory);
    return Client::init(project, options).value();
}

static Scope scope(const Client &client, const char *name) { return client.call_scope(name).value(); }

static void blocks() {
    const Client client = opened("team/blocks");
    {
        Scope outer = scope(client, "outer");
        CHECK(weave::current().id() == outer.id() && weave::current().trace_id() == outer.trace_id());
        client.log_call("logged inside").value();
        {
            Scope inner = scope(client, "inner");
            client.log_call("below inner").value();
            client.call_start("started inside").value().end().or_throw();
            inner.end().or_throw();
            client.log_call("after the end of inner").value();
        }
        client.log_call("with settings", {}, {}, CallOptions().set_kind("tool")).value();
        client.log_call("root by choice", {}, {}, CallOptions().set_parent({})).value();
        client.log_call("of a past call", {}, {},
                        CallOptions().set_id("01890a5d-ac96-774b-bcce-b302099a8057")
                            .set_trace_id("01890a5d-ac96-774b-bcce-b302099a8058")).value();
        client.log_calls(R"([{"op_name": "in a batch"}])").value();
    }
    CHECK(weave::current().get() == nullptr);
    client.log_call("outside").value();
}

// Scopes that are moved, kept, swapped and let go.
static void moved() {
    const Client client = opened("team/moved");
    Scope first = scope(client, "first");
    std::optional<Scope> kept = std::move(first);
    client.log_call("in kept").value();
    std::vector<Scope> several;
    for (const char *name : {"several 1", "several 2", "several 3"}) {
        several.push_back(scope(client, name));
    }
    several.erase(several.begin() + 1); // moves the third
    client.log_call("in several 3").value();
    several.clear();
    client.log_call("in kept again").value();
    Scope other = scope(client, "other");
    kept.reset(); // not the innermost
    client.log_call("in other").value();
    other = Scope();
    client.log_call("outside").value();
    weave::Call let_go;
    {
        Scope block = scope(client, "let go");
        let_go = std::move(block);
        client.log_call("in let go").value();
    }
    client.log_call("outside too").value();
    let_go.end().or_throw();
}

static void several_clients() {
    const Client client = opened("team/one"), other = opened("team/other");
    Scope outer = scope(client, "outer");
    Scope foreign = scope(other, "foreign");
    client.log_call("of one").value();
    other.log_call("of other").value();
    CHECK(weave::current().id() == foreign.id());
}

// A thread is in the calls that it entered itself.
static void threads() {
    const Client client = opened("team/threads");
    Scope outer = scope(client, "outer");
    const weave::Parent here = weave::current();
    std::thread([&] {
        CHECK(weave::current().get() == nullptr);
        client.log_call("on a thread of its own").value();
        client.log_call("with its parent", {}, {}, child_of(here)).value();
        const Within within(here);
        client.log_call("within").value();
        weave::op("op within", [] {})();
    }).join();
    // It is left on another thread, while this one is in it.
    auto handed = std::make_unique<Scope>(scope(client, "handed"));
    std::thread([&] { handed.reset(); }).join();
    client.log_call("after it").value();
    // It outlives the thread that entered it.
    Scope outlives;
    std::thread([&] { outlives = scope(client, "of a thread that ended"); }).join();
    CHECK(weave::current().id() == outer.id());
    outlives.end().or_throw();
    // It outlives the call and its client.
    weave::Parent late;
    {
        const Client gone = opened("team/gone");
        late = gone.call_start("gone").value();
    }
    const Within within(late);
    CHECK(!late.id().empty());
    weave::op("of a client that is gone", [] {})();
    client.log_call("beside what is gone").value();
}

// A scope that goes on elsewhere is taken out of the thread.
static void detached() {
    const Client client = opened("team/detached");
    Scope coming = scope(client, "coming");
    coming.detach();
    client.log_call("unrelated").value();
    client.log_call("its child", {}, {}, child_of(coming)).value();
}

// Destructors of a thread may log when its list of calls is gone.
struct AtThreadExit {
    const Client *client = nullptr;
    ~AtThreadExit() {
        if (client != nullptr) {
            Scope last = scope(*client, "at the end of a thread");
            CHECK(weave::current().get() == nullptr);
        }
    }
};
static void thread_exit() {
    const Client client = opened("team/exit");
    std::thread([&] {
        static thread_local AtThreadExit exit; // made before the list, and gone after it
        exit.client = &client;
        Scope before = scope(client, "before");
    }).join();
}

struct Handled {};

// What the ABI says of exceptions within a scope may be another one's: nothing is better than that.
static void passing() {
    const Client client = opened("team/passing");
    try {
        Scope passed = scope(client, "passed");
        throw std::runtime_error("not seen");
    } catch (const std::exception &) {
    }
    try {
        try {
            throw Handled();
        } catch (const Handled &) {
            Scope passed = scope(client, "passed in a handler");
            throw std::runtime_error("not seen");
        }
    } catch (const std::exception &) {
    }
    try {
        Scope caught = scope(client, "by an op");
        weave::op("seen", [] { throw std::runtime_error("seen"); })();
    } catch (const std::exception &) {
    }
    std::vector<std::string> told;
    weave::set_log_callback([&](weave_log_level, std::string_view message) { told.emplace_back(message); });
    {
        Scope open = scope(client, "ended too late");
        client.finish().value();
    }
    weave::set_log_callback(nullptr);
    CHECK(told.size() == 1 && told[0].find("the end of a scope: ") == 0);
}

// A program that enters the next call before it leaves the last keeps the list from ever being empty.
static void many_left_below_others() {
    std::thread([] {
        weave::detail::Frames frames;
        std::vector<std::weak_ptr<weave::detail::Frame>> all;
        std::shared_ptr<weave::detail::Frame> last;
        for (int i = 0; i < 1000; i++) {
            auto next = std::make_shared<weave::detail::Frame>(weave::Parent());
            frames.enter(next);
            if (last) {
                last->left = true;
            }
            all.push_back(next);
            last = std::move(next);
        }
        CHECK(std::count_if(all.begin(), all.end(), [](const auto &one) { return !one.expired(); }) < 10);
    }).join();
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    directory = argv[1];
    blocks();
    moved();
    several_clients();
    threads();
    detached();
    thread_exit();
    passing();
    many_left_below_others();
    puts("as promised");
}
