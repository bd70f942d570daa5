// Scope: a call for a block of code, which nests by itself and ends by itself.
#ifndef WEAVE_SCOPE_HPP
#define WEAVE_SCOPE_HPP

#include <weave/call.hpp>
#include <weave/log.hpp>

#include <exception>
#include <utility>

namespace weave {

/// A call that is ended when the scope is left, if it was not ended before. Until then this thread is in it (see
/// Within): what is started meanwhile, also by functions that know nothing of the scope, becomes its child.
///
/// An exception that passes through marks the call as failed. Its type and text cannot be known: C++ shows an exception
/// to handlers alone. Catch it and `call.set_exception(exception)` to tell them, or use op(), which does.
///
/// What goes wrong at the end of the block is told to the log callback (set_log_callback). One in a coroutine, or that
/// is otherwise to go on on other threads, is to be detached first. A Call made from a moved Scope goes on without it.
class [[nodiscard]] Scope : public Call {
public:
    /// An empty one, which goes on without the trace.
    Scope() noexcept = default;
    /// Takes over a call, and puts this thread into it.
    explicit Scope(Call &&call) : Call(std::move(call)), within_(*this) {}
    /// The other one is empty then.
    Scope(Scope &&) noexcept = default;
    /// The call that was held is left first. The other one is empty then. What is assigned has begun before that, as a
    /// child of the call that was held: for one beside it, assign `{}` before.
    Scope &operator=(Scope &&other) noexcept {
        if (this != &other) {
            leave();
            Call::operator=(std::move(other));
            within_ = std::move(other.within_);
            exceptions_ = other.exceptions_;
        }
        return *this;
    }
    ~Scope() { leave(); }

    /// As Call::end; when that succeeds, the thread has left the call.
    Status end(const JsonText &output = {}) {
        Status status = Call::end(output);
        if (status.ok()) {
            detach();
        }
        return status;
    }
    /// Takes the thread out of the call, which goes on: what is its child is then given it as a parent (child_of).
    void detach() noexcept { within_.leave(); }

private:
    void leave() noexcept {
        detach();
        if (get() == nullptr || ended()) {
            return;
        }
        if (std::uncaught_exceptions() > exceptions_ && !failed()) {
            weave_call_set_exception(get(), "exception", "a C++ exception left the scope of this call", nullptr);
        }
        detail::contained([&] { detail::tell("the end of a scope", Call::end()); });
    }

    Within within_;
    int exceptions_ = std::uncaught_exceptions();
};

} // namespace weave

#endif // WEAVE_SCOPE_HPP
