// Values of C++ as JSON, one a line: name, TAB, the JSON or `error` with its number and text. cpp_values
#include "check.h"

#include <array>
#include <chrono>
#include <deque>
#include <filesystem>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
#include <weave.hpp>

using namespace std::chrono_literals;
using weave::Json;

namespace app {

struct Point {
    int x, y;
};
void weave_to_json(Json &json, const Point &point) { json.set("x", point.x).set("y", point.y); }

enum class Color { red, blue };
void weave_to_json(weave::JsonValue &value, const Color &color) { value.set(color == Color::red ? "red" : "blue"); }

// A range, which its own conversion goes before.
struct Words : std::vector<std::string> {
    using std::vector<std::string>::vector;
};
void weave_to_json(weave::JsonValue &value, const Words &words) { value.set(words.size()); }

struct Node {
    int number = 0;
    std::shared_ptr<Node> next;
};
void weave_to_json(Json &json, const Node &node) { json.set("number", node.number).set("next", node.next); }

struct Silent {};
void weave_to_json(weave::JsonValue &, const Silent &) {}
struct Twice {};
void weave_to_json(weave::JsonValue &value, const Twice &) { value.set(1), value.set(2); }
struct Unclosed {};
void weave_to_json(Json &json, const Unclosed &) { json.open_array("never closed"); }
struct Raw {};
void weave_to_json(weave::JsonValue &value, const Raw &) { value.set_json("[1,\t2]"); }
struct Thrower {};
void weave_to_json(Json &json, const Thrower &) {
    json.set("before", 1).open_array("inside");
    throw Thrower();
}

enum class Level : unsigned char { low = 1, high = 200 };

struct Opaque {};

} // namespace app

static void show(const char *name, const Json &json) {
    const weave::Result<std::string_view> text = json.text();
    if (text.ok()) {
        std::printf("%s\t%.*s\n", name, static_cast<int>(text->size()), text->data());
    } else {
        std::printf("%s\terror %d %s\n", name, static_cast<int>(text.code()), text.message().c_str());
    }
}

template <class T>
static void show_value(const char *name, const T &value) {
    show(name, Json::of(value));
}

template <class T>
static constexpr bool converts = weave::detail::converts<T>();

static void numbers_and_texts() {
    show_value("bool", true);
    show_value("null", nullptr);
    show_value("int8", std::int8_t{-5});
    show_value("uint8", std::uint8_t{200});
    show_value("largest", std::numeric_limits<std::uint64_t>::max());
    show_value("smallest", std::numeric_limits<std::int64_t>::min());
    show_value("half", 0.5f);
    show_value("long double", 0.25L);
    show_value("nan", std::numeric_limits<double>::quiet_NaN());
    show_value("infinite", -std::numeric_limits<float>::infinity());
    show_value("enum", app::Level::high);
    show_value("literal", "a\"b");
    const char *none = nullptr;
    show_value("null text", none);
    show_value("string", std::string("a\0b", 3));
    show_value("empty view", std::string_view());
    show_value("path", std::filesystem::path("/tmp") / "x");
    show_value("id", weave::Id());
    show_value("bad text", std::string("\xff"));
    show("bad key", Json().set("\xff", 1));
#if defined(__cpp_char8_t)
    show_value("utf8", std::u8string(u8"Zürich"));
    show_value("utf8 literal", u8"Zürich");
#else
    show_value("utf8", std::string("Zürich"));
    show_value("utf8 literal", u8"Zürich");
#endif
}

static void containers() {
    show_value("vector", std::vector<int>{1, 2});
    show_value("vector of bool", std::vector<bool>{true, false});
    show_value("empty vector", std::vector<int>());
    show_value("array", std::array<double, 2>{0.5, 1.5});
    const int plain[] = {7, 8};
    show_value("C array", plain);
    const int plane[2][2] = {{1, 2}, {3, 4}};
    show_value("plane", plane);
    const char full[2][2] = {{'a', 'b'}, "c"};
    show_value("full texts", full);
    show_value("list of texts", std::list<std::string_view>{"a", "b"});
    show_value("deque of sets", std::deque<std::set<int>>{{3, 1}, {}});
    show_value("map", std::map<std::string, std::optional<int>>{{"", 1}, {"ключ", std::nullopt}});
    show_value("unordered map", std::unordered_map<std::string, std::vector<int>>{{"a", {1}}});
    show_value("multimap", std::multimap<std::string, int>{{"a", 1}, {"a", 2}});
    show_value("map of numbers", std::map<int, std::string>{{1, "one"}, {2, "two"}});
    const std::map<std::string, int> cut{{std::string("a\0b", 3), 1}};
    show_value("map with NUL in a key", cut);
    show_value("pair", std::pair<int, std::string>(1, "one"));
    show_value("tuple", std::tuple<int, bool, std::tuple<>>(1, true, {}));
    show_value("optional", std::optional<std::string>("in it"));
    show_value("nullopt", std::nullopt);
    show_value("unique", std::make_unique<int>(5));
    show_value("shared", std::shared_ptr<int>());
    show_value("variant", std::variant<std::monostate, int, std::string>("text"));
    show_value("monostate", std::variant<std::monostate, int>());
    show_value("bad text inside", std::vector<std::string>{"fine", "\xc3"});
}

static void times() {
    using std::chrono::system_clock;
    const system_clock::time_point epoch{};
    show_value("time", epoch + 1767225600s + 123456us + 999ns);
    show_value("before 1970", std::chrono::time_point<system_clock, std::chrono::milliseconds>(-1ms));
    const std::chrono::hours to_leap_day(1709164800 / 3600);
    show_value("leap day", std::chrono::time_point<system_clock, std::chrono::hours>(to_leap_day));
    show_value("last", std::chrono::time_point<system_clock, std::chrono::seconds>(253402300799s));
    show_value("too late", std::chrono::time_point<system_clock, std::chrono::seconds>(253402300800s));
    show_value("never", std::chrono::time_point<system_clock, std::chrono::hours>::max());
    show_value("duration", 1500ms);
    show_value("fraction", std::chrono::duration<double, std::micro>(2.5));
}

static void own_types() {
    show_value("object", app::Point{1, 2});
    show_value("objects", std::vector<app::Point>{{1, 2}, {3, 4}});
    show_value("value", app::Color::blue);
    show_value("by key", std::map<std::string, app::Color>{{"sky", app::Color::blue}});
    show_value("range with its own", app::Words{"a", "b"});
    show_value("silent", app::Silent());
    show_value("raw", app::Raw());
    show_value("twice", app::Twice());
    show_value("unclosed", app::Unclosed());
    app::Node node{1, std::make_shared<app::Node>(app::Node{2, nullptr})};
    show_value("nested", node);
    const auto circle = std::make_shared<app::Node>();
    circle->next = circle;
    show_value("circle", circle);
    circle->next = nullptr;
    Json members;
    weave_to_json(members, app::Point{5, 6});
    show("as inputs", members.set("more", app::Color::red));
    show("json in json", Json().set("inner", members).set("text", weave::JsonText("[1]")));
    Json one = Json::of(1);
    show("added to one", one.add(2));
    Json caught;
    for (int times = 0; times < 600; ++times) { // more than may be inside each other
        try {
            caught.set("half " + std::to_string(times), std::vector<app::Thrower>(2));
        } catch (const app::Thrower &) {
        }
    }
    show("caught", caught.set("whole", 2));
    const Json taken = std::move(members);
    show("moved from", members);
}

int main() {
    using app::Opaque;
    static_assert(!converts<Opaque> && !converts<std::vector<Opaque>> && !converts<std::optional<Opaque>>);
    static_assert(!converts<std::map<std::string, Opaque>> && !converts<std::pair<int, Opaque>>);
    static_assert(!converts<std::variant<int, Opaque>> && !converts<int *> && !converts<const void *>);
    static_assert(!converts<char> && !converts<wchar_t> && !converts<std::u16string> && !converts<std::vector<char>>);
    static_assert(!converts<std::chrono::steady_clock::time_point> && !converts<std::unique_ptr<int[]>>);
    static_assert(!converts<void (*)()>);
    numbers_and_texts();
    containers();
    times();
    own_types();
}
