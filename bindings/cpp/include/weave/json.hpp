// Json: JSON built by type, from values of the program (values.hpp says how each becomes JSON).
#ifndef WEAVE_JSON_HPP
#define WEAVE_JSON_HPP

#include <weave/arguments.hpp>

#include <cstddef>
#include <string_view>
#include <utility>

namespace weave {

namespace detail {
struct Values; // in values.hpp
}

/// An object, an array, or one value, with those that are open inside. Setters can be chained; the first that fails is
/// told by whatever takes the JSON. `set` is for members of objects, `add` for items of arrays. One thread at a time.
class Json : public detail::Builder<Json> {
public:
    /// An object.
    Json() : handle_(weave_json_new()) {}
    /// An array.
    static Json array() { return Json(weave_json_new_array()); }
    /// Any one value: a number, a text, a vector, a type of the program's own, … It cannot be added to.
    template <class T>
    static Json of(const T &value) {
        Json json = array();
        json.add(value);
        json.single_ = true;
        return json;
    }

    /// Adds a member, of any type that has a conversion to JSON.
    template <class T>
    Json &set(std::string_view key, const T &value) {
        return put({key, true}, value);
    }
    /// Adds an item, of any type that has a conversion to JSON.
    template <class T>
    Json &add(const T &value) {
        return put({{}, false}, value);
    }
    /// Adds a member that is JSON text already, such as what Client::image_create gave.
    Json &set_json(std::string_view key, const JsonText &value) {
        return put_with(weave_json_set_json, {key, true}, value);
    }
    /// Adds an item that is JSON text already.
    Json &add_json(const JsonText &value) { return put_with(weave_json_set_json, {{}, false}, value); }
    /// Opens an object as a member; what is added next belongs to it, until `close`.
    Json &open_object(std::string_view key) { return open(weave_json_open_object, {key, true}); }
    /// Opens an object as an item.
    Json &open_object() { return open(weave_json_open_object, {{}, false}); }
    /// Opens an array as a member; what is added next belongs to it, until `close`.
    Json &open_array(std::string_view key) { return open(weave_json_open_array, {key, true}); }
    /// Opens an array as an item.
    Json &open_array() { return open(weave_json_open_array, {{}, false}); }
    /// Closes what was opened last.
    Json &close() {
        told_ = false;
        Status status = detail::invoke(weave_json_close, get());
        open_ -= status.ok() ? 1 : 0;
        return keep(std::move(status));
    }

    /// The JSON; it lives until this is changed or destroyed. What is still open inside is an error.
    Result<std::string_view> text() const {
        if (!status().ok()) {
            return status();
        }
        if (!told_ || !handle_) { // asked once a change: to ask again would end the life of the text
            std::size_t length = 0;
            const char *text = weave_json_text(get(), &length);
            if (text == nullptr) {
                return Status::of(WEAVE_INVALID_ARGUMENT);
            }
            text_ = {text, length};
            told_ = true;
        }
        return single_ ? text_.substr(1, text_.size() - 2) : text_; // one value is the only item of an array
    }

    /// The handle of C: an array with one item for what Json::of made.
    weave_json *get() const noexcept { return handle_.get(); }

private:
    friend struct detail::Values;
    explicit Json(weave_json *made) : handle_(made) {}

    template <class T>
    Json &put(detail::Maybe key, const T &value); // in values.hpp
    template <class Function>
    Json &open(Function function, detail::Maybe key) {
        const bool before = status().ok();
        put_with(function, key);
        open_ += before && status().ok() ? 1 : 0;
        return *this;
    }
    template <class Function, class... Arguments>
    Json &put_with(Function function, detail::Maybe key, const Arguments &...arguments) {
        told_ = false;
        if (single_) {
            return keep({WEAVE_INVALID_ARGUMENT, "json: Json::of makes one value; begin an array to add others"});
        }
        return keep(detail::invoke(function, get(), key, arguments...));
    }

    detail::Handle<weave_json, weave_json_free> handle_;
    mutable std::string_view text_;
    mutable bool told_ = false;
    bool single_ = false;
    int open_ = 0;  // objects and arrays inside that are not closed
    int depth_ = 0; // values that are being written, each inside the next
};

/// The place of one value: what a conversion of the program's own fills.
class JsonValue {
public:
    /// Puts a value there, of any other type that has a conversion to JSON.
    template <class T>
    void set(const T &value);
    /// Puts JSON text there.
    void set_json(const JsonText &value);

private:
    friend struct detail::Values;
    JsonValue(Json &json, detail::Maybe key) noexcept : json_(json), key_(key) {}

    Json &json_;
    detail::Maybe key_;
    bool filled_ = false;
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

#include <weave/values.hpp>

#endif // WEAVE_JSON_HPP
