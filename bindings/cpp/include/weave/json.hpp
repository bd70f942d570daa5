// Json: JSON built by type, for programs without a JSON library.
#ifndef WEAVE_JSON_HPP
#define WEAVE_JSON_HPP

#include <weave/arguments.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace weave {

// An object, or from Json::array() an array, with those that are open inside. Setters can be chained; the first that
// fails is told by whatever takes the JSON. `set` is for members of objects, `add` for items of arrays.
class Json : public detail::Builder<Json> {
public:
    Json() : handle_(weave_json_new()) {}
    static Json array() { return Json(weave_json_new_array()); }

    // A text, number, bool, nullptr, or other Json.
    template <class T>
    Json &set(std::string_view key, const T &value) {
        return put({key, true}, value);
    }
    template <class T>
    Json &add(const T &value) {
        return put({{}, false}, value);
    }
    // A value that is JSON text already, such as what Client::image_create gave.
    Json &set_json(std::string_view key, const JsonText &value) { return put_json({key, true}, value); }
    Json &add_json(const JsonText &value) { return put_json({{}, false}, value); }
    Json &open_object(std::string_view key) { return put_with(weave_json_open_object, {key, true}); }
    Json &open_object() { return put_with(weave_json_open_object, {{}, false}); }
    Json &open_array(std::string_view key) { return put_with(weave_json_open_array, {key, true}); }
    Json &open_array() { return put_with(weave_json_open_array, {{}, false}); }
    Json &close() {
        text_ = {};
        return keep(detail::invoke(weave_json_close, get()));
    }

    // Lives until this is changed or destroyed. What is still open inside is an error.
    Result<std::string_view> text() const {
        if (!status().ok()) {
            return status();
        }
        if (text_.data() == nullptr || !handle_) { // asked once a change: to ask again would end the life of the text
            std::size_t length = 0;
            const char *text = weave_json_text(get(), &length);
            if (text == nullptr) {
                return Status::of(WEAVE_INVALID_ARGUMENT);
            }
            text_ = {text, length};
        }
        return text_;
    }

    weave_json *get() const noexcept { return handle_.get(); }

private:
    explicit Json(weave_json *made) : handle_(made) {}

    template <class T>
    Json &put(detail::Maybe key, const T &value) {
        static_assert(!std::is_same_v<T, char> && !std::is_same_v<T, wchar_t>, "a text, not a character");
        if constexpr (std::is_same_v<T, bool>) {
            return put_with(weave_json_set_bool, key, value);
        } else if constexpr (std::is_same_v<T, std::nullptr_t>) {
            return put_with(weave_json_set_null, key);
        } else if constexpr (std::is_same_v<T, Json>) {
            return put_json(key, value);
        } else if constexpr (std::is_floating_point_v<T>) {
            return put_with(weave_json_set_double, key, static_cast<double>(value));
        } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
            return put_with(weave_json_set_int, key, static_cast<std::int64_t>(value));
        } else if constexpr (std::is_integral_v<T>) {
            return put_with(weave_json_set_uint, key, static_cast<std::uint64_t>(value));
        } else if constexpr (std::is_pointer_v<T> && std::is_convertible_v<T, const char *>) {
            return value == nullptr ? put(key, nullptr) : put(key, std::string_view(value));
        } else {
            static_assert(std::is_convertible_v<const T &, std::string_view>, "a text, number, bool, nullptr or Json");
            const std::string_view text(value);
            return put_with(weave_json_set_string, key, text.data(), static_cast<std::ptrdiff_t>(text.size()));
        }
    }
    Json &put_json(detail::Maybe key, const JsonText &value) { return put_with(weave_json_set_json, key, value); }
    template <class Function, class... Arguments>
    Json &put_with(Function function, detail::Maybe key, const Arguments &...arguments) {
        text_ = {};
        return keep(detail::invoke(function, get(), key, arguments...));
    }

    detail::Handle<weave_json, weave_json_free> handle_;
    mutable std::string_view text_;
};

inline JsonText::JsonText(const Json &json) {
    Result<std::string_view> text = json.text();
    if (text.ok()) {
        text_ = *text;
    } else {
        status_ = text.status();
    }
}

} // namespace weave

#endif // WEAVE_JSON_HPP
