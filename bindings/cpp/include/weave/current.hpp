// The call that a thread is in: what is started on it without a parent of its own becomes that call's child.
#ifndef WEAVE_CURRENT_HPP
#define WEAVE_CURRENT_HPP

#include <weave/arguments.hpp>

#include <atomic>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace weave {

class Call;
class Parent;

namespace detail {

// What is owned by a Client. Calls and ops hold it weakly: they may outlive it.
struct Session {
    Session(std::shared_ptr<const void> needed, weave_client *made) noexcept
        : keeps(std::move(needed)), client(made) {}
    const std::shared_ptr<const void> keeps; // what the callbacks need, for calls as well; it goes after the client
    const Handle<weave_client, weave_client_free> client;
};
struct Sessions; // in op.hpp

inline const Parent *current_of(const std::shared_ptr<Session> &session) noexcept;

} // namespace detail

/// A call as the parent of others: to be copied to wherever they are started, also on other threads. The call may end
/// meanwhile, and the Call be destroyed. A Call converts to it.
class Parent {
public:
    /// None: what is given it begins a trace of its own.
    Parent() noexcept = default;

    /// Empty for none.
    std::string_view id() const noexcept { return detail::view(weave_call_id(get())); }
    /// Empty for none.
    std::string_view trace_id() const noexcept { return detail::view(weave_call_trace_id(get())); }
    /// A line that carries the call to another process or machine, for CallOptions::set_parent_context.
    std::string_view context() const noexcept { return detail::view(weave_call_context(get())); }

    /// The handle of C; NULL for none.
    weave_call *get() const noexcept { return call_.get(); }

private:
    friend class Call;
    friend struct detail::Sessions;
    friend const Parent *detail::current_of(const std::shared_ptr<detail::Session> &session) noexcept;
    Parent(std::shared_ptr<weave_call> call, std::weak_ptr<detail::Session> session) noexcept
        : call_(std::move(call)), session_(std::move(session)) {}

    std::shared_ptr<weave_call> call_;
    std::weak_ptr<detail::Session> session_;
};

namespace detail {

// A call that a thread is in. It may be left on another thread, which can but say so.
struct Frame {
    explicit Frame(Parent parent) noexcept : call(std::move(parent)) {}
    const Parent call;
    std::atomic<bool> left{false};
};

// Whether a thread is in any call. It outlives the list, which destructors of the thread may ask for when it is gone.
enum class Nesting : char { none, some, over };
inline thread_local Nesting nesting = Nesting::none;

// The calls that a thread is in, the innermost last. No other thread touches the list.
class Frames {
public:
    Frames() noexcept = default;
    Frames(const Frames &) = delete;
    Frames &operator=(const Frames &) = delete;
    ~Frames() { nesting = Nesting::over; }

    static Frames &of_this_thread() {
        thread_local Frames frames;
        return frames;
    }
    // Before the list grows, it forgets those that were left below others: it has room for what the thread is in.
    void enter(std::shared_ptr<Frame> frame) {
        std::vector<std::shared_ptr<Frame>> gone;
        if (frames_.size() == frames_.capacity()) {
            auto kept = frames_.begin();
            for (auto one = kept; one != frames_.end(); ++one) {
                if (!is_left(**one)) {
                    std::swap(*kept++, *one);
                }
            }
            gone.assign(std::make_move_iterator(kept), std::make_move_iterator(frames_.end()));
            frames_.erase(kept, frames_.end());
        }
        frames_.push_back(std::move(frame));
        nesting = Nesting::some;
    }
    // Forgets those on top that were left. Freeing a call may run code of the program, which may come here: not before
    // the list is in order.
    void settle() noexcept {
        while (!frames_.empty() && is_left(*frames_.back())) {
            const std::shared_ptr<Frame> gone = std::move(frames_.back());
            frames_.pop_back();
        }
        if (frames_.empty()) {
            nesting = Nesting::none;
        }
    }
    template <class Wanted>
    const Parent *innermost(Wanted wanted) noexcept {
        settle();
        for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
            if (!is_left(**frame) && wanted((*frame)->call)) {
                return &(*frame)->call;
            }
        }
        return nullptr;
    }

private:
    static bool is_left(const Frame &frame) noexcept { return frame.left.load(std::memory_order_acquire); }

    std::vector<std::shared_ptr<Frame>> frames_;
};

// The innermost call of a client that this thread is in; NULL for none.
inline const Parent *current_of(const std::shared_ptr<Session> &session) noexcept {
    if (nesting != Nesting::some) {
        return nullptr;
    }
    return Frames::of_this_thread().innermost([&](const Parent &call) {
        return !call.session_.owner_before(session) && !session.owner_before(call.session_);
    });
}

} // namespace detail

/// The innermost call that this thread is in, of whatever client; none outside of any. What hops to another thread
/// takes it along.
inline Parent current() noexcept {
    if (detail::nesting != detail::Nesting::some) {
        return {};
    }
    const Parent *found = detail::Frames::of_this_thread().innermost([](const Parent &) { return true; });
    return found == nullptr ? Parent() : *found;
}

/// Puts this thread into a call, as long as it lives: what is started on it meanwhile is a child, unless it is given a
/// parent. It neither begins nor ends the call. One that is destroyed on another thread leaves the call all the same.
class [[nodiscard]] Within {
public:
    /// In no call.
    Within() noexcept = default;
    /// In this call; in none when it is empty.
    explicit Within(const Parent &call) {
        if (call.get() != nullptr && detail::nesting != detail::Nesting::over) {
            frame_ = std::make_shared<detail::Frame>(call);
            detail::Frames::of_this_thread().enter(frame_);
        }
    }
    /// The other one is in no call then.
    Within(Within &&) noexcept = default;
    /// The other one is in no call then.
    Within &operator=(Within &&other) noexcept {
        if (this != &other) {
            leave();
            frame_ = std::move(other.frame_);
        }
        return *this;
    }
    ~Within() { leave(); }

    /// Leaves the call before the end of this.
    void leave() noexcept {
        if (!frame_) {
            return;
        }
        frame_->left.store(true, std::memory_order_release);
        frame_.reset();
        if (detail::nesting == detail::Nesting::some) {
            detail::Frames::of_this_thread().settle();
        }
    }

private:
    std::shared_ptr<detail::Frame> frame_;
};

} // namespace weave

#endif // WEAVE_CURRENT_HPP
