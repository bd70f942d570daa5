// What a function answers: Status, and Result for those that make something.
#ifndef WEAVE_STATUS_HPP
#define WEAVE_STATUS_HPP

#include <weave.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace weave {

// A weave_status with the text of the error: what happened, to what, and the cure.
class [[nodiscard]] Status {
public:
    Status() noexcept = default;
    Status(weave_status code, std::string message) noexcept : code_(code), message_(std::move(message)) {}

    // The status of the C function that has just returned on this thread, with its text.
    static Status of(weave_status code) {
        if (code == WEAVE_OK) {
            return {};
        }
        std::string text(weave_last_error(nullptr, 0) + 1, '\0');
        text.resize(std::min(weave_last_error(text.data(), text.size()), text.size() - 1));
        return {code, std::move(text)};
    }

    bool ok() const noexcept { return code_ == WEAVE_OK; }
    explicit operator bool() const noexcept { return ok(); }
    weave_status code() const noexcept { return code_; }
    // Empty when ok.
    const std::string &message() const noexcept { return message_; }

    // Throws Error unless ok; without exceptions it aborts.
    void or_throw() const;
    // Says that a failure does not matter here.
    void ignore() const noexcept {}

private:
    weave_status code_ = WEAVE_OK;
    std::string message_;
};

// What or_throw and value throw.
class Error : public std::runtime_error {
public:
    explicit Error(const Status &status) : std::runtime_error(status.message()), code_(status.code()) {}
    weave_status code() const noexcept { return code_; }

private:
    weave_status code_;
};

inline void Status::or_throw() const {
    if (ok()) {
        return;
    }
#if defined(__cpp_exceptions)
    throw Error(*this);
#else
    std::abort();
#endif
}

// A value, or the status that says why there is none.
template <class T>
class [[nodiscard]] Result {
public:
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    // The status must not be ok.
    Result(Status status) : held_(std::in_place_index<1>, std::move(status)) { assert(!std::get<1>(held_).ok()); }

    bool ok() const noexcept { return held_.index() == 0; }
    explicit operator bool() const noexcept { return ok(); }
    Status status() const { return ok() ? Status() : *std::get_if<1>(&held_); }
    weave_status code() const noexcept { return ok() ? WEAVE_OK : std::get_if<1>(&held_)->code(); }
    std::string message() const { return status().message(); }

    // Only when ok.
    T &operator*() & noexcept { return *get(); }
    const T &operator*() const & noexcept { return *get(); }
    T &&operator*() && noexcept { return std::move(*get()); }
    T *operator->() noexcept { return get(); }
    const T *operator->() const noexcept { return get(); }

    // The value; throws Error when there is none. Without exceptions it aborts.
    T &value() & { return status().or_throw(), *get(); }
    const T &value() const & { return status().or_throw(), *get(); }
    T value() && { return status().or_throw(), std::move(*get()); }
    T value_or(T otherwise) && { return ok() ? std::move(*get()) : std::move(otherwise); }

private:
    T *get() noexcept {
        assert(ok());
        return std::get_if<0>(&held_);
    }
    const T *get() const noexcept {
        assert(ok());
        return std::get_if<0>(&held_);
    }

    std::variant<T, Status> held_;
};

} // namespace weave

#endif // WEAVE_STATUS_HPP
