// Id: what names a call or feedback, held without memory of the heap.
#ifndef WEAVE_ID_HPP
#define WEAVE_ID_HPP

#include <weave.h>

#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace weave {

/// The id of a call or of feedback. It goes wherever a `std::string_view` or a `std::string` is asked for. Logging a
/// call makes one each time, which is why it is no `std::string`: ids are longer than what these hold in themselves.
class Id {
public:
    /// No id: an empty text.
    Id() noexcept = default;

    /// The text; it lives as long as this.
    std::string_view view() const noexcept { return text_; }
    /// The text with its NUL; it lives as long as this.
    const char *c_str() const noexcept { return text_; }
    /// A copy of the text.
    std::string str() const { return text_; }
    /// Whether it is none.
    bool empty() const noexcept { return text_[0] == '\0'; }
    /// The text; it lives as long as this.
    operator std::string_view() const noexcept { return view(); }
    /// A copy of the text.
    operator std::string() const { return str(); }
    /// What C writes an id into: `WEAVE_ID_SIZE` bytes.
    char *buffer() noexcept { return text_; }

    /// Whether both are the same text.
    friend bool operator==(const Id &a, const Id &b) noexcept { return a.view() == b.view(); }
    /// Whether both are the same text.
    friend bool operator==(const Id &a, std::string_view b) noexcept { return a.view() == b; }
    /// Whether both are the same text.
    friend bool operator==(std::string_view a, const Id &b) noexcept { return a == b.view(); }
    /// Whether they are different texts.
    friend bool operator!=(const Id &a, const Id &b) noexcept { return a.view() != b.view(); }
    /// Whether they are different texts.
    friend bool operator!=(const Id &a, std::string_view b) noexcept { return a.view() != b; }
    /// Whether they are different texts.
    friend bool operator!=(std::string_view a, const Id &b) noexcept { return a != b.view(); }
    /// The order of the texts.
    friend bool operator<(const Id &a, const Id &b) noexcept { return a.view() < b.view(); }
    /// Writes the text.
    template <class Traits>
    friend std::basic_ostream<char, Traits> &operator<<(std::basic_ostream<char, Traits> &out, const Id &id) {
        return out << id.view();
    }

private:
    char text_[WEAVE_ID_SIZE] = "";
};

} // namespace weave

namespace std {

/// Ids can be keys of unordered containers.
template <>
struct hash<weave::Id> {
    /// The hash of the text.
    size_t operator()(const weave::Id &id) const noexcept { return hash<string_view>()(id.view()); }
};

} // namespace std

#endif // WEAVE_ID_HPP
