// Names of types as they are written in the source: what traces call exceptions, and values that have no JSON.
#ifndef WEAVE_TYPE_NAME_HPP
#define WEAVE_TYPE_NAME_HPP

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <typeinfo>

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace weave::detail {

#if defined(__cpp_rtti)
inline std::string type_name(const std::type_info &type) {
#if __has_include(<cxxabi.h>)
    int status = 0;
    const std::unique_ptr<char, void (*)(void *)> demangled(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
    if (demangled) {
        return demangled.get();
    }
#endif
    return type.name();
}
#endif

template <class T>
std::string type_name() {
#if defined(__cpp_rtti)
    return type_name(typeid(T));
#else
    return "object";
#endif
}

inline std::string type_name(const std::exception &exception) {
#if defined(__cpp_rtti)
    return type_name(typeid(exception));
#else
    static_cast<void>(exception);
    return "std::exception";
#endif
}

// The type of the exception that the handler around this has caught. Where one passes without being caught, as in a
// destructor, the C++ ABI tells nothing, or the type of another exception, whose handler is being left.
inline std::string caught_type_name() {
#if __has_include(<cxxabi.h>) && defined(__cpp_rtti)
    if (const std::type_info *type = abi::__cxa_current_exception_type()) {
        return type_name(*type);
    }
#endif
    return "exception";
}

} // namespace weave::detail

#endif // WEAVE_TYPE_NAME_HPP
