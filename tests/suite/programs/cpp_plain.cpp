// The interface as programs use it that have no exceptions and no RTTI: cpp_plain OFFLINE_DIR
#include "check.h"

#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>
#include <weave.hpp>

struct Opaque {};

static int add(int a, int b) { return a + b; }

// An id serves as a text, and as a key.
static void ids(const weave::Id &one, const weave::Id &other) {
    const std::string text = one;
    const std::string_view view = one;
    CHECK(one == text && view == one && text == one && one != other && one != "" && !(one == other));
    CHECK((one < other) != (other < one) && !one.empty() && one.c_str() == text);
    CHECK((std::unordered_set<weave::Id>{one, other, one}.size() == 2));
    std::ostringstream out;
    out << one;
    CHECK(out.str() == text);
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    weave::Options options;
    options.set_offline().set_offline_dir(argv[1]);
    weave::Result<weave::Client> client = weave::Client::init("team/plain", options);
    CHECK(client.ok() && client->project() == "team/plain");
    {
        weave::Scope scope =
            client->call_scope("scope", weave::Json().set("values", std::vector<int>{1, 2})).value_or({});
        CHECK(weave::op("add", {"a", "b"}, add)(1, 2) == 3);
        weave::op(*client, "opaque", {"given"}, [](weave::Call &call, const Opaque &) {
            CHECK(call.set_exception("Failure", "told by hand"));
        })(Opaque());
        CHECK(scope.end(weave::Json::of(std::map<std::string, double>{{"half", 0.5}})));
    }
    const weave::Result<weave::Id> none = client->log_call("", "{}");
    CHECK(!none.ok() && none.code() == WEAVE_INVALID_NAME && !none.message().empty());
    ids(*client->log_call("one"), *client->log_call("other"));
    CHECK(client->finish().value() == 0);
    puts("as promised");
}
