// How values of C++ become JSON: a table of kinds, and the writing of each.
//
//   bool, numbers, enums        as they are; NaN and infinities are null; an enum is its number
//   texts, paths                a text; a null pointer is null; what is not UTF-8 is an error
//   optional, smart pointers    null, or what is in it
//   ranges                      an array; with texts as keys, each once (maps), an object
//   pair, tuple                 an array
//   variant                     what is in it; monostate is null
//   system_clock::time_point    "2026-01-31T12:00:00.000000Z"; null before the year 0 and after 9999
//   durations                   seconds, with fractions
//
// A type of the program's own becomes JSON by a function in its namespace, of one of two forms:
//
//   void weave_to_json(weave::Json &object, const Point &point);    sets the members of an object, which is open
//   void weave_to_json(weave::JsonValue &value, const Color &color);    sets one value of another type
//
// When it throws, what it has set stays, and what it has opened is closed.
#ifndef WEAVE_VALUES_HPP
#define WEAVE_VALUES_HPP

#include <weave/json.hpp>
#include <weave/type_name.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace weave::detail {

enum class Kind {
    none, null, json, own_value, own_object, boolean, number, enumeration, pointer_text, text, utf8_text, path, maybe,
    variant, time, duration, map, range, tuple
};

template <template <class...> class Template, class T>
inline constexpr bool is_of = false;
template <template <class...> class Template, class... Ts>
inline constexpr bool is_of<Template, Template<Ts...>> = true;

template <class T>
inline constexpr bool is_character = std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
#if defined(__cpp_char8_t)
                                     std::is_same_v<T, char8_t> ||
#endif
                                     std::is_same_v<T, char16_t> || std::is_same_v<T, char32_t>;

// A compiler's integers of 128 bits, which JSON readers have no number for.
template <class T>
inline constexpr bool is_wide = std::is_integral_v<T> && sizeof(T) > sizeof(std::int64_t);

#if defined(__cpp_char8_t)
template <class T>
inline constexpr bool is_utf8_text = std::is_convertible_v<const T &, std::basic_string_view<char8_t>>;
#else
template <class T>
inline constexpr bool is_utf8_text = false;
#endif

// std::filesystem::path. Not whatever converts to a text: nlohmann::json tries to, and throws.
template <class T, class = void>
inline constexpr bool is_path = false;
template <class T>
inline constexpr bool is_path<T, std::void_t<typename T::string_type, typename T::format>> =
    std::is_convertible_v<const T &, std::string>;

template <class To, class T, class = void>
inline constexpr bool has_own = false;
template <class To, class T>
inline constexpr bool
    has_own<To, T, std::void_t<decltype(weave_to_json(std::declval<To &>(), std::declval<const T &>()))>> = true;

template <class T>
inline constexpr bool is_time = false;
template <class Duration>
inline constexpr bool is_time<std::chrono::time_point<std::chrono::system_clock, Duration>> = true;

template <class T>
inline constexpr bool is_duration = false;
template <class Number, class Period>
inline constexpr bool is_duration<std::chrono::duration<Number, Period>> = true;

// What may point to nothing, and owns what it points to.
template <class T>
inline constexpr bool is_maybe = is_of<std::optional, T>;
template <class T>
inline constexpr bool is_maybe<std::shared_ptr<T>> = !std::is_array_v<T> && !std::is_void_v<T>;
template <class T, class Deleter>
inline constexpr bool is_maybe<std::unique_ptr<T, Deleter>> = !std::is_array_v<T> && !std::is_void_v<T>;

template <class T>
using Item = std::remove_cv_t<std::remove_reference_t<decltype(*std::begin(std::declval<const T &>()))>>;

template <class T, class = void>
inline constexpr bool is_range = false;
template <class T>
inline constexpr bool is_range<T, std::void_t<Item<T>, decltype(std::end(std::declval<const T &>()))>> =
    !std::is_same_v<Item<T>, T>;

// What has one value for each key; a multimap has no `at`.
template <class T, class = void>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<T, std::void_t<typename T::mapped_type,
                                            decltype(std::declval<T &>().at(
                                                std::declval<const typename T::key_type &>()))>> =
    is_range<T> && std::is_convertible_v<const typename T::key_type &, std::string_view>;

template <class T, class = void>
inline constexpr bool is_tuple = false;
template <class T>
inline constexpr bool is_tuple<T, std::void_t<decltype(std::tuple_size<T>::value)>> = true;

// The kind of a type without a conversion of the program's own. What is a text and a range is a text.
template <class T>
constexpr Kind given_kind_of() {
    if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::nullopt_t> ||
                  std::is_same_v<T, std::monostate>) {
        return Kind::null;
    } else if constexpr (std::is_same_v<T, bool>) {
        return Kind::boolean;
    } else if constexpr (std::is_arithmetic_v<T>) {
        return is_character<T> || is_wide<T> ? Kind::none : Kind::number;
    } else if constexpr (std::is_same_v<T, Json> || std::is_same_v<T, JsonText>) {
        return Kind::json;
    } else if constexpr (std::is_enum_v<T>) {
        return Kind::enumeration;
    } else if constexpr (std::is_pointer_v<T> && std::is_convertible_v<T, const char *>) {
        return Kind::pointer_text;
    } else if constexpr (std::is_convertible_v<const T &, std::string_view>) {
        return Kind::text;
    } else if constexpr (is_utf8_text<T>) {
        return Kind::utf8_text;
    } else if constexpr (is_path<T>) {
        return Kind::path;
    } else if constexpr (is_maybe<T>) {
        return Kind::maybe;
    } else if constexpr (is_of<std::variant, T>) {
        return Kind::variant;
    } else if constexpr (is_time<T>) {
        return Kind::time;
    } else if constexpr (is_duration<T>) {
        return Kind::duration;
    } else if constexpr (is_map<T>) {
        return Kind::map;
    } else if constexpr (is_range<T>) {
        return Kind::range;
    } else if constexpr (is_tuple<T>) {
        return Kind::tuple;
    } else {
        return Kind::none;
    }
}

template <class T>
constexpr Kind kind_of() {
    if constexpr (has_own<JsonValue, T>) {
        return Kind::own_value;
    } else if constexpr (has_own<Json, T>) {
        return Kind::own_object;
    } else {
        return given_kind_of<T>();
    }
}

template <class T>
constexpr bool converts();

template <class T>
inline constexpr bool all_convert = false;
template <template <class...> class Template, class... Ts>
inline constexpr bool all_convert<Template<Ts...>> = (converts<std::decay_t<Ts>>() && ...);

// Whether a type has a conversion, and all that it is made of.
template <class T>
constexpr bool converts() {
    constexpr Kind kind = kind_of<T>();
    if constexpr (kind == Kind::maybe) {
        return converts<std::decay_t<decltype(*std::declval<const T &>())>>();
    } else if constexpr (kind == Kind::variant || kind == Kind::tuple) {
        return all_convert<T>;
    } else if constexpr (kind == Kind::map) {
        return converts<typename T::mapped_type>();
    } else if constexpr (kind == Kind::range) {
        return converts<Item<T>>();
    } else {
        return kind != Kind::none;
    }
}

// RFC 3339 in UTC with microseconds, as the library writes times; empty for years that it has no form for.
template <class Duration>
std::string utc(std::chrono::time_point<std::chrono::system_clock, Duration> time) {
    using std::chrono::duration;
    constexpr double year_0 = -62167219200.0, year_10000 = 253402300800.0;
    const double about = duration<double>(time.time_since_epoch()).count();
    if (!(about >= year_0 && about < year_10000)) {
        return {};
    }
    const auto second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch());
    const auto rest = std::chrono::floor<std::chrono::microseconds>(time.time_since_epoch() - second);
    const std::time_t seconds = static_cast<std::time_t>(second.count());
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    char text[64];
    const int length = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900,
                                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                                     static_cast<int>(rest.count()));
    return {text, static_cast<std::size_t>(length)};
}

// Writes values into a Json: as a member when there is a key, else as an item.
struct Values {
    // A value that holds itself, by shared pointers, would be written until the stack is full.
    static constexpr int max_depth = 500;

    template <class T>
    static void write(Json &json, Maybe key, const T &value) {
        static_assert(converts<T>(), "this type has no conversion to JSON: give it a weave_to_json (weave/values.hpp "
                                     "says how; <weave/nlohmann.hpp> has those of nlohmann::json)");
        if (json.depth_ == max_depth) {
            json.keep({WEAVE_REJECTED, "json: 500 values inside each other; one that holds itself cannot be logged"});
            return;
        }
        const Inside inside(json);
        write_kind<kind_of<T>()>(json, key, value);
    }

    // What has no conversion is told by its type.
    template <class T>
    static void write_any(Json &json, Maybe key, const T &value) {
        if constexpr (converts<T>()) {
            write(json, key, value);
        } else {
            write(json, key, "<" + type_name<T>() + ">");
        }
    }

    template <class T>
    static Json any(const T &value) {
        Json json = Json::array();
        write_any(json, item, value);
        json.single_ = true;
        return json;
    }

    template <class T>
    static void fill(JsonValue &place, const T &value) {
        if (claim(place)) {
            write(place.json_, place.key_, value);
        }
    }
    static void fill_json(JsonValue &place, const JsonText &value) {
        if (claim(place)) {
            place.json_.put_with(weave_json_set_json, place.key_, value);
        }
    }

private:
    static constexpr Maybe item{{}, false};

    // The time in which a value is written. What it has opened is closed at the end of it, also when a conversion of the
    // program's own throws.
    struct Inside {
        explicit Inside(Json &to) noexcept : json(to), open(to.open_) { ++json.depth_; }
        Inside(const Inside &) = delete;
        Inside &operator=(const Inside &) = delete;
        ~Inside() {
            --json.depth_;
            while (json.open_ > open && json.close().status().ok()) {
            }
        }

        Json &json;
        const int open; // how many were open before it
    };

    static bool claim(JsonValue &place) {
        if (std::exchange(place.filled_, true)) {
            place.json_.keep({WEAVE_INVALID_ARGUMENT, "json: weave_to_json sets a value twice; it has room for one"});
            return false;
        }
        return true;
    }

    static void write_text(Json &json, Maybe key, std::string_view text) {
        const char *begin = text.data() == nullptr ? "" : text.data();
        json.put_with(weave_json_set_string, key, begin, static_cast<std::ptrdiff_t>(text.size()));
    }

    template <Kind kind, class T>
    static void write_kind(Json &json, Maybe key, const T &value) {
        if constexpr (kind == Kind::null) {
            json.put_with(weave_json_set_null, key);
        } else if constexpr (kind == Kind::boolean) {
            json.put_with(weave_json_set_bool, key, value);
        } else if constexpr (kind == Kind::number) {
            if constexpr (std::is_floating_point_v<T>) {
                json.put_with(weave_json_set_double, key, static_cast<double>(value));
            } else if constexpr (std::is_signed_v<T>) {
                json.put_with(weave_json_set_int, key, static_cast<std::int64_t>(value));
            } else {
                json.put_with(weave_json_set_uint, key, static_cast<std::uint64_t>(value));
            }
        } else if constexpr (kind == Kind::enumeration) {
            write_kind<Kind::number>(json, key, static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (kind == Kind::json) {
            json.put_with(weave_json_set_json, key, JsonText(value));
        } else if constexpr (kind == Kind::own_value) {
            JsonValue place(json, key);
            weave_to_json(place, value);
            if (!place.filled_) {
                json.put_with(weave_json_set_null, key);
            }
        } else if constexpr (kind == Kind::own_object) {
            json.open(weave_json_open_object, key);
            const int inside = json.open_;
            weave_to_json(json, value);
            if (json.open_ != inside) {
                json.keep({WEAVE_INVALID_ARGUMENT, "json: weave_to_json closes others than it opens"});
            }
            json.close();
        } else if constexpr (kind == Kind::pointer_text) {
            value == nullptr ? write(json, key, nullptr) : write(json, key, std::string_view(value));
        } else if constexpr (kind == Kind::text && std::is_array_v<T>) {
            write_text(json, key, {value, strnlen(value, std::extent_v<T>)}); // it may be full, without a NUL
        } else if constexpr (kind == Kind::text) {
            write_text(json, key, value);
#if defined(__cpp_char8_t)
        } else if constexpr (kind == Kind::utf8_text) {
            const std::basic_string_view<char8_t> text(value);
            write_text(json, key, {reinterpret_cast<const char *>(text.data()), text.size()});
#endif
        } else if constexpr (kind == Kind::path) {
            write(json, key, static_cast<std::string>(value));
        } else if constexpr (kind == Kind::maybe) {
            value ? write(json, key, *value) : write(json, key, nullptr);
        } else if constexpr (kind == Kind::variant) {
            value.valueless_by_exception() ? write(json, key, nullptr)
                                           : std::visit([&](const auto &held) { write(json, key, held); }, value);
        } else if constexpr (kind == Kind::time) {
            const std::string text = utc(value);
            text.empty() ? write(json, key, nullptr) : write(json, key, text);
        } else if constexpr (kind == Kind::duration) {
            write(json, key, std::chrono::duration<double>(value).count());
        } else if constexpr (kind == Kind::map) {
            json.open(weave_json_open_object, key);
            for (const auto &[name, member] : value) {
                write(json, {name, true}, member);
            }
            json.close();
        } else if constexpr (kind == Kind::range) {
            json.open(weave_json_open_array, key);
            for (const auto &one : value) {
                write<Item<T>>(json, item, one);
            }
            json.close();
        } else {
            static_assert(kind == Kind::tuple);
            json.open(weave_json_open_array, key);
            std::apply([&](const auto &...one) { (write(json, item, one), ...); }, value);
            json.close();
        }
    }
};

} // namespace weave::detail

namespace weave {

template <class T>
Json &Json::put(detail::Maybe key, const T &value) {
    detail::Values::write(*this, key, value);
    return *this;
}

template <class T>
void JsonValue::set(const T &value) {
    detail::Values::fill(*this, value);
}

inline void JsonValue::set_json(const JsonText &value) { detail::Values::fill_json(*this, value); }

} // namespace weave

#endif // WEAVE_VALUES_HPP
