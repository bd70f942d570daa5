/* A writer that logs every kind of record while a sync reads its files, and tells of each thing on its standard output
 * after the function returned WEAVE_OK, one write(2) each: "KIND NAME NUMBER", as arrived.py reads it.
 *
 * Arguments: project, seed, threads. It logs until its standard input ends; then it ends some of the calls that are
 * still open, finishes and exits with 0. Settings come from the environment. */
#define _POSIX_C_SOURCE 200809L
#include "../../programs/check.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

enum { NEAR = 6, FAR = 30, RECENT = 8, OBJECTS = 3 };

static weave_client *client;
static unsigned long seed;
static atomic_bool stopped;

typedef struct {
    unsigned long random;
    int thread, versions[OBJECTS], op_version;
    long number; /* of the last record: each has its own */
    weave_call *open[NEAR + FAR];
    char recent[RECENT][WEAVE_ID_SIZE]; /* calls that may be renamed and judged */
    char op[512], refs[OBJECTS][512], text[16384];
} Worker;

static unsigned below(Worker *self, unsigned limit) {
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (unsigned)(self->random >> 32) % limit;
}

static void tell(const char *format, ...) {
    char line[512];
    va_list values;
    va_start(values, format);
    int length = vsnprintf(line, sizeof line, format, values);
    va_end(values);
    CHECK(length < (int)sizeof line && write(STDOUT_FILENO, line, (size_t)length) == length);
}

static long next(Worker *self) {
    return ++self->number;
}

/* Inputs that can be told from others: mostly small, few of some KiB, some with a reference. */
static const char *inputs(Worker *self, long number, const char *more) {
    static const char *const letters = "abcdefghijklmnopqrstuvwxyz";
    unsigned length = below(self, 20) ? below(self, 200) : below(self, 8000);
    char letter = letters[number % 26], ref[600] = "";
    const char *known = self->refs[below(self, OBJECTS)];
    if (*known && below(self, 4) == 0) snprintf(ref, sizeof ref, ", \"object\": \"%s\"", known);
    int at = snprintf(self->text, sizeof self->text, "{\"n\": %ld%s%s, \"text\": \"", number, more, ref);
    memset(self->text + at, letter, length);
    strcpy(self->text + at + length, "\"}");
    return self->text;
}

static const char *output(long number) {
    static _Thread_local char text[64];
    snprintf(text, sizeof text, "{\"n\": %ld}", number);
    return text;
}

static const char *op(Worker *self) {
    return *self->op && below(self, 2) ? self->op : "act";
}

static char *some_recent(Worker *self) {
    return self->recent[below(self, RECENT)];
}

static void log_finished(Worker *self) {
    long number = next(self);
    char id[WEAVE_ID_SIZE];
    CHECK(weave_log_call(client, op(self), inputs(self, number, ""), -1, output(number), -1, NULL, id) == WEAVE_OK);
    tell("c %s %ld\n", id, number);
    strcpy(some_recent(self), id);
}

/* A call that a server may have been told to refuse. */
static void log_unacceptable(Worker *self) {
    long number = next(self);
    char id[WEAVE_ID_SIZE];
    const char *text = inputs(self, number, ", \"is\": \"UNACCEPTABLE\"");
    CHECK(weave_log_call(client, "act", text, -1, output(number), -1, NULL, id) == WEAVE_OK);
    tell("r %s %ld\n", id, number);
}

static void end_call(Worker *self, weave_call **place) {
    long number = next(self);
    CHECK(weave_call_end(*place, output(number), -1) == WEAVE_OK);
    tell("e %s %ld\n", weave_call_id(*place), number);
    weave_call_free(*place);
    *place = NULL;
}

/* Those of the first places end soon; the others seconds later, when their start may have been sent alone. */
static void start_or_end(Worker *self, unsigned place) {
    weave_call **call = &self->open[place];
    if (*call != NULL) {
        end_call(self, call);
        return;
    }
    long number = next(self);
    CHECK(weave_call_start(client, op(self), inputs(self, number, ""), -1, NULL, call) == WEAVE_OK);
    tell("s %s %ld\n", weave_call_id(*call), number);
    strcpy(some_recent(self), weave_call_id(*call));
}

static void rename_call(Worker *self) {
    const char *id = some_recent(self);
    if (*id == 0) return;
    char name[64];
    snprintf(name, sizeof name, "name-%ld", next(self));
    CHECK(weave_call_update(client, id, name) == WEAVE_OK);
    tell("u %s %s\n", id, name);
}

static void give_feedback(Worker *self) {
    const char *call = some_recent(self);
    if (*call == 0) return;
    long number = next(self);
    char id[WEAVE_ID_SIZE];
    CHECK(weave_feedback_create(client, call, "custom", output(number), -1, NULL, 0, NULL, id) == WEAVE_OK);
    tell("f %s %ld\n", id, number);
}

static void set_price(Worker *self) {
    char model[64];
    snprintf(model, sizeof model, "model-%lx-%d-%ld", seed, self->thread, next(self));
    CHECK(weave_cost_create(client, model, 0.5, 0.25, NULL, 0) == WEAVE_OK);
    tell("m %s 1\n", model);
}

/* The first object's versions refer to those before them; the values of the others come again: 0, 1, 2, 0, … */
static void create_object(Worker *self) {
    unsigned which = below(self, OBJECTS);
    int version = self->versions[which]++;
    char name[64], value[800], *ref = NULL;
    snprintf(name, sizeof name, "o%lx-%d-%u", seed, self->thread, which);
    if (which == 0) {
        snprintf(value, sizeof value, "{\"version\": %d, \"before\": \"%s\"}", version, self->refs[0]);
    } else {
        version %= 3;
        snprintf(value, sizeof value, "{\"version\": %d}", version);
    }
    CHECK(weave_object_create(client, name, value, -1, &ref) == WEAVE_OK);
    tell("o %s %d\n", name, version);
    snprintf(self->refs[which], sizeof self->refs[which], "%s", ref);
    weave_string_free(ref);
}

static void create_op(Worker *self) {
    char name[64], source[128], *ref = NULL;
    snprintf(name, sizeof name, "p%lx-%d", seed, self->thread);
    snprintf(source, sizeof source, "def act():\n    return %d\n", ++self->op_version);
    CHECK(weave_op_create(client, name, source, -1, &ref) == WEAVE_OK);
    tell("p %s %d\n", name, self->op_version);
    snprintf(self->op, sizeof self->op, "%s", ref);
    weave_string_free(ref);
}

static void create_table(Worker *self) {
    long number = next(self);
    char rows[512], *ref = NULL;
    snprintf(rows, sizeof rows, "[{\"of\": \"%lx-%d\", \"n\": %ld}, {\"n\": %ld}, {\"n\": %ld}]", seed, self->thread,
             number, number + 1, number + 2);
    CHECK(weave_table_create(client, rows, -1, &ref) == WEAVE_OK);
    tell("t %s 3\n", strrchr(ref, '/') + 1);
    weave_string_free(ref);
}

static void create_file(Worker *self) {
    char data[3000], *digest = NULL;
    int length = snprintf(data, sizeof data, "%lx-%d-%ld ", seed, self->thread, next(self));
    int more = (int)below(self, 2500);
    memset(data + length, '.', (size_t)more);
    CHECK(weave_file_create(client, "notes.txt", data, length + more, &digest) == WEAVE_OK);
    tell("b %s %d\n", digest, length + more);
    weave_string_free(digest);
}

static void log_something(Worker *self) {
    unsigned kind = below(self, 1000);
    if (kind < 420) log_finished(self);
    else if (kind < 630) start_or_end(self, below(self, NEAR));
    else if (kind < 700) start_or_end(self, NEAR + below(self, FAR));
    else if (kind < 790) rename_call(self);
    else if (kind < 850) give_feedback(self);
    else if (kind < 890) set_price(self);
    else if (kind < 930) create_object(self);
    else if (kind < 940) create_op(self);
    else if (kind < 960) create_table(self);
    else if (kind < 995) create_file(self);
    else log_unacceptable(self);
}

static void *work(void *argument) {
    Worker *self = argument;
    while (!stopped) {
        for (unsigned records = 1 + below(self, 8); records > 0; --records) log_something(self);
        if (below(self, 4) == 0) CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
        struct timespec pause = {0, (long)below(self, 500000000)};
        nanosleep(&pause, NULL);
    }
    for (int place = 0; place < NEAR + FAR; ++place) {
        if (self->open[place] != NULL && below(self, 2)) end_call(self, &self->open[place]);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 4);
    seed = strtoul(argv[2], NULL, 10);
    int threads = atoi(argv[3]);
    CHECK(weave_init(argv[1], NULL, &client) == WEAVE_OK);
    Worker *workers = calloc((size_t)threads, sizeof *workers);
    pthread_t *running = calloc((size_t)threads, sizeof *running);
    CHECK(workers != NULL && running != NULL);
    for (int i = 0; i < threads; ++i) {
        workers[i].random = (seed + (unsigned long)i) * 0x9E3779B97F4A7C15ul | 1;
        workers[i].thread = i;
        workers[i].number = i * 1000000l;
        CHECK(pthread_create(&running[i], NULL, work, &workers[i]) == 0);
    }
    char rest[64];
    while (read(STDIN_FILENO, rest, sizeof rest) > 0) {}
    stopped = true;
    for (int i = 0; i < threads; ++i) CHECK(pthread_join(running[i], NULL) == 0);
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    return 0;
}
