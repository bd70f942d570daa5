// The library's version, and what takes the messages of the library and of this interface.
#ifndef WEAVE_LOG_HPP
#define WEAVE_LOG_HPP

#include <weave/arguments.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace weave {

/// The library's; `WEAVE_VERSION` is the header's.
inline std::string_view version() noexcept { return weave_version(); }

/// Takes a message and how important it is. The text lives as long as the function runs.
using LogFunction = std::function<void(weave_log_level level, std::string_view message)>;

namespace detail {

struct Listener {
    LogFunction function;
    weave_log_level max_level;

    void hear(weave_log_level level, std::string_view message) const noexcept {
        contained([&] { function(level, message); });
    }
};

// A thread may be in a function that was replaced, also while the process ends: none is ever destroyed.
struct Listeners {
    std::mutex lock;
    std::vector<std::unique_ptr<const Listener>> kept;
    std::atomic<const Listener *> current{nullptr};
};
inline Listeners &listeners() {
    static Listeners &all = *new Listeners;
    return all;
}

// Tells what went wrong where nobody takes a status: in destructors and wrapped functions.
inline void tell(std::string_view what, const Status &status) noexcept {
    const Listener *listener = listeners().current.load(std::memory_order_acquire);
    if (!status.ok() && listener != nullptr && listener->max_level >= WEAVE_LOG_ERROR) {
        contained([&] { listener->hear(WEAVE_LOG_ERROR, std::string(what) + ": " + status.message()); });
    }
}

} // namespace detail

/// Sets what takes the library's messages, for the whole process; an empty function is silence.
///
/// It is also told, as errors, what goes wrong with logging in wrapped functions (see op()) and at the end of a Scope,
/// where nobody takes a Status. It runs on any thread, also on several at once, and must not log or sync. What it
/// throws is swallowed.
inline void set_log_callback(LogFunction function, weave_log_level max_level = WEAVE_LOG_WARNING) {
    detail::Listeners &listeners = detail::listeners();
    const std::lock_guard<std::mutex> guard(listeners.lock);
    if (!function) {
        listeners.current.store(nullptr, std::memory_order_release);
        weave_set_log_callback(nullptr, max_level, nullptr);
        return;
    }
    listeners.kept.push_back(
        std::make_unique<const detail::Listener>(detail::Listener{std::move(function), max_level}));
    const detail::Listener *listener = listeners.kept.back().get();
    listeners.current.store(listener, std::memory_order_release);
    weave_set_log_callback(
        [](std::int32_t level, const char *message, void *user_data) {
            static_cast<const detail::Listener *>(user_data)->hear(static_cast<weave_log_level>(level), message);
        },
        max_level, const_cast<detail::Listener *>(listener));
}

} // namespace weave

#endif // WEAVE_LOG_HPP
