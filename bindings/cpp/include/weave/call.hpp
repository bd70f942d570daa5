// Live calls: CallOptions, Call, and Scope, which ends its call by itself.
#ifndef WEAVE_CALL_HPP
#define WEAVE_CALL_HPP

#include <weave/arguments.hpp>

#include <cstdint>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>
#include <utility>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace weave {

class Call;
class Client;

namespace detail {

// The name of an exception's type as it is written in the source, where the compiler tells it.
inline std::string type_name(const std::exception &exception) {
#if !defined(__cpp_rtti)
    (void)exception;
    return "std::exception";
#else
    const char *name = typeid(exception).name();
#if __has_include(<cxxabi.h>)
    int status = 0;
    const std::unique_ptr<char, void (*)(void *)> demangled(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                            std::free);
    if (demangled) {
        return demangled.get();
    }
#endif
    return name;
#endif
}

} // namespace detail

// What a call may be given; everything is optional. Setters can be chained; the first that fails is told by whatever
// takes the options.
class CallOptions : public detail::Builder<CallOptions> {
public:
    CallOptions &set_parent(const Call &parent);
    CallOptions &set_parent_context(std::string_view line) { return set(weave_call_options_set_parent_context, line); }
    CallOptions &set_id(std::string_view id) { return set(weave_call_options_set_id, id); }
    CallOptions &set_trace_id(std::string_view id) { return set(weave_call_options_set_trace_id, id); }
    CallOptions &set_parent_id(std::string_view id) { return set(weave_call_options_set_parent_id, id); }
    CallOptions &set_display_name(std::string_view name) { return set(weave_call_options_set_display_name, name); }
    CallOptions &set_thread_id(std::string_view id) { return set(weave_call_options_set_thread_id, id); }
    CallOptions &set_turn_id(std::string_view id) { return set(weave_call_options_set_turn_id, id); }
    CallOptions &set_kind(std::string_view kind) { return set(weave_call_options_set_kind, kind); }
    CallOptions &set_attributes(const JsonText &json) { return set(weave_call_options_set_attributes, json); }
    CallOptions &set_summary(const JsonText &json) { return set(weave_call_options_set_summary, json); }
    CallOptions &add_usage(std::string_view model, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
        return set(weave_call_options_add_usage, model, prompt_tokens, completion_tokens);
    }
    CallOptions &add_usage_json(std::string_view model, const JsonText &usage) {
        return set(weave_call_options_add_usage_json, model, usage);
    }
    // An empty type or traceback is none.
    CallOptions &set_exception(std::string_view type, std::string_view message, std::string_view traceback = {}) {
        return set(weave_call_options_set_exception, detail::unless_empty(type), message,
                   detail::unless_empty(traceback));
    }
    CallOptions &set_exception(const std::exception &exception) {
        return set_exception(detail::type_name(exception), exception.what());
    }
    CallOptions &set_started_at(Time time) { return set(weave_call_options_set_started_at, time); }
    CallOptions &set_ended_at(Time time) { return set(weave_call_options_set_ended_at, time); }
    // A negative step is not known.
    CallOptions &set_wb_run(std::string_view run_id, std::int64_t step = -1, std::int64_t step_end = -1) {
        return set(weave_call_options_set_wb_run, run_id, step, step_end);
    }

    // NULL as long as nothing is set.
    weave_call_options *get() const noexcept { return handle_.get(); }

private:
    template <class Function, class... Arguments>
    CallOptions &set(Function function, const Arguments &...arguments) {
        if (!handle_) {
            handle_.reset(weave_call_options_new());
        }
        return keep(detail::invoke(function, get(), arguments...));
    }

    detail::Handle<weave_call_options, weave_call_options_free> handle_;
};

// A live call. Any thread, one at a time for setters and end; children may be started on any thread meanwhile. One that
// is destroyed before it ended stays open, as a crashed program would leave it: Scope is the one that ends by itself.
// An empty Call (default-made or moved from) answers WEAVE_INVALID_ARGUMENT.
class Call {
public:
    Call() noexcept = default;

    Status end(const JsonText &output = {}) { return note(ended_, weave_call_end, output); }
    // Says what failed; the call is still to be ended. An empty type or traceback is none.
    Status set_exception(std::string_view type, std::string_view message, std::string_view traceback = {}) {
        return note(failed_, weave_call_set_exception, detail::unless_empty(type), message,
                    detail::unless_empty(traceback));
    }
    Status set_exception(const std::exception &exception) {
        return set_exception(detail::type_name(exception), exception.what());
    }
    Status set_summary(const JsonText &summary) { return detail::invoke(weave_call_set_summary, get(), summary); }
    Status add_usage(std::string_view model, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
        return detail::invoke(weave_call_add_usage, get(), model, prompt_tokens, completion_tokens);
    }
    Status add_usage_json(std::string_view model, const JsonText &usage) {
        return detail::invoke(weave_call_add_usage_json, get(), model, usage);
    }
    Status set_display_name(std::string_view name) {
        return detail::invoke(weave_call_set_display_name, get(), name);
    }
    Status set_ended_at(Time time) { return detail::invoke(weave_call_set_ended_at, get(), time); }

    // These live as long as the call; empty for an empty Call.
    std::string_view id() const noexcept { return detail::view(weave_call_id(get())); }
    std::string_view trace_id() const noexcept { return detail::view(weave_call_trace_id(get())); }
    // A line that carries this call as a parent to another thread, process or machine.
    std::string_view context() const noexcept { return detail::view(weave_call_context(get())); }
    Result<std::string> ref() const { return detail::invoke_for_text(weave_call_ref, get()); }

    // Whether `end` succeeded here.
    bool ended() const noexcept { return ended_; }
    // Whether `set_exception` succeeded here.
    bool failed() const noexcept { return failed_; }
    weave_call *get() const noexcept { return handle_.get(); }

private:
    friend class Client;
    Call(weave_call *call, std::shared_ptr<const void> keeps) : handle_(call, {std::move(keeps)}) {}

    template <class Function, class... Arguments>
    Status note(bool &done, Function function, const Arguments &...arguments) {
        Status status = detail::invoke(function, get(), arguments...);
        done = done || status.ok();
        return status;
    }

    detail::Handle<weave_call, weave_call_free> handle_;
    bool ended_ = false;
    bool failed_ = false;
};

// A call that is ended when the scope is left, if it was not ended before; an exception that passes through marks it as
// failed. Its type and text are not known then: catch it and call set_exception(exception) to tell them. To be destroyed
// on the thread that made it. A Call made from a moved Scope goes on without it.
class [[nodiscard]] Scope : public Call {
public:
    Scope() noexcept = default;
    explicit Scope(Call &&call) noexcept : Call(std::move(call)) {}
    Scope(Scope &&) noexcept = default;
    Scope &operator=(Scope &&other) noexcept {
        if (this != &other) {
            leave();
            Call::operator=(std::move(other));
            exceptions_ = other.exceptions_;
        }
        return *this;
    }
    ~Scope() { leave(); }

private:
    void leave() noexcept {
        if (get() == nullptr || ended()) {
            return;
        }
        if (std::uncaught_exceptions() > exceptions_ && !failed()) {
            weave_call_set_exception(get(), "exception", "a C++ exception left the scope of this call", nullptr);
        }
        weave_call_end(get(), nullptr, 0);
    }

    int exceptions_ = std::uncaught_exceptions();
};

inline CallOptions &CallOptions::set_parent(const Call &parent) {
    return set(weave_call_options_set_parent, static_cast<const weave_call *>(parent.get()));
}

// Options with nothing but a parent.
inline CallOptions child_of(const Call &parent) {
    CallOptions options;
    options.set_parent(parent);
    return options;
}

} // namespace weave

#endif // WEAVE_CALL_HPP
