// The session of a small support agent, logged offline: agent OFFLINE_DIR PROJECT
//
// It shows most of the library: an op, an object, a dataset, an image and a cost, calls in one go and live calls with
// children, a failure, feedback and an update. Prints the id of the root call; an error ends it with 1.
#include <cstdint>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <weave.hpp>

struct TimeoutError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

namespace {

using weave::child_of;
using weave::Client;
using weave::Json;

constexpr const char *model = "gpt-4o-mini";
constexpr const char *question = "Where is order 9007199254740993?";
constexpr const char *answer = "Your order is in Köln. 📦";
constexpr const char *source = "def lookup_order(order_id, config):\n"
                               "    return ORDERS[order_id]  # späte Lieferung: siehe Köln\n";
constexpr const char *documents = R"([
    {"id": "faq-12", "score": 0.83, "text": "Parcels are tracked by the carrier."},
    {"id": "faq-7", "score": 0.61, "text": "Überweisungen dauern zwei Tage."}])";
// What is no JSON here is repaired: bare words, a lone surrogate, a text that only looks like a reference.
constexpr const char *odd =
    R"({"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": NaN, "infinities": [Infinity, -Infinity],)"
    R"( "lone": "a\ud800b", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": "weave:///nothing",)"
    R"( "empty": {"object": {}, "list": [], "text": ""}})";
constexpr unsigned char label[] = { // a PNG of 8 by 8 pixels
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x02, 0x00, 0x00, 0x00, 0x4b, 0x6d, 0x29,
    0xdc, 0x00, 0x00, 0x00, 0x26, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xfc, 0xf5, 0xe1, 0x04,
    0x03, 0x36, 0xc0, 0xc4, 0xc0, 0xc0, 0x20, 0xa5, 0xe2, 0x23, 0xa5, 0xe2, 0x03, 0xe1, 0xc3, 0x19,
    0x4c, 0x0c, 0x38, 0x00, 0x3d, 0x24, 0x18, 0x71, 0x39, 0x17, 0x00, 0x65, 0x6a, 0x07, 0x11, 0x84,
    0x7a, 0xbf, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

Json message(std::string_view role, std::string_view content) {
    Json json;
    json.set("role", role).set("content", content);
    return json;
}

// The weight is a whole number or not, as it is given.
template <class Weight>
Json row(std::string_view asked, std::optional<std::string_view> expected, Weight weight) {
    Json json;
    json.set("question", asked);
    expected ? json.set("expected", *expected) : json.set("expected", nullptr);
    json.set("weight", weight);
    return json;
}

// Open: further messages may be added before `asked` ends it.
Json conversation() {
    Json json;
    json.set("model", model).open_array("messages");
    json.add(message("system", "You are a support agent. Be brief.")).add(message("user", question));
    return json;
}

Json completion(const Json &said, std::int64_t prompt_tokens, std::int64_t completion_tokens) {
    Json json;
    json.set("model", model).open_array("choices").open_object().set("message", said).close().close();
    json.open_object("usage").set("prompt_tokens", prompt_tokens).set("completion_tokens", completion_tokens);
    json.set("total_tokens", prompt_tokens + completion_tokens).close();
    return json;
}

void ask_model(const Client &client, const weave::Call &agent, const Json &inputs, const Json &output) {
    auto call = client.call_scope("chat", inputs, child_of(agent).set_kind("llm")).value();
    call.end(output).or_throw();
}

std::string ask_carrier() { throw TimeoutError("the carrier did not answer"); }

void track_parcel(const Client &client, const weave::Call &agent) {
    auto call = client.call_scope("track_parcel", R"({"parcel": "00340434161094042557"})",
                                  child_of(agent).set_kind("tool").set_thread_id("carrier-7")).value();
    try {
        call.end(ask_carrier()).or_throw();
    } catch (const TimeoutError &error) {
        call.set_exception(error).or_throw(); // the scope ends the call
    }
}

std::string run(const Client &client) {
    const std::string lookup_order = client.op_create("lookup_order", source).value();
    const std::string config = client.object_create("agent-config",
        R"({"prompt": "You are a support agent. Be brief.", "temperature": 0.2,
            "tools": ["lookup_order", "track_parcel"]})").value();
    const Json first = row(question, "in Köln", 1);
    Json rows = Json::array();
    rows.add(first).add(row("Can I return it?", "within 30 days", 0.5)).add(row("返品できますか?", std::nullopt, 2));
    const std::string orders = client.dataset_create("orders", rows).value();
    const std::string image = client.image_create("png", label).value();
    client.cost_create(model, 0.00000015, 0.0000006).or_throw();

    client.log_call("warm_up", R"({"ready": true})", R"("ok")").value();
    client.call_start("watch", R"({"queue": "support"})").value(); // it never ends

    weave::CallOptions options;
    options.set_kind("agent").set_attributes(R"({"env": "demo"})").set_thread_id("session-42");
    Json asked;
    asked.set("question", question);
    auto agent = client.call_scope("agent", asked, options).value();

    Json query;
    query.set("query", question).set("k", 2);
    client.log_call("retrieve", query, documents, child_of(agent)).value();

    const Json decision = message("assistant", "I look it up. 🔎");
    ask_model(client, agent, conversation().close(), completion(decision, 120, 30));

    Json order;
    order.set("order_id", std::int64_t{9007199254740993}).set("config", config);
    client.log_call(lookup_order, order, R"({"city": "Köln"})", child_of(agent).set_kind("tool")).value();

    track_parcel(client, agent);

    Json read;
    read.set_json("label", image);
    client.log_call("read_label", read, R"({"text": "II I"})", child_of(agent)).value();

    Json match;
    match.set("row", client.dataset_row_ref(orders, first).value());
    client.log_call("check_row", match, R"({"match": true})", child_of(agent)).value();

    client.log_call("echo", odd, "null", child_of(agent)).value();

    Json again = conversation();
    again.add(decision).close();
    ask_model(client, agent, again, completion(message("assistant", answer), 200, 50));

    Json said;
    said.set("answer", answer);
    agent.end(said).or_throw();

    client.call_update(agent.id(), "Parcel question 📦").or_throw();
    client.feedback_add_reaction(agent.id(), "👍").value();
    client.feedback_add_note(agent.id(), "Right answer, slow carrier.").value();
    client.feedback_create(agent.id(), "quality", R"({"score": 0.9})").value();
    return std::string(agent.id());
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 3) {
        std::cerr << "usage: " << argv[0] << " OFFLINE_DIR PROJECT\n";
        return 2;
    }
    try {
        const Client client =
            Client::init(argv[2], weave::Options().set_offline().set_offline_dir(argv[1])).value();
        const std::string root = run(client);
        client.finish().status.or_throw();
        std::cout << root << '\n';
        return 0;
    } catch (const std::exception &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
