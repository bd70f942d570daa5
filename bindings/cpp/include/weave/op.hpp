// op(): functions whose calls are logged, with arguments, result and exception.
#ifndef WEAVE_OP_HPP
#define WEAVE_OP_HPP

#include <weave/client.hpp>
#include <weave/json.hpp>
#include <weave/type_name.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weave {

namespace detail {

// How ops come to clients, which they do not own.
struct Sessions {
    static std::weak_ptr<Session> of(const Client &client) noexcept { return client.session_; }
    static std::weak_ptr<Session> of(const Parent &call) noexcept { return call.session_; }
    // An empty one when the session is gone.
    static Client client(const std::weak_ptr<Session> &session) noexcept { return Client(session.lock()); }
};

// What an op is but its function.
struct OpMarks {
    std::string name;
    std::vector<std::string> names; // of arguments
    CallOptions options;
    bool bound = false; // to the session of a client; else that of the call which the thread is in
    std::weak_ptr<Session> session;

    Client client() const { return Sessions::client(bound ? session : Sessions::of(current())); }
};

// One call of an op. Whatever goes wrong with logging, the function runs as without.
class OpRun {
public:
    explicit OpRun(const OpMarks &marks) noexcept : marks_(marks) {}

    template <class... Arguments>
    void start(const Arguments &...arguments) noexcept {
        bool is_done = false; // not when a conversion throws
        logging([&] { is_done = begin<false>(arguments...); });
        if (!is_done) {
            logging([&] { begin<true>(arguments...); });
        }
    }
    // An output that cannot be logged must not leave the call open.
    template <class Output>
    void end(const Output &output) noexcept {
        logging([&] {
            if (open()) {
                tell(call_.end(Values::any(output)));
            }
        });
        end();
    }
    void end() noexcept {
        within_.leave();
        logging([&] {
            if (open()) {
                tell(call_.end());
            }
        });
    }
    template <class TypeName>
    void fail(TypeName type_name, std::string_view message) noexcept {
        logging([&] {
            if (!open() || call_.failed()) {
                return;
            }
            const std::string type = type_name();
            const Status status = call_.set_exception(type, message);
            if (!status.ok()) {
                tell(status);
                tell(call_.set_exception(type, "its text cannot be logged: " + status.message()));
            }
        });
        end();
    }
    // Empty where nothing is logged.
    Call &call() noexcept { return call_; }

private:
    bool open() const noexcept { return call_.get() != nullptr && !call_.ended(); }

    // Begins the call. Returns false when its arguments keep it from being logged: then those which are to blame are to
    // be found, one by one.
    template <bool one_by_one, class... Arguments>
    bool begin(const Arguments &...arguments) {
        const Client client = marks_.client();
        if (client.get() == nullptr) {
            return true;
        }
        Json inputs;
        std::size_t place = 0;
        (add<one_by_one>(inputs, place++, arguments), ...);
        Result<Call> started = client.call_start(marks_.name, inputs, marks_.options);
        tell(started.status());
        if (started.ok()) {
            call_ = *std::move(started);
            within_ = Within(call_);
        }
        return inputs.text().ok() && started.status().code() != WEAVE_TOO_LARGE;
    }
    template <bool one_by_one, class Argument>
    void add(Json &inputs, std::size_t place, const Argument &argument) const {
        const std::string name = place < marks_.names.size() ? marks_.names[place] : "arg" + std::to_string(place);
        if (name.empty()) {
            return;
        }
        if (one_by_one && !can_be_logged(argument)) {
            Values::write_any(inputs, {name, true}, "<" + type_name<Argument>() + ", which cannot be logged>");
        } else {
            Values::write_any(inputs, {name, true}, argument);
        }
    }
    template <class Argument>
    static bool can_be_logged(const Argument &argument) noexcept {
        constexpr std::size_t largest = 1 << 20; // so that several have room in a record
        bool can = false;
        contained([&] {
            const Json alone = Values::any(argument);
            const Result<std::string_view> text = alone.text();
            can = text.ok() && text->size() <= largest;
        });
        return can;
    }
    void tell(const Status &status) const {
        if (!status.ok()) {
            detail::tell("op \"" + marks_.name + '"', status);
        }
    }
    // Runs a step of logging; what it throws, as conversions of the program may, is told.
    template <class Step>
    void logging(Step step) noexcept {
#if defined(__cpp_exceptions)
        try {
            step();
        } catch (const std::exception &exception) {
            contained([&] { tell({WEAVE_INVALID_ARGUMENT, std::string("an exception: ") + exception.what()}); });
        } catch (...) {
            contained([&] { tell({WEAVE_INVALID_ARGUMENT, "an exception of type " + caught_type_name()}); });
        }
#else
        step();
#endif
    }

    const OpMarks &marks_;
    Call call_;
    Within within_;
};

// Runs the function's part; an exception that leaves it is told to the run by type and text, and goes on as it was.
template <class Body>
decltype(auto) watched(OpRun &run, Body body) {
#if defined(__cpp_exceptions)
    try {
        return body();
    } catch (const std::exception &exception) {
        run.fail([&] { return type_name(exception); }, exception.what());
        throw;
    } catch (...) {
        run.fail(caught_type_name, "not a std::exception, so that it has no text");
        throw;
    }
#else
    static_cast<void>(run);
    return body();
#endif
}

// What is logged of an argument. Memory for the function to write to holds no text yet, which would have an end.
template <class T>
const T &shown(const T &argument) noexcept {
    return argument;
}
inline std::string_view shown(char *const &) noexcept { return "<char*>"; }

// Ends a run whose result is made where the caller keeps it, and so cannot be looked at.
struct Ending {
    OpRun &run;
    ~Ending() { run.end(); }
};

// Logs what a function is called with. Of a member function that is what follows the object.
template <bool of_object>
struct Inputs {
    template <class... Arguments>
    static void start(OpRun &run, const Arguments &...arguments) noexcept {
        run.start(arguments...);
    }
};
template <>
struct Inputs<true> {
    template <class Object, class... Arguments>
    static void start(OpRun &run, const Object &, const Arguments &...arguments) noexcept {
        run.start(arguments...);
    }
};

template <class Function, class... Arguments>
decltype(auto) run_op(const OpMarks &marks, Function &function, Arguments &&...arguments) {
    OpRun run(marks);
    Inputs<std::is_member_pointer_v<std::remove_const_t<Function>>>::start(run, shown(arguments)...);
    const auto body = [&]() -> decltype(auto) {
        if constexpr (std::is_invocable_v<Function &, Arguments...>) {
            return std::invoke(function, std::forward<Arguments>(arguments)...);
        } else {
            return std::invoke(function, run.call(), std::forward<Arguments>(arguments)...);
        }
    };
    using Returned = decltype(body());
    if constexpr (std::is_void_v<Returned>) {
        watched(run, body);
        run.end();
    } else if constexpr (std::is_reference_v<Returned>) {
        Returned result = watched(run, body);
        run.end(result);
        return static_cast<Returned>(result);
    } else if constexpr (!std::is_move_constructible_v<Returned>) {
        const Ending ending{run};
        return watched(run, body);
    } else {
        Returned result = watched(run, body);
        run.end(result);
        return result;
    }
}

template <class Function, class... Arguments>
inline constexpr bool runs =
    std::disjunction_v<std::is_invocable<Function, Arguments...>, std::is_invocable<Function, Call &, Arguments...>>;

} // namespace detail

/// A function whose calls are logged; what op() makes. It can be called like the function, but for default arguments
/// and braces in place of arguments, copied and moved as far as that can be, and called on several threads at once if
/// that may be.
template <class Function>
class Op {
public:
    /// By op().
    Op(detail::OpMarks marks, Function function) : marks_(std::move(marks)), function_(std::move(function)) {}

    /// Calls the function, and logs the call.
    template <class... Arguments, class = std::enable_if_t<detail::runs<const Function &, Arguments...>>>
    decltype(auto) operator()(Arguments &&...arguments) const {
        return detail::run_op(marks_, function_, std::forward<Arguments>(arguments)...);
    }
    /// The same for a function that changes itself.
    template <class... Arguments, class = std::enable_if_t<detail::runs<Function &, Arguments...>>>
    decltype(auto) operator()(Arguments &&...arguments) {
        return detail::run_op(marks_, function_, std::forward<Arguments>(arguments)...);
    }

private:
    detail::OpMarks marks_;
    Function function_;
};

/// Wraps a function, so that each of its calls is logged.
///
/// What is logged: its arguments by the names that are given (others are "arg0", "arg1", …; an empty name leaves one
/// out), its result as output, and an exception that leaves it by type and text, which then goes on. Arguments are
/// logged before it runs. Those and results without a conversion to JSON (values.hpp) are logged as "<Type>", and what
/// the function may write to, a `char *` or an array of `char`, as "<char*>"; a `const char *` has to end with a NUL.
/// An argument whose conversion fails, or of more than 1 MiB where all have more than a record holds, is told by its
/// type. A result that cannot be moved is not logged. Calls that are started inside become children.
///
/// The function is anything that can be called: a function, lambda, functor, member function (its object is not
/// logged). All but a member function may take a `weave::Call &` before the arguments: its own call, to add usage and
/// the like; an empty one where nothing is logged. One that gives back a future or a coroutine has ended when it gives
/// it back.
///
/// The calls are logged with the client of the call that the thread is in (Scope, Within, another op), and not at all
/// outside of any. Whatever goes wrong with logging, the function runs and returns as it would without; the log
/// callback is told (set_log_callback).
template <class Function>
Op<std::decay_t<Function>> op(std::string_view name, std::initializer_list<std::string_view> arguments,
                              Function &&function, CallOptions options = {}) {
    return {{std::string(name), {arguments.begin(), arguments.end()}, std::move(options), false, {}},
            std::forward<Function>(function)};
}
/// The same without names of arguments.
template <class Function>
Op<std::decay_t<Function>> op(std::string_view name, Function &&function, CallOptions options = {}) {
    return op(name, {}, std::forward<Function>(function), std::move(options));
}
/// The same for the calls of one client, also where the thread is in no call. It does not keep the client alive: when
/// that is gone, nothing is logged.
template <class Function>
Op<std::decay_t<Function>> op(const Client &client, std::string_view name,
                              std::initializer_list<std::string_view> arguments, Function &&function,
                              CallOptions options = {}) {
    return {{std::string(name), {arguments.begin(), arguments.end()}, std::move(options), true,
             detail::Sessions::of(client)},
            std::forward<Function>(function)};
}
/// The same without names of arguments.
template <class Function>
Op<std::decay_t<Function>> op(const Client &client, std::string_view name, Function &&function,
                              CallOptions options = {}) {
    return op(client, name, {}, std::forward<Function>(function), std::move(options));
}

} // namespace weave

#endif // WEAVE_OP_HPP
