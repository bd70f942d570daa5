// What each language does in its own way; in C++ by Scope, op, conversions of values, std::thread and fork(2).
#include "verbs.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using weave::Json;

static weave::Status nest_below(const weave::Client &client, std::int64_t level, std::int64_t depth, Fields &ids) {
    weave::Result<weave::Scope> scope =
        client.call_scope("level-" + std::to_string(level), Json().set("level", level));
    if (!scope) {
        return scope.status();
    }
    ids.emplace_back(scope->id());
    if (level < depth) {
        weave::Status below = nest_below(client, level + 1, depth, ids);
        if (!below) {
            return below;
        }
    }
    return scope->end(Json::of(level));
}

Answer nest(Opened &opened, const Fields &fields) {
    Fields ids;
    weave::Status status = nest_below(opened.client, 1, whole(fields[0]), ids);
    return {status, status.ok() ? ids : Fields()};
}

Answer raise_failure(Opened &opened, const Fields &fields) {
    const auto inner = weave::op("inner", [](const std::string &message) { throw std::runtime_error(message); });
    weave::Result<weave::Scope> outer = opened.client.call_scope("outer");
    if (!outer) {
        return outer.status();
    }
    try {
        inner(fields[0]);
    } catch (const std::runtime_error &) {
        return outer->end(Json::of("caught"));
    }
    return outer->end();
}

Answer values(Opened &opened, const Fields &) {
    using Integer = std::numeric_limits<std::int64_t>;
    using namespace std::string_view_literals;
    constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
    Json inputs;
    inputs.open_object("empty").set("text", "").set("list", std::vector<int>()).set("object", Json()).close();
    inputs.set("none", nullptr).set("yes", true).set("no", false);
    inputs.set("text", "Zürich 東京 😀 \"quoted\" \\ /\t\x01\x7f").set("nul", "a\0b"sv);
    inputs.set("nan", nan).set("infinite", -infinity);
    inputs.set("beyond_doubles", std::int64_t{9007199254740993});
    inputs.set("largest", Integer::max()).set("smallest", Integer::min());
    inputs.set("unsigned", std::numeric_limits<std::uint64_t>::max());
    inputs.set("half", 0.5).set("least", std::numeric_limits<double>::denorm_min());
    inputs.set("keys", std::map<std::string, int>{{"", 1}, {"with space", 2}, {"ключ", 3}});
    inputs.open_array("deep");
    for (int lists = 1; lists < 100; ++lists) {
        inputs.open_array();
    }
    inputs.add("bottom");
    for (int lists = 0; lists < 100; ++lists) {
        inputs.close();
    }
    inputs.set("long", std::string(1'000'000, 'x'));
    return opened.client.log_call("values", inputs);
}

static weave::Status log_each(const weave::Client &client, std::int64_t thread, std::int64_t each) {
    weave::Status status;
    for (std::int64_t call = 0; call < each && status.ok(); ++call) {
        status = client.log_call("thread", Json().set("thread", thread).set("call", call)).status();
    }
    return status;
}

Answer threads(Opened &opened, const Fields &fields) {
    const std::int64_t each = whole(fields[1]);
    std::vector<weave::Status> statuses(static_cast<std::size_t>(whole(fields[0])));
    std::vector<std::thread> running;
    for (std::size_t thread = 0; thread < statuses.size(); ++thread) {
        running.emplace_back([&, thread] {
            statuses[thread] = log_each(opened.client, static_cast<std::int64_t>(thread), each);
        });
    }
    weave::Status first;
    for (std::size_t thread = 0; thread < statuses.size(); ++thread) {
        running[thread].join();
        first = first.ok() ? statuses[thread] : first;
    }
    return first;
}

static weave::Status log_child(const weave::Client &client, const weave::Parent &parent) {
    const weave::Status status = client.log_call("child", {}, {}, weave::child_of(parent)).status();
    return status.ok() ? client.finish().status : status;
}

Answer fork_child(Opened &opened, const Fields &fields) {
    const weave::Call &parent = opened.call(fields[0]);
    const pid_t child = fork();
    if (child == 0) {
        // exit would write what the parent has in its buffers, and run its destructors.
        _exit(static_cast<int>(log_child(opened.client, parent).code()));
    }
    int ended = 0;
    if (child < 0 || waitpid(child, &ended, 0) != child || !WIFEXITED(ended)) {
        refuse_line("no child process", fields[0]);
    }
    const auto code = static_cast<weave_status>(WEXITSTATUS(ended));
    return weave::Status(code, weave_status_text(code));
}
