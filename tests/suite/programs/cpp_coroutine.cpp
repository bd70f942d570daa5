// Coroutines of C++20 that go on on other threads, with a call each: cpp_coroutine OFFLINE_DIR. What hops between
// threads takes its parent as an argument, and detaches its scope.
#include "check.h"

#include <array>
#include <atomic>
#include <coroutine>
#include <exception>
#include <latch>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weave.hpp>

// A coroutine that runs at once, and counts down when it has ended.
struct Task {
    struct promise_type {
        Task get_return_object() { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };
};

// Goes on on a thread of its own.
struct OtherThread {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> rest) const { std::thread([rest] { rest.resume(); }).detach(); }
    void await_resume() const noexcept {}
};

static Task answer(const weave::Client &client, std::string question, std::latch &done) {
    {
        weave::Json inputs;
        inputs.set("question", question);
        weave::Scope call = client.call_scope("answer", inputs).value();
        call.detach();
        for (int i = 0; i < 2; ++i) {
            co_await OtherThread();
            weave::Scope search = client.call_scope("search", inputs, weave::child_of(call)).value();
            CHECK(client.log_call("log")); // between two hops a thread may be in a call as ever
        }
        co_await OtherThread();
        call.end(inputs).or_throw();
    }
    done.count_down();
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    weave::Options options;
    options.set_offline().set_offline_dir(argv[1]);
    const weave::Client client = weave::Client::init("team/coroutines", options).value();
    std::latch done(8);
    for (int i = 0; i < 8; ++i) {
        answer(client, "question " + std::to_string(i), done);
        CHECK(weave::current().get() == nullptr);
    }
    done.wait();
    client.finish().value();
}
