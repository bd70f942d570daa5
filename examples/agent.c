/* The session of a small support agent, logged offline: agent OFFLINE_DIR PROJECT
 *
 * It shows most of the library: an op, an object, a dataset, an image and a cost, calls in one go and live calls with
 * children, a failure, feedback and an update. Prints the id of the root call; an error ends it with 1. */
#include <stdio.h>
#include <stdlib.h>
#include <weave.h>

#define CHECK(call) check((call), #call)

/* The shape of one child of the root call. Output NULL: none. */
typedef struct {
    const char *op, *inputs, *output, *kind, *thread;
} step;

static const char SOURCE[] = "def lookup_order(order_id, config):\n"
                             "    return ORDERS[order_id]  # späte Lieferung: siehe Köln\n";
static const char CONFIG[] = "{\"prompt\": \"You are a support agent. Be brief.\", \"temperature\": 0.2,"
                             " \"tools\": [\"lookup_order\", \"track_parcel\"]}";
#define QUESTION "Where is order 9007199254740993?"
#define ANSWER "Your order is in Köln. 📦"
#define FIRST_ROW "{\"question\": \"" QUESTION "\", \"expected\": \"in Köln\", \"weight\": 1}"
static const char ROWS[] = "[" FIRST_ROW ","
                           " {\"question\": \"Can I return it?\", \"expected\": \"within 30 days\", \"weight\": 0.5},"
                           " {\"question\": \"返品できますか?\", \"expected\": null, \"weight\": 2}]";
static const char DOCUMENTS[] =
    "[{\"id\": \"faq-12\", \"score\": 0.83, \"text\": \"Parcels are tracked by the carrier.\"},"
    " {\"id\": \"faq-7\", \"score\": 0.61, \"text\": \"Überweisungen dauern zwei Tage.\"}]";
#define MODEL "\"model\": \"gpt-4o-mini\""
#define MESSAGES                                                                      \
    "{\"role\": \"system\", \"content\": \"You are a support agent. Be brief.\"},"    \
    " {\"role\": \"user\", \"content\": \"" QUESTION "\"}"
#define DECISION "{\"role\": \"assistant\", \"content\": \"I look it up. 🔎\"}"
#define COMPLETION(message, prompt, completion, total)                                                           \
    "{" MODEL ", \"choices\": [{\"message\": " message "}], \"usage\": {\"prompt_tokens\": " #prompt             \
    ", \"completion_tokens\": " #completion ", \"total_tokens\": " #total "}}"
/* What is no JSON here is repaired: bare words, a lone surrogate, a text that only looks like a reference. */
static const char ODD[] =
    "{\"text\": \"Zürich 東京 😀 \\\"quoted\\\" \\\\ / \\t\\u0001\\u007f\", \"nan\": NaN,"
    " \"infinities\": [Infinity, -Infinity], \"lone\": \"a\\ud800b\", \"big\": 123456789012345678901234567890,"
    " \"one\": 1.0, \"like_a_ref\": \"weave:///nothing\", \"empty\": {\"object\": {}, \"list\": [], \"text\": \"\"}}";

static const unsigned char LABEL[] = { /* a PNG of 8 by 8 pixels */
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x08, 0x00, 0x00, 0x00, 0x08, 0x08, 0x02, 0x00, 0x00, 0x00, 0x4b, 0x6d, 0x29,
    0xdc, 0x00, 0x00, 0x00, 0x26, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0xfc, 0xf5, 0xe1, 0x04,
    0x03, 0x36, 0xc0, 0xc4, 0xc0, 0xc0, 0x20, 0xa5, 0xe2, 0x23, 0xa5, 0xe2, 0x03, 0xe1, 0xc3, 0x19,
    0x4c, 0x0c, 0x38, 0x00, 0x3d, 0x24, 0x18, 0x71, 0x39, 0x17, 0x00, 0x65, 0x6a, 0x07, 0x11, 0x84,
    0x7a, 0xbf, 0x0d, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};

static void fail(weave_status status, const char *what) {
    char text[1024];
    weave_last_error(text, sizeof text);
    fprintf(stderr, "%s: %s: %s\n", what, weave_status_text(status), text);
    exit(1);
}

static void check(weave_status status, const char *what) {
    if (status != WEAVE_OK) {
        fail(status, what);
    }
}

static weave_client *open_session(const char *offline_dir, const char *project) {
    weave_options *options = weave_options_new();
    CHECK(weave_options_set_offline(options, true));
    CHECK(weave_options_set_offline_dir(options, offline_dir));
    weave_client *client = NULL;
    CHECK(weave_init(project, options, &client));
    weave_options_free(options);
    return client;
}

/* Live calls: what happens between start and end is the agent's work. */
static void run(weave_client *client, const weave_call *parent, step step) {
    weave_call_options *options = weave_call_options_new();
    CHECK(weave_call_options_set_parent(options, parent));
    CHECK(weave_call_options_set_kind(options, step.kind));
    CHECK(weave_call_options_set_thread_id(options, step.thread));
    weave_call *call = NULL;
    CHECK(weave_call_start(client, step.op, step.inputs, -1, options, &call));
    weave_call_options_free(options);
    if (step.output == NULL) {
        CHECK(weave_call_set_exception(call, "TimeoutError", "the carrier did not answer", NULL));
    }
    CHECK(weave_call_end(call, step.output, -1));
    weave_call_free(call);
}

/* {"KEY": VALUE} and, before it, the number of an order when one is given. */
static weave_json *inputs_of(int64_t order_id, const char *key, const char *ref, const char *json) {
    weave_json *inputs = weave_json_new();
    if (order_id != 0) {
        CHECK(weave_json_set_int(inputs, "order_id", order_id));
    }
    CHECK(ref != NULL ? weave_json_set_string(inputs, key, ref, -1) : weave_json_set_json(inputs, key, json, -1));
    return inputs;
}

/* What is published first, to be named by the calls. */
typedef struct {
    char *op, *config, *row, *image;
} published;

static published publish(weave_client *client) {
    published made = {NULL, NULL, NULL, NULL};
    char *dataset = NULL;
    CHECK(weave_op_create(client, "lookup_order", SOURCE, -1, &made.op));
    CHECK(weave_object_create(client, "agent-config", CONFIG, -1, &made.config));
    CHECK(weave_dataset_create(client, "orders", NULL, ROWS, -1, &dataset));
    CHECK(weave_dataset_row_ref(client, dataset, FIRST_ROW, -1, &made.row));
    weave_string_free(dataset);
    CHECK(weave_image_create(client, "png", LABEL, sizeof LABEL, &made.image));
    CHECK(weave_cost_create(client, "gpt-4o-mini", 0.00000015, 0.0000006, NULL, 0));
    return made;
}

static void children(weave_client *client, const weave_call *agent, published made) {
    weave_json *order = inputs_of(9007199254740993, "config", made.config, NULL);
    weave_json *label = inputs_of(0, "label", NULL, made.image);
    weave_json *match = inputs_of(0, "row", made.row, NULL);
    const step steps[] = {
        {"retrieve", "{\"query\": \"" QUESTION "\", \"k\": 2}", DOCUMENTS, NULL, NULL},
        {"chat", "{" MODEL ", \"messages\": [" MESSAGES "]}", COMPLETION(DECISION, 120, 30, 150), "llm", NULL},
        {made.op, weave_json_text(order, NULL), "{\"city\": \"Köln\"}", "tool", NULL},
        {"track_parcel", "{\"parcel\": \"00340434161094042557\"}", NULL, "tool", "carrier-7"},
        {"read_label", weave_json_text(label, NULL), "{\"text\": \"II I\"}", NULL, NULL},
        {"check_row", weave_json_text(match, NULL), "{\"match\": true}", NULL, NULL},
        {"echo", ODD, "null", NULL, NULL},
        {"chat", "{" MODEL ", \"messages\": [" MESSAGES ", " DECISION "]}",
         COMPLETION("{\"role\": \"assistant\", \"content\": \"" ANSWER "\"}", 200, 50, 250), "llm", NULL},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; ++i) {
        run(client, agent, steps[i]);
    }
    weave_json_free(order);
    weave_json_free(label);
    weave_json_free(match);
}

static void afterwards(weave_client *client, const char *id) {
    CHECK(weave_call_update(client, id, "Parcel question 📦"));
    CHECK(weave_feedback_add_reaction(client, id, "👍", NULL));
    CHECK(weave_feedback_add_note(client, id, "Right answer, slow carrier.", NULL));
    CHECK(weave_feedback_create(client, id, "quality", "{\"score\": 0.9}", -1, NULL, 0, NULL, NULL));
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s OFFLINE_DIR PROJECT\n", argv[0]);
        return 2;
    }
    weave_client *client = open_session(argv[1], argv[2]);
    published made = publish(client);
    CHECK(weave_log_call(client, "warm_up", "{\"ready\": true}", -1, "\"ok\"", -1, NULL, NULL));
    weave_call *watch = NULL;
    CHECK(weave_call_start(client, "watch", "{\"queue\": \"support\"}", -1, NULL, &watch));
    weave_call_free(watch); /* it never ends */

    weave_call_options *options = weave_call_options_new();
    CHECK(weave_call_options_set_kind(options, "agent"));
    CHECK(weave_call_options_set_attributes(options, "{\"env\": \"demo\"}", -1));
    CHECK(weave_call_options_set_thread_id(options, "session-42"));
    weave_call *agent = NULL;
    CHECK(weave_call_start(client, "agent", "{\"question\": \"" QUESTION "\"}", -1, options, &agent));
    weave_call_options_free(options);
    children(client, agent, made);
    CHECK(weave_call_end(agent, "{\"answer\": \"" ANSWER "\"}", -1));

    afterwards(client, weave_call_id(agent));
    CHECK(weave_finish(client, -1, NULL));
    puts(weave_call_id(agent));
    weave_string_free(made.op);
    weave_string_free(made.config);
    weave_string_free(made.row);
    weave_string_free(made.image);
    weave_call_free(agent);
    weave_client_free(client);
    return 0;
}
