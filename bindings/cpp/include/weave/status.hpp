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

/// A `weave_status` with the text of the error: what happened, to what, and the cure.
class [[nodiscard]] Status {
public:
    /// Ok.
    Status() noexcept = default;
    /// A status of the program's own.
    Status(weave_status code, std::string message) noexcept : code_(code), message_(std::move(message)) {}

    /// The status of the C function that has just returned on this thread, with its text.
    static Status of(weave_status code) { return code == WEAVE_OK ? Status() : failure(code); }

    /// Whether all went well.
    bool ok() const noexcept { return code_ == WEAVE_OK; }
    /// The same.
    explicit operator bool() const noexcept { return ok(); }
    /// The number in `weave.h`.
    weave_status code() const noexcept { return code_; }
    /// Empty when ok.
    const std::string &message() const noexcept { return message_; }

    /// Throws Error unless ok; without exceptions it aborts.
    void or_throw() const;
    /// Says that a failure does not matter here.
    void ignore() const noexcept {}

private:
    static Status failure(weave_status code) {
        std::string text(weave_last_error(nullptr, 0) + 1, '\0');
        text.resize(std::min(weave_last_error(text.data(), text.size()), text.size() - 1));
        return {code, std::move(text)};
    }

    weave_status code_ = WEAVE_OK;
    std::string message_;
};

/// What `or_throw` and `value` throw.
class Error : public std::runtime_error {
public:
    /// The error that a status tells of.
    explicit Error(const Status &status) : std::runtime_error(status.message()), code_(status.code()) {}
    /// The number in `weave.h`.
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

/// A value, or the status that says why there is none.
template <class T>
class [[nodiscard]] Result {
public:
    /// The value.
    Result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
    /// No value; the status must not be ok.
    Result(Status status) : held_(std::in_place_index<1>, std::move(status)) { assert(!std::get<1>(held_).ok()); }

    /// Whether there is a value.
    bool ok() const noexcept { return held_.index() == 0; }
    /// The same.
    explicit operator bool() const noexcept { return ok(); }
    /// Why there is no value; ok when there is one.
    Status status() const { return failure() == nullptr ? Status() : *failure(); }
    /// The number in `weave.h`.
    weave_status code() const noexcept { return failure() == nullptr ? WEAVE_OK : failure()->code(); }
    /// Empty when ok.
    std::string message() const { return failure() == nullptr ? std::string() : failure()->message(); }
    /// Says that a failure does not matter here.
    void ignore() const noexcept {}

    /// The value, only when ok.
    T &operator*() & noexcept { return *get(); }
    /// The value, only when ok.
    const T &operator*() const & noexcept { return *get(); }
    /// The value, only when ok.
    T &&operator*() && noexcept { return std::move(*get()); }
    /// The value, only when ok.
    T *operator->() noexcept { return get(); }
    /// The value, only when ok.
    const T *operator->() const noexcept { return get(); }

    /// The value; throws Error when there is none. Without exceptions it aborts.
    T &value() & { return or_throw(), *get(); }
    /// The value; throws Error when there is none. Without exceptions it aborts.
    const T &value() const & { return or_throw(), *get(); }
    /// The value; throws Error when there is none. Without exceptions it aborts.
    T value() && { return or_throw(), std::move(*get()); }
    /// The value, or another where there is none.
    T value_or(T otherwise) && { return ok() ? std::move(*get()) : std::move(otherwise); }

private:
    const Status *failure() const noexcept { return std::get_if<1>(&held_); }
    void or_throw() const {
        if (failure() != nullptr) {
            failure()->or_throw();
        }
    }
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
