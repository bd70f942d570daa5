// Values of nlohmann::json, and types that it converts, as JSON of traces, one a line as in cpp_values. cpp_nlohmann
#include "check.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <weave.hpp>
#include <weave/nlohmann.hpp>

namespace app {

struct Person {
    std::string name;
    int age;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Person, name, age)

enum class State { open, done };
NLOHMANN_JSON_SERIALIZE_ENUM(State, {{State::open, "open"}, {State::done, "done"}})

enum class Plain { zero, one };

struct Both {};
void to_json(nlohmann::json &json, const Both &) { json = "theirs"; }
void weave_to_json(weave::JsonValue &value, const Both &) { value.set("ours"); }

} // namespace app

template <class T>
static void show(const char *name, const T &value) {
    const weave::Json json = weave::Json::of(value);
    const weave::Result<std::string_view> text = json.text();
    if (text.ok()) {
        std::printf("%s\t%.*s\n", name, static_cast<int>(text->size()), text->data());
    } else {
        std::printf("%s\terror %d %s\n", name, static_cast<int>(text.code()), text.message().c_str());
    }
}

int main() {
    using nlohmann::json;
    show("json", json{{"a", {1, 2.5, "x", nullptr, true}},
                      {"big", std::numeric_limits<std::uint64_t>::max()},
                      {"least", std::numeric_limits<std::int64_t>::min()}});
    show("ordered", nlohmann::ordered_json{{"z", 1}, {"a", {{"n", json::array()}}}});
    show("binary", json::binary({1, 255}));
    show("nan", json(std::numeric_limits<double>::quiet_NaN()));
    show("depth", json::parse("[[[[]]]]"));
    show("bad text", json{{"text", "\xff"}});
    show("bad key", json{{"\xff", 1}});
    show("person", app::Person{"Ada", 36});
    show("people", std::vector<app::Person>{{"Ada", 36}});
    show("enum by name", app::State::done);
    show("plain enum", app::Plain::one);
    show("own goes first", app::Both());
}
