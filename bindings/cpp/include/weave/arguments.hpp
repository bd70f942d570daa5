// How arguments reach C: texts get their NUL, JSON and bytes their length, chrono becomes numbers. `detail` is not for
// programs.
#ifndef WEAVE_ARGUMENTS_HPP
#define WEAVE_ARGUMENTS_HPP

#include <weave/id.hpp>
#include <weave/status.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

namespace weave {

class Json;

/// A point in time; the library counts microseconds.
using Time = std::chrono::system_clock::time_point;
/// Days with fractions.
using Days = std::chrono::duration<double, std::ratio<86400>>;
/// For functions that may take as long as they need.
inline constexpr std::chrono::milliseconds no_limit{-1};

/// JSON as a parameter: a text, or a Json in the making. Nothing, an empty text and a null pointer are no JSON at all.
class JsonText {
public:
    /// None.
    JsonText() noexcept = default;
    /// JSON text, which must live as long as this.
    JsonText(std::string_view text) noexcept : text_(text) {}
    /// JSON text, which must live as long as this.
    JsonText(const std::string &text) noexcept : text_(text) {}
    /// JSON text that ends with NUL; a null pointer is none.
    JsonText(const char *text) : text_(text == nullptr ? std::string_view() : std::string_view(text)) {}
    /// What was built, which must live as long as this, unchanged.
    JsonText(const Json &json); // in json.hpp

    /// The text; empty for none.
    std::string_view text() const noexcept { return text_; }
    /// What went wrong while it was built.
    const Status &status() const noexcept { return status_; }

private:
    std::string_view text_;
    Status status_;
};

/// Bytes as a parameter: a pointer and a size, or anything with contiguous bytes. A char array is not taken, since its
/// end is not clear.
class Bytes {
public:
    /// So many bytes from there on.
    Bytes(const void *data, std::size_t size) noexcept : data_(data), size_(size) {}
    /// The bytes of a text.
    Bytes(std::string_view bytes) noexcept : Bytes(bytes.data(), bytes.size()) {}
    /// The bytes of a vector, array, span, …
    template <class Container, class Byte = std::remove_reference_t<decltype(*std::data(std::declval<Container &>()))>,
              class = std::enable_if_t<sizeof(Byte) == 1 && std::is_trivially_copyable_v<Byte> &&
                                       !(std::is_array_v<std::remove_reference_t<Container>> &&
                                         std::is_same_v<std::remove_const_t<Byte>, char>) &&
                                       !std::is_same_v<std::decay_t<Container>, std::string_view>>>
    Bytes(const Container &bytes) noexcept : Bytes(std::data(bytes), std::size(bytes)) {}
    Bytes(const char *) = delete;

    /// Where they begin.
    const void *data() const noexcept { return data_; }
    /// How many.
    std::size_t size() const noexcept { return size_; }

private:
    const void *data_;
    std::size_t size_;
};

namespace detail {

template <class T, void (*Free)(T *)>
struct Release {
    void operator()(T *handle) const noexcept { Free(handle); }
    // What the handle's callbacks need; it goes after the handle.
    std::shared_ptr<const void> keeps = nullptr;
};
template <class T, void (*Free)(T *)>
using Handle = std::unique_ptr<T, Release<T, Free>>;

// Runs a callback of the program's; nothing that it throws may pass through C.
template <class Callback>
void contained(Callback callback) noexcept {
#if defined(__cpp_exceptions)
    try {
        callback();
    } catch (...) {
    }
#else
    callback();
#endif
}

// Takes over a text that the library made.
inline std::string taken(char *text) {
    Handle<char, weave_string_free> owned(text);
    return owned ? std::string(owned.get()) : std::string();
}

inline std::string_view view(const char *text) noexcept { return text == nullptr ? std::string_view() : text; }

// Every argument is made ready for the time of one call, in the place where it stays: `passes` says whether it can be
// passed, `fault` why not, and `c` is what C takes.

// A text with its NUL. Names are short, and a copy of some bytes on the stack costs less than memory of the heap.
class Text {
public:
    explicit Text(std::string_view text) : text_(text), c_(near_) {
        if (text.size() >= sizeof near_) {
            far_.reset(new char[text.size() + 1]);
            c_ = far_.get();
        }
        text.copy(c_, text.size());
        c_[text.size()] = '\0';
    }
    Text(const Text &) = delete;
    Text &operator=(const Text &) = delete;

    bool passes() const noexcept { return text_.find('\0') == std::string_view::npos; }
    Status fault() const {
        const auto at = text_.find('\0');
        return {WEAVE_INVALID_ARGUMENT, '"' + std::string(text_.substr(0, at)) + "…\": a NUL character at byte " +
                                            std::to_string(at) + " of a name or short text; take it out"};
    }
    std::tuple<const char *> c() const { return {c_}; }

private:
    std::string_view text_;
    char *c_;
    std::unique_ptr<char[]> far_;
    char near_[WEAVE_ID_SIZE + 128]; // an op's name, an id, most models and types
};

// A text of which none is NULL.
struct Maybe {
    std::string_view text;
    bool given;
};
inline Maybe unless_empty(std::string_view text) { return {text, !text.empty()}; }

class MaybeText {
public:
    explicit MaybeText(Maybe maybe) : text_(maybe.text), given_(maybe.given) {}
    bool passes() const noexcept { return text_.passes(); }
    Status fault() const { return text_.fault(); }
    std::tuple<const char *> c() const { return {given_ ? std::get<0>(text_.c()) : nullptr}; }

private:
    Text text_;
    bool given_;
};

struct JsonArgument {
    const JsonText &json;
    bool passes() const noexcept { return json.status().ok(); }
    const Status &fault() const { return json.status(); }
    std::tuple<const char *, std::ptrdiff_t> c() const {
        return {json.text().data(), static_cast<std::ptrdiff_t>(json.text().size())};
    }
};

struct BytesArgument {
    const Bytes &bytes;
    bool passes() const noexcept { return true; }
    Status fault() const { return {}; }
    std::tuple<const void *, std::ptrdiff_t> c() const {
        return {bytes.data(), static_cast<std::ptrdiff_t>(bytes.size())};
    }
};

template <class T>
struct Plain {
    T value;
    bool passes() const noexcept { return true; }
    Status fault() const { return {}; }
    std::tuple<T> c() const { return {value}; }
};

// What collects settings: setters can be chained, and the first that fails is told by the function that takes them.
template <class Self>
class Builder {
public:
    const Status &status() const noexcept { return status_; }

protected:
    Self &keep(Status status) {
        if (status_.ok()) {
            status_ = std::move(status);
        }
        return static_cast<Self &>(*this);
    }

private:
    Status status_;
};

template <class Self>
struct Built {
    const Builder<Self> &builder;
    bool passes() const noexcept { return builder.status().ok(); }
    const Status &fault() const { return builder.status(); }
    auto c() const { return std::make_tuple(static_cast<const Self &>(builder).get()); }
};

inline Text ready(std::string_view text) { return Text(text); }
inline MaybeText ready(Maybe text) { return MaybeText(text); }
inline JsonArgument ready(const JsonText &json) { return {json}; }
inline BytesArgument ready(const Bytes &bytes) { return {bytes}; }
inline Plain<std::int64_t> ready(Time time) {
    using std::chrono::microseconds;
    return {std::chrono::floor<microseconds>(time.time_since_epoch()).count()};
}
template <class Self>
Built<Self> ready(const Builder<Self> &builder) {
    return {builder};
}
template <class T, class = std::enable_if_t<std::is_scalar_v<T>>>
Plain<T> ready(T value) {
    return {value};
}

// Why one of them cannot be passed; ok when all can.
template <class... Ready>
Status first_fault(const Ready &...arguments) {
    Status fault;
    static_cast<void>(((arguments.passes() || (fault = arguments.fault(), false)) && ...));
    return fault;
}

// Calls C and takes the text of its error at once, on the same thread.
template <class Function, class... Ready>
Status call_c(Function function, const Ready &...arguments) {
    if ((arguments.passes() && ...)) {
        return Status::of(std::apply(function, std::tuple_cat(arguments.c()...)));
    }
    return first_fault(arguments...);
}
template <class Function, class... Arguments>
Status invoke(Function function, const Arguments &...arguments) {
    return call_c(function, ready(arguments)...);
}

// The same for a function whose last argument takes a text.
template <class Function, class... Arguments>
Result<std::string> invoke_for_text(Function function, const Arguments &...arguments) {
    char *text = nullptr;
    Status status = invoke(function, arguments..., &text);
    std::string made = taken(text);
    return status.ok() ? Result<std::string>(std::move(made)) : Result<std::string>(std::move(status));
}

// The same for a function whose last argument takes a number.
template <class Function, class... Arguments>
Result<std::uint64_t> invoke_for_count(Function function, const Arguments &...arguments) {
    std::uint64_t count = 0;
    Status status = invoke(function, arguments..., &count);
    return status.ok() ? Result<std::uint64_t>(count) : Result<std::uint64_t>(std::move(status));
}

// The same for a function whose last argument takes an id.
template <class Function, class... Arguments>
Result<Id> invoke_for_id(Function function, const Arguments &...arguments) {
    Id id;
    char *const buffer = id.buffer();
    Status status = invoke(function, arguments..., buffer);
    return status.ok() ? Result<Id>(id) : Result<Id>(std::move(status));
}

} // namespace detail
} // namespace weave

#endif // WEAVE_ARGUMENTS_HPP
