// What the C++ interface promises, in one program: cpp_session OFFLINE_DIR. The test reads the calls back from the files.
#include "check.h"
#include "cpp_second.hpp"

#include <array>
#include <atomic>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>
#include <weave.hpp>

using namespace std::chrono_literals;
using weave::CallOptions;
using weave::Client;
using weave::Json;

struct OutOfPatience : std::runtime_error {
    using std::runtime_error::runtime_error;
};

static weave::Options offline(const char *offline_dir) {
    weave::Options options;
    options.set_offline().set_offline_dir(offline_dir);
    return options;
}

static bool tells(const weave::Status &status, weave_status code, std::string_view text) {
    return status.code() == code && status.message().find(text) != std::string::npos;
}

// A status keeps its text, whatever fails later; success has none.
static void statuses(const char *offline_dir) {
    auto client = Client::init("team/statuses", offline(offline_dir));
    CHECK(client && client.message().empty() && client->project() == "team/statuses");
    weave::Status first = client->log_call("op", "[1]").status();
    weave::Status second = client->log_call("op", "{").status();
    CHECK(tells(first, WEAVE_INVALID_JSON, "inputs") && first.message() != second.message());
    std::thread([&] { CHECK(tells(client->log_call("").status(), WEAVE_INVALID_NAME, "op_name")); }).join();
    CHECK(tells(Client::init("a/b/c").status(), WEAVE_INVALID_NAME, "a/b/c"));
    CHECK(tells(client->query("/calls/read", "{}").status(), WEAVE_OFFLINE, "offline"));
    bool thrown = false;
    try {
        (void)client->log_call("op", "[1]").value();
    } catch (const weave::Error &error) {
        thrown = error.code() == WEAVE_INVALID_JSON && error.what() == first.message();
    }
    CHECK(thrown);
    CHECK(client->log_call("op", "[1]").value_or({}).empty());
}

// A text with a NUL inside cannot reach C whole, so that it is refused instead of cut.
static void texts(const char *offline_dir) {
    using namespace std::string_view_literals;
    Client client = Client::init("team/texts", offline(offline_dir)).value();
    CHECK(tells(client.log_call("o\0p"sv).status(), WEAVE_INVALID_ARGUMENT, "NUL"));
    CHECK(tells(client.log_call("\xff").status(), WEAVE_INVALID_UTF8, "op_name"));
    CHECK(tells(Client::init("proj\0ect"sv, offline(offline_dir)).status(), WEAVE_INVALID_ARGUMENT, "NUL"));
    const std::string whole = "cut here: op and more";
    CHECK(client.log_call(std::string_view(whole).substr(10, 2)));
    CHECK(client.op_create("of length", std::string_view(whole).substr(0, 3)));
}

// The first fault of something that collects settings is told by what takes it.
static void builders(const char *offline_dir) {
    CHECK(tells(Client::init("p", offline(offline_dir).set_sample_rate(2).set_compression_level(99)).status(),
                WEAVE_INVALID_ARGUMENT, "sample_rate"));
    Client client = Client::init("team/builders", offline(offline_dir)).value();
    CHECK(tells(client.log_call("op", {}, {}, CallOptions().set_kind("\xff")).status(), WEAVE_INVALID_UTF8, "kind"));
    CHECK(tells(Client::init("p", offline(offline_dir).set_sync_connections(17)).status(), WEAVE_INVALID_ARGUMENT,
                "sync_connections"));
    Json open, wrong, both;
    open.open_array("items");
    CHECK(tells(client.log_call("op", open).status(), WEAVE_INVALID_ARGUMENT, "open"));
    wrong.add(1).set("fine", 2);
    CHECK(tells(client.log_call("op", wrong).status(), WEAVE_INVALID_ARGUMENT, "key"));
    both.set("wrong", open);
    CHECK(tells(both.status(), WEAVE_INVALID_ARGUMENT, "open"));
    const char *no_text = nullptr;
    Json typed;
    typed.set("text", "a\"b").set("int", -7).set("uint", 18446744073709551615ull).set("double", 0.5).set("yes", true);
    typed.set("null", nullptr).set("no text", no_text).set("empty", "").set("json", Json()).set_json("given", "[1.0]");
    typed.open_array("items").add("x").add(2).open_object().set("deep", 'x' == 120).close().close();
    CHECK(*typed.text() == R"({"text":"a\"b","int":-7,"uint":18446744073709551615,"double":0.5,"yes":true,)"
                           R"("null":null,"no text":null,"empty":"","json":{},"given":[1.0],)"
                           R"("items":["x",2,{"deep":true}]})");
    CHECK(client.log_call("twice", typed, typed)); // one text for both
}

// A scope ends its call however it is left.
static void scopes(const char *offline_dir) {
    Client client = Client::init("team/scopes", offline(offline_dir)).value();
    { weave::Scope left = client.call_scope("left").value(); }
    {
        weave::Scope ended = client.call_scope("ended").value();
        CHECK(ended.end("1") && ended.ended());
        CHECK(tells(ended.end("2"), WEAVE_CLOSED, "ended"));
    }
    try {
        weave::Scope passed = client.call_scope("passed").value();
        throw OutOfPatience("nobody tells");
    } catch (const OutOfPatience &) {
        // A scope within a handler is none that an exception passes through.
        weave::Scope handler = client.call_scope("handler").value();
    }
    try {
        weave::Scope told = client.call_scope("told").value();
        try {
            throw OutOfPatience("too late");
        } catch (const std::exception &error) {
            CHECK(told.set_exception(error));
            throw;
        }
    } catch (const OutOfPatience &) {
    }
    {
        weave::Scope first = client.call_scope("assigned over").value();
        first = client.call_scope("assigned").value();
        weave::Scope second = std::move(first);
        CHECK(first.get() == nullptr && tells(first.end(), WEAVE_INVALID_ARGUMENT, "call"));
    }
    weave::Call open;
    {
        weave::Scope let_go = client.call_scope("let go").value();
        open = std::move(let_go);
    }
    CHECK(!open.ended() && open.end("\"later\""));
    (void)client.call_start("never ended").value();
    client = Client(); // what is destroyed here was not finished
}

// Children on threads, below one call.
static void threads(const char *offline_dir) {
    Client client = Client::init("team/threads", offline(offline_dir)).value();
    weave::Scope parent = client.call_scope("parent").value();
    std::vector<std::thread> running;
    for (int thread = 0; thread < 8; ++thread) {
        running.emplace_back([&client, &parent, thread] {
            for (int i = 0; i < 250; ++i) {
                Json inputs;
                inputs.set("thread", thread).set("i", i);
                weave::Scope child = client.call_scope("child", inputs, weave::child_of(parent)).value();
                CHECK(client.log_call("grandchild", {}, R"({"model": "m", "usage": {"prompt_tokens": 1}})",
                                      weave::child_of(child)));
                CHECK(child.end());
            }
        });
    }
    for (std::thread &one : running) {
        one.join();
    }
    CHECK(parent.end());
    CHECK(client.finish().left == 0);
    CHECK(client.finish(5s).status && client.log_call("late").code() == WEAVE_CLOSED);
}

// Callbacks live as long as a client or call may use them; what they throw goes no further.
static void callbacks(const char *offline_dir) {
    std::atomic<int> seen{0};
    weave::Call outlives;
    {
        weave::Options options = offline(offline_dir);
        options.set_filter([&seen](weave::Record &record) {
            ++seen;
            if (record.json().find("confused") != std::string_view::npos) {
                throw std::runtime_error("not decided");
            }
            if (record.json().find("dropped op") != std::string_view::npos) {
                return WEAVE_DROP;
            }
            std::string json(record.json());
            const std::size_t at = json.find("hunter2");
            if (at != std::string::npos) {
                CHECK(record.set_json(json.replace(at, 7, "*******")));
            }
            if (record.type() == "call_complete" && record.json().find("refused op") != std::string_view::npos) {
                CHECK(tells(record.set_json("[]"), WEAVE_INVALID_JSON, "record"));
            }
            if (record.json().find("replaced by nothing") != std::string_view::npos) {
                CHECK(!record.set_json("").ok());
            }
            return WEAVE_KEEP;
        });
        const Client client = Client::init("team/callbacks", options).value();
        options.set_filter(nullptr); // of later clients
        CHECK(client.log_call("dropped op") && client.log_call("confused") && client.dropped() == 2);
        CHECK(tells(client.log_call("refused op").status(), WEAVE_INVALID_JSON, "record"));
        CHECK(!client.log_call("replaced by nothing").ok());
        CHECK(client.log_call("changed", R"({"word": "hunter2"})"));
        outlives = client.call_start("outlives its client").value();
    }
    CHECK(seen == 6 && tells(outlives.end(), WEAVE_CLOSED, "finished"));

    static std::atomic<int> heard{0};
    weave::set_log_callback([](weave_log_level, std::string_view message) {
        ++heard;
        throw std::runtime_error(std::string(message));
    });
    CHECK(weave_panic_for_test(nullptr) == WEAVE_PANIC && heard == 1);
    weave::set_log_callback(nullptr);
    CHECK(weave_panic_for_test(nullptr) == WEAVE_PANIC && heard == 1);
}

// Counters tell what became of records; a mistake in one is not counted.
static void stats(const char *offline_dir) {
    const Client client = Client::init("team/stats", offline(offline_dir)).value();
    const auto count = [&client](const std::string &name) {
        const std::string text = client.stats().value();
        const std::size_t at = text.find('"' + name + "\":");
        return at == std::string::npos ? -1 : std::stoll(text.substr(at + name.size() + 3));
    };
    const long long before = count("accepted");
    CHECK(client.log_call("a") && client.log_call("b"));
    CHECK(client.log_call("").code() == WEAVE_INVALID_NAME);
    CHECK(client.log_call("large", Json().set("text", std::string(32 << 20, 'x'))).code() == WEAVE_TOO_LARGE);
    CHECK(count("accepted") == before + 2 && count("packed") + count("waiting") == count("accepted"));
    CHECK(client.flush().left == 0);
    CHECK(count("packed") == before + 2 && count("waiting") == 0 && count("waiting_bytes") == 0);
    CHECK(count("refused") == 0 && count("dropped") == 0 && count("blocked") == 0 && count("filtered") == 0);
    CHECK(count("failures") == 0 && client.stats()->find("\"last_error\":null") != std::string::npos);
    CHECK(Client().stats().code() == WEAVE_INVALID_ARGUMENT);
}

// Each kind of record once, with everything that a call may be given.
static void everything(const char *offline_dir) {
    Client client = Client::init("team/everything", offline(offline_dir).set_entity("team")
                                     .set_max_file_size(1000000).set_max_file_age(1h).set_compress(true)
                                     .set_durability_interval(500ms).set_journal("auto").set_journal_size(1 << 20)
                                     .set_when_full("block").set_block_limit(1s).set_send_interval(5s).set_max_directory_size(1 << 30)
                                     .set_quota_policy("refuse").set_open_call_age(1min).set_close_interrupted(false)
                                     .set_max_sync_time(1h).set_max_sync_bytes(1 << 30).set_max_sync_rate(1 << 30)
                                     .set_sync_connections(2).set_sync_wait(1s).set_stop(weave::Stop())
                                     .add_destination("team/recorded", "elsewhere").set_group_access(false)
                                     .set_attributes(R"({"all": 1})").add_redact_key("pin"))
                        .value();
    const std::array<std::byte, 4> sound{};
    const std::vector<unsigned char> document{'%', 'P', 'D', 'F'};
    const unsigned char picture[] = {0x89, 'P', 'N', 'G', 0};
    CHECK(client.file_create("notes.txt", std::string_view("a\0b", 3)));
    CHECK(client.image_create("png", picture) && client.audio_create("wav", sound));
    CHECK(client.content_create("report.pdf", "application/pdf", document));
    CHECK(client.table_create("[{}]") && client.dataset_create("rows", "[{\"a\": 1}]", "some rows"));
    CHECK(client.object_create("thing", "1").value().rfind("weave:///team/everything/object/thing:", 0) == 0);

    const weave::Time began{1767225600s + 123456us};
    CallOptions options;
    options.set_started_at(began).set_ended_at(began + 1s).set_display_name("shown").set_thread_id("t").set_kind("llm");
    options.set_id("01890a5d-ac96-774b-bcce-b302099a8057").set_trace_id("01890a5d-ac96-774b-bcce-b302099a8058");
    options.set_summary(R"({"own": 1})").add_usage("m", 1, 2).add_usage_json("n", R"({"input_tokens": 3})");
    options.set_attributes(R"({"one": 1})").set_exception("", "bare").set_wb_run("team/everything/run", 1, 2);
    const std::string id = client.log_call("all", R"({"pin": 1})", "null", options).value();
    auto [status, accepted] = client.log_calls(R"([{"op_name": "past"}, {"op_name": "past"}])");
    CHECK(status && accepted == 2);

    weave::Call call = client.call_start("live", {}, CallOptions().set_turn_id("").set_parent_id("")).value();
    weave::Scope elsewhere = client.call_scope("elsewhere", {}, CallOptions().set_parent_context(call.context())).value();
    CHECK(elsewhere.trace_id() == call.trace_id() && elsewhere.set_exception(OutOfPatience("over")));
    CHECK(call.set_summary(R"({"own": 2})") && call.add_usage("m", 1, 1) && call.add_usage_json("m", "{}"));
    CHECK(call.set_display_name("renamed") && call.set_ended_at(began) && call.end());
    CHECK(call.ref().value().rfind("weave:///team/everything/call/", 0) == 0);
    CHECK(client.call_update(id, "named later") && client.cost_create("m", 0.25, 0.5, R"({"provider_id": "p"})"));
    CHECK(client.feedback_create(id, "quality", R"({"score": 1})", {}, "somebody").value().view().size() == 36);
    CHECK(client.feedback_add_reaction(call.ref().value(), "👍") && client.feedback_add_note(call.id(), "noted"));
    CHECK(client.flush(10s).left == 0 && client.finish().status);
    CHECK(weave::directory_stats(offline_dir).value().find("team/everything") != std::string::npos);
    CHECK(weave::clean_synced_files(offline_dir, weave::Days(1.5)).value() == 0);
    CHECK(weave::clean_synced_files(offline_dir, 24h).value() == 0);
    CHECK(!weave::clean_synced_files(offline_dir, weave::Days(-1)).ok());
    CHECK(weave::clean_preview(offline_dir, 24h).value() == R"({"bytes":0,"files":[]})");

    const weave::Rejected rejected{offline_dir, "everything", "calls"};
    CHECK(weave::rejected_list(rejected).value() == "[]" && weave::rejected_drop(rejected).value() == 0);
    CHECK(weave::rejected_retry(rejected).value() == 0);
    CHECK(!weave::rejected_retry({offline_dir, {}, "no such kind"}).ok());
    const std::string exported = std::string(offline_dir) + "/rejected.jsonl";
    CHECK(weave::rejected_export(exported, rejected).value() == 0);
    CHECK(!weave::rejected_export(exported, rejected).ok());
    const auto [verified, results] = weave::verify(offline_dir);
    CHECK(verified && results == "{}");
}

int main(int argc, char **argv) {
    CHECK(argc == 2 && weave::version() == WEAVE_VERSION);
    statuses(argv[1]);
    texts(argv[1]);
    builders(argv[1]);
    scopes(argv[1]);
    threads(argv[1]);
    callbacks(argv[1]);
    stats(argv[1]);
    everything(argv[1]);
    second_unit(argv[1]);
    puts("as promised");
}
