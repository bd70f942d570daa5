// The library's version and its messages.
#ifndef WEAVE_LOG_HPP
#define WEAVE_LOG_HPP

#include <weave/arguments.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace weave {

// The library's; WEAVE_VERSION is the header's.
inline std::string_view version() noexcept { return weave_version(); }

using LogFunction = std::function<void(weave_log_level level, std::string_view message)>;

// Sets what takes the library's messages, for the whole process; an empty function is silence. It runs on any thread,
// also on several at once, and must not log or sync. What it throws is swallowed.
inline void set_log_callback(LogFunction function, weave_log_level max_level = WEAVE_LOG_WARNING) {
    if (!function) {
        weave_set_log_callback(nullptr, max_level, nullptr);
        return;
    }
    // A thread may be in a function that was replaced, also while the process ends: none is ever destroyed.
    static auto &kept = *new std::vector<std::unique_ptr<LogFunction>>;
    static auto &lock = *new std::mutex;
    const std::lock_guard<std::mutex> guard(lock);
    kept.push_back(std::make_unique<LogFunction>(std::move(function)));
    weave_set_log_callback(
        [](std::int32_t level, const char *message, void *user_data) {
            detail::contained([&] {
                (*static_cast<LogFunction *>(user_data))(static_cast<weave_log_level>(level), message);
            });
        },
        max_level, kept.back().get());
}

} // namespace weave

#endif // WEAVE_LOG_HPP
