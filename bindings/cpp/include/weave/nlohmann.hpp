// Values of nlohmann::json, and what that library converts by a to_json of its own, as values of traces. To be included
// beside weave.hpp by programs that use it; nothing else includes it.
#ifndef WEAVE_NLOHMANN_HPP
#define WEAVE_NLOHMANN_HPP

#include <weave/json.hpp>

#ifndef NLOHMANN_JSON_VERSION_MAJOR // else the program has a copy of its own
#include <nlohmann/json.hpp>
#endif

#include <type_traits>

namespace weave {

namespace detail {

template <class T>
inline constexpr bool is_nlohmann = std::is_same_v<T, nlohmann::json> || std::is_same_v<T, nlohmann::ordered_json>;

// What has no other conversion. An enum has one, but not by its names, as NLOHMANN_JSON_SERIALIZE_ENUM gives them.
template <class T>
constexpr bool nlohmann_converts() {
    if constexpr (is_nlohmann<T>) {
        return false;
    } else if constexpr (given_kind_of<T>() == Kind::none || std::is_enum_v<T>) {
        return std::is_constructible_v<nlohmann::json, const T &>;
    } else {
        return false;
    }
}

} // namespace detail

/// JSON of nlohmann's becomes the same JSON. What is not UTF-8 in it is an error, and does not throw.
template <class T, std::enable_if_t<detail::is_nlohmann<T>, int> = 0>
void weave_to_json(JsonValue &value, const T &json) {
    switch (json.type()) {
    case T::value_t::object: return value.set(json.template get_ref<const typename T::object_t &>());
    case T::value_t::array: return value.set(json.template get_ref<const typename T::array_t &>());
    case T::value_t::string: return value.set(json.template get_ref<const typename T::string_t &>());
    case T::value_t::boolean: return value.set(json.template get_ref<const typename T::boolean_t &>());
    case T::value_t::number_integer: return value.set(json.template get_ref<const typename T::number_integer_t &>());
    case T::value_t::number_unsigned: return value.set(json.template get_ref<const typename T::number_unsigned_t &>());
    case T::value_t::number_float: return value.set(json.template get_ref<const typename T::number_float_t &>());
    case T::value_t::binary: return value.set(json.get_binary());
    case T::value_t::null:
    case T::value_t::discarded: return value.set(nullptr);
    }
}

/// A type of the program with a `to_json` for nlohmann's.
template <class T, std::enable_if_t<detail::nlohmann_converts<T>(), int> = 0>
void weave_to_json(JsonValue &value, const T &other) {
    value.set(nlohmann::json(other));
}

} // namespace weave

#endif // WEAVE_NLOHMANN_HPP
