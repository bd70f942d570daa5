/* A writer that is there to be killed: it logs from several threads, in bursts and pauses, and tells of each thing on
 * its standard output after the function returned WEAVE_OK, one write(2) each.
 *
 * Arguments: project, file of letters, seed, threads, bursts of each thread, whether it finishes at the end. With no
 * bursts it is a recoverer: weave_init and weave_finish. Settings come from the environment. */
#define _POSIX_C_SOURCE 200809L
#include "../../programs/check.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

enum { POOL = 128 * 1024, OPEN = 8 };

static weave_client *client;
static const char *project;
static char pool[POOL];
static unsigned long seed;
static int bursts;

typedef struct {
    unsigned long random;
    int thread, objects;
    weave_call *open[OPEN];
    char last[WEAVE_ID_SIZE];
    char text[2 * POOL];
} Worker;

static unsigned below(Worker *self, unsigned limit) {
    self->random ^= self->random << 13;
    self->random ^= self->random >> 7;
    self->random ^= self->random << 17;
    return (unsigned)(self->random >> 32) % limit;
}

static void tell(const char *text) {
    size_t length = strlen(text);
    CHECK(write(STDOUT_FILENO, text, length) == (ssize_t)length);
}

static void tell_id(char what, const char *id) {
    char line[2 * WEAVE_ID_SIZE];
    snprintf(line, sizeof line, "%c %s\n", what, id);
    tell(line);
}

/* Mostly small, some of a few KiB, few of up to 100 KiB. */
static unsigned size(Worker *self) {
    unsigned kind = below(self, 100);
    if (kind < 70) return 50 + below(self, 450);
    return kind < 94 ? 1000 + below(self, 7000) : 8000 + below(self, 92000);
}

static const char *value(Worker *self) {
    unsigned length = size(self), at = below(self, POOL - length);
    snprintf(self->text, sizeof self->text, "{\"at\": %u, \"length\": %u, \"text\": \"%.*s\"}", at, length, (int)length,
             pool + at);
    return self->text;
}

static void log_finished(Worker *self) {
    CHECK(weave_log_call(client, "finished", value(self), -1, "1", 1, NULL, self->last) == WEAVE_OK);
    tell_id('c', self->last);
}

static void start_or_end(Worker *self) {
    weave_call **place = &self->open[below(self, OPEN)];
    if (*place == NULL) {
        CHECK(weave_call_start(client, "live", value(self), -1, NULL, place) == WEAVE_OK);
        tell_id('s', weave_call_id(*place));
        return;
    }
    CHECK(weave_call_end(*place, value(self), -1) == WEAVE_OK);
    tell_id('e', weave_call_id(*place));
    weave_call_free(*place);
    *place = NULL;
}

static void give_feedback(Worker *self) {
    if (self->last[0] == 0) return;
    char target[256], id[WEAVE_ID_SIZE];
    snprintf(target, sizeof target, "weave:///%s/call/%s", project, self->last);
    CHECK(weave_feedback_create(client, target, "custom", value(self), -1, NULL, 0, NULL, id) == WEAVE_OK);
    tell_id('f', id);
}

static void create_object(Worker *self) {
    char name[64];
    char *ref = NULL;
    snprintf(name, sizeof name, "o%lx-%d-%d", seed, self->thread, self->objects++);
    CHECK(weave_object_create(client, name, value(self), -1, &ref) == WEAVE_OK);
    weave_string_free(ref);
    tell_id('o', name);
}

static void log_batch(Worker *self) {
    char told[10 * (WEAVE_ID_SIZE + 4)] = "", *calls = self->text;
    int length = 0;
    for (int i = 0; i < 10; ++i) {
        char id[WEAVE_ID_SIZE];
        snprintf(id, sizeof id, "%08x-%04x-4%03x-8%03x-%08x%04x", below(self, ~0u), below(self, 0x10000),
                 below(self, 0x1000), below(self, 0x1000), below(self, ~0u), below(self, 0x10000));
        unsigned at = below(self, POOL - 300);
        length += snprintf(calls + length, sizeof self->text - (size_t)length,
                           "%c{\"op_name\": \"batch\", \"id\": \"%s\", \"inputs\": {\"at\": %u, \"length\": 300, "
                           "\"text\": \"%.300s\"}}", i ? ',' : '[', id, at, pool + at);
        snprintf(told + strlen(told), sizeof told - strlen(told), "c %s\n", id);
    }
    snprintf(calls + length, sizeof self->text - (size_t)length, "]");
    CHECK(weave_log_calls(client, calls, -1, NULL) == WEAVE_OK);
    tell(told);
}

static void *work(void *argument) {
    Worker *self = argument;
    for (int i = 0; i < bursts; ++i) {
        unsigned records = below(self, 5) == 0 ? 50 + below(self, 250) : 1 + below(self, 10);
        for (unsigned record = 0; record < records; ++record) {
            unsigned kind = below(self, 100);
            if (kind < 55) log_finished(self);
            else if (kind < 87) start_or_end(self);
            else if (kind < 93) give_feedback(self);
            else if (kind < 97) create_object(self);
            else log_batch(self);
        }
        if (self->thread == 0 && below(self, 3) == 0) CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
        struct timespec pause = {0, (long)below(self, 20000000)};
        nanosleep(&pause, NULL);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 7);
    project = argv[1];
    FILE *letters = fopen(argv[2], "r");
    CHECK(letters != NULL && fread(pool, 1, POOL, letters) == POOL);
    fclose(letters);
    seed = strtoul(argv[3], NULL, 10);
    int threads = atoi(argv[4]);
    bursts = atoi(argv[5]);
    CHECK(weave_init(project, NULL, &client) == WEAVE_OK);
    Worker *workers = calloc((size_t)threads, sizeof *workers);
    pthread_t *running = calloc((size_t)threads, sizeof *running);
    CHECK(workers != NULL && running != NULL);
    for (int i = 0; i < threads; ++i) {
        workers[i].random = (seed + (unsigned long)i) * 0x9E3779B97F4A7C15ul | 1;
        workers[i].thread = i;
        CHECK(pthread_create(&running[i], NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < threads; ++i) CHECK(pthread_join(running[i], NULL) == 0);
    if (strcmp(argv[6], "1") == 0) {
        tell("F\n");
        CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
        tell("G\n");
    }
    return 0; /* the rest is the next start's */
}
