// CallOptions: what a call may be given beside its inputs.
#ifndef WEAVE_CALL_OPTIONS_HPP
#define WEAVE_CALL_OPTIONS_HPP

#include <weave/current.hpp>
#include <weave/type_name.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace weave {

namespace detail {

// A setting is kept until a call takes it, its texts with it.
struct KeptMaybe {
    std::string text;
    bool given;
};
struct KeptJson {
    std::string text;
};
inline std::string kept(std::string_view text) { return std::string(text); }
inline KeptMaybe kept(Maybe maybe) { return {std::string(maybe.text), maybe.given}; }
inline KeptJson kept(const JsonText &json) { return {std::string(json.text())}; }
template <class T, class = std::enable_if_t<std::is_arithmetic_v<T>>>
T kept(T value) {
    return value;
}
inline Time kept(Time time) { return time; }

inline std::string_view lent(const std::string &text) { return text; }
inline Maybe lent(const KeptMaybe &maybe) { return {maybe.text, maybe.given}; }
inline JsonText lent(const KeptJson &json) { return json.text; }
template <class T>
const T &lent(const T &value) {
    return value;
}

class GivenOptions;

} // namespace detail

/// What a call may be given; everything is optional. Setters can be chained; the first that fails is told by whatever
/// takes the options. They can be copied, and shared by threads that do not change them.
class CallOptions : public detail::Builder<CallOptions> {
public:
    /// As weave_call_options_set_parent(). None begins a trace, also on a thread that is in a call.
    CallOptions &set_parent(const Parent &parent) {
        settings_.push_back([parent](weave_call_options *options) {
            const weave_call *call = parent.get();
            return detail::invoke(weave_call_options_set_parent, options, call);
        });
        return place();
    }
    /// As weave_call_options_set_parent_context(): what Call::context gave elsewhere.
    CallOptions &set_parent_context(std::string_view line) {
        return set(weave_call_options_set_parent_context, line).place();
    }
    /// As weave_call_options_set_id().
    CallOptions &set_id(std::string_view id) { return set(weave_call_options_set_id, id); }
    /// As weave_call_options_set_trace_id().
    CallOptions &set_trace_id(std::string_view id) { return set(weave_call_options_set_trace_id, id).place(); }
    /// As weave_call_options_set_parent_id().
    CallOptions &set_parent_id(std::string_view id) { return set(weave_call_options_set_parent_id, id).place(); }
    /// As weave_call_options_set_display_name().
    CallOptions &set_display_name(std::string_view name) { return set(weave_call_options_set_display_name, name); }
    /// As weave_call_options_set_thread_id(): the conversation, not a thread of the program.
    CallOptions &set_thread_id(std::string_view id) { return set(weave_call_options_set_thread_id, id); }
    /// As weave_call_options_set_turn_id().
    CallOptions &set_turn_id(std::string_view id) { return set(weave_call_options_set_turn_id, id); }
    /// As weave_call_options_set_kind(): "llm", "tool", "agent", …
    CallOptions &set_kind(std::string_view kind) { return set(weave_call_options_set_kind, kind); }
    /// As weave_call_options_set_attributes().
    CallOptions &set_attributes(const JsonText &json) { return set(weave_call_options_set_attributes, json); }
    /// As weave_call_options_set_summary().
    CallOptions &set_summary(const JsonText &json) { return set(weave_call_options_set_summary, json); }
    /// As weave_call_options_add_usage().
    CallOptions &add_usage(std::string_view model, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
        return set(weave_call_options_add_usage, model, prompt_tokens, completion_tokens);
    }
    /// As weave_call_options_add_usage_json().
    CallOptions &add_usage_json(std::string_view model, const JsonText &usage) {
        return set(weave_call_options_add_usage_json, model, usage);
    }
    /// As weave_call_options_set_exception(). An empty type or traceback is none.
    CallOptions &set_exception(std::string_view type, std::string_view message, std::string_view traceback = {}) {
        return set(weave_call_options_set_exception, detail::unless_empty(type), message,
                   detail::unless_empty(traceback));
    }
    /// The type and text of an exception.
    CallOptions &set_exception(const std::exception &exception) {
        return set_exception(detail::type_name(exception), exception.what());
    }
    /// As weave_call_options_set_started_at().
    CallOptions &set_started_at(Time time) { return set(weave_call_options_set_started_at, time); }
    /// As weave_call_options_set_ended_at().
    CallOptions &set_ended_at(Time time) { return set(weave_call_options_set_ended_at, time); }
    /// As weave_call_options_set_wb_run(). A negative step is not known.
    CallOptions &set_wb_run(std::string_view run_id, std::int64_t step = -1, std::int64_t step_end = -1) {
        return set(weave_call_options_set_wb_run, run_id, step, step_end);
    }

private:
    friend class detail::GivenOptions;

    template <class Function, class... Arguments>
    CallOptions &set(Function function, const Arguments &...arguments) {
        Status fault = detail::first_fault(detail::ready(arguments)...);
        if (!fault.ok()) {
            return keep(std::move(fault));
        }
        settings_.push_back([function, kept = std::make_tuple(detail::kept(arguments)...)](weave_call_options *made) {
            return std::apply(
                [&](const auto &...argument) { return detail::invoke(function, made, detail::lent(argument)...); },
                kept);
        });
        return *this;
    }
    CallOptions &place() {
        placed_ = true;
        return *this;
    }

    std::vector<std::function<Status(weave_call_options *)>> settings_;
    bool placed_ = false; // it is said where the call stands, so that the thread's call is not asked for
};

/// Options with nothing but a parent.
inline CallOptions child_of(const Parent &parent) {
    CallOptions options;
    options.set_parent(parent);
    return options;
}

namespace detail {

// The options of one call, as C takes them: what the program set, and where it set no parent, the call that the thread
// is in. NULL when there is nothing to say.
class GivenOptions {
public:
    GivenOptions(const CallOptions &options, const std::shared_ptr<Session> &session) : fault_(options.status()) {
        const Parent *parent = options.placed_ ? nullptr : current_of(session);
        if (options.settings_.empty() && parent == nullptr) {
            return;
        }
        made_.reset(weave_call_options_new());
        if (parent != nullptr) {
            weave_call_options_set_parent(made_.get(), parent->get());
        }
        for (auto setting = options.settings_.begin(); setting != options.settings_.end() && fault_.ok(); ++setting) {
            fault_ = (*setting)(made_.get());
        }
    }

    bool passes() const noexcept { return fault_.ok(); }
    const Status &fault() const noexcept { return fault_; }
    std::tuple<const weave_call_options *> c() const { return {made_.get()}; }

private:
    Handle<weave_call_options, weave_call_options_free> made_;
    Status fault_;
};

inline const GivenOptions &ready(const GivenOptions &options) { return options; }

} // namespace detail
} // namespace weave

#endif // WEAVE_CALL_OPTIONS_HPP
