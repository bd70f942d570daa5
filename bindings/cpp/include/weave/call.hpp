// Call: a call that runs.
#ifndef WEAVE_CALL_HPP
#define WEAVE_CALL_HPP

#include <weave/call_options.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace weave {

class Client;

/// A live call. Any thread, one at a time for setters and end; children may be started on any thread meanwhile.
///
/// One that is destroyed before it ended stays open, as a crashed program would leave it: Scope is the one that ends by
/// itself. An empty Call (default-made or moved from) answers `WEAVE_INVALID_ARGUMENT`.
class Call {
public:
    /// An empty one.
    Call() noexcept = default;
    /// The other one is empty then.
    Call(Call &&) noexcept = default;
    /// The other one is empty then. The call that was held stays open if it has not ended.
    Call &operator=(Call &&) noexcept = default;
    Call(const Call &) = delete;
    Call &operator=(const Call &) = delete;
    ~Call() = default;

    /// As weave_call_end(): any JSON value, or none.
    Status end(const JsonText &output = {}) { return note(ended_, weave_call_end, output); }
    /// Says what failed; the call is still to be ended. An empty type or traceback is none.
    Status set_exception(std::string_view type, std::string_view message, std::string_view traceback = {}) {
        return note(failed_, weave_call_set_exception, detail::unless_empty(type), message,
                    detail::unless_empty(traceback));
    }
    /// The type and text of an exception.
    Status set_exception(const std::exception &exception) {
        return set_exception(detail::type_name(exception), exception.what());
    }
    /// As weave_call_set_summary().
    Status set_summary(const JsonText &summary) { return detail::invoke(weave_call_set_summary, get(), summary); }
    /// As weave_call_add_usage().
    Status add_usage(std::string_view model, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
        return detail::invoke(weave_call_add_usage, get(), model, prompt_tokens, completion_tokens);
    }
    /// As weave_call_add_usage_json().
    Status add_usage_json(std::string_view model, const JsonText &usage) {
        return detail::invoke(weave_call_add_usage_json, get(), model, usage);
    }
    /// As weave_call_set_display_name(): also after the end.
    Status set_display_name(std::string_view name) {
        return detail::invoke(weave_call_set_display_name, get(), name);
    }
    /// As weave_call_set_ended_at().
    Status set_ended_at(Time time) { return detail::invoke(weave_call_set_ended_at, get(), time); }

    /// Lives as long as the call; empty for an empty Call.
    std::string_view id() const noexcept { return self_.id(); }
    /// Lives as long as the call; empty for an empty Call.
    std::string_view trace_id() const noexcept { return self_.trace_id(); }
    /// A line that carries this call as a parent to another process or machine. It lives as long as the call.
    std::string_view context() const noexcept { return self_.context(); }
    /// As weave_call_ref(): for feedback and values.
    Result<std::string> ref() const { return detail::invoke_for_text(weave_call_ref, get()); }
    /// This call as the parent of others.
    operator const Parent &() const noexcept { return self_; }

    /// Whether `end` succeeded here.
    bool ended() const noexcept { return ended_; }
    /// Whether `set_exception` succeeded here.
    bool failed() const noexcept { return failed_; }
    /// The handle of C; NULL when empty.
    weave_call *get() const noexcept { return self_.get(); }

private:
    friend class Client;
    Call(std::shared_ptr<weave_call> call, std::weak_ptr<detail::Session> session) noexcept
        : self_(std::move(call), std::move(session)) {}

    template <class Function, class... Arguments>
    Status note(bool &done, Function function, const Arguments &...arguments) {
        Status status = detail::invoke(function, get(), arguments...);
        done = done || status.ok();
        return status;
    }

    Parent self_;
    bool ended_ = false;
    bool failed_ = false;
};

} // namespace weave

#endif // WEAVE_CALL_HPP
