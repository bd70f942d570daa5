/* Threads that are cancelled while they log and flush, beside threads that go on. Prints the id of every call that was
 * accepted. Argument: the offline directory. */
#define _POSIX_C_SOURCE 200809L /* threads */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 50, CANCELLED = 4, LASTING = 2, MOST = 20000, ENOUGH = 20 };

struct worker {
    pthread_t thread;
    atomic_int accepted;
    char ids[MOST][WEAVE_ID_SIZE];
};

static weave_client *client;
static atomic_bool stop;

static void log_one(struct worker *self) {
    int at = atomic_load(&self->accepted);
    if (at == MOST) {
        return; /* whoever waits for this thread is slow */
    }
    CHECK(weave_log_call(client, "work", "{\"n\": 1}", -1, "\"done\"", -1, NULL, self->ids[at]) == WEAVE_OK);
    atomic_store(&self->accepted, at + 1);
    if (at % 8 == 0) {
        CHECK(weave_flush(client, 10000, NULL) == WEAVE_OK); /* waits, and so could be cancelled in its midst */
    }
}

static void *log_until_cancelled(void *argument) {
    while (!atomic_load(&stop)) {
        log_one(argument);
        pthread_testcancel();
    }
    return NULL;
}

static void *log_until_stopped(void *argument) {
    while (!atomic_load(&stop)) {
        log_one(argument);
    }
    return NULL;
}

static void print_ids(const struct worker *worker) {
    for (int i = 0; i < atomic_load(&worker->accepted); ++i) {
        puts(worker->ids[i]);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    client = offline_client(argv[1], "cancelled");
    struct worker *lasting = calloc(LASTING, sizeof *lasting);
    struct worker *cancelled = calloc(CANCELLED, sizeof *cancelled);
    CHECK(lasting != NULL && cancelled != NULL);
    for (int i = 0; i < LASTING; ++i) {
        CHECK(pthread_create(&lasting[i].thread, NULL, log_until_stopped, &lasting[i]) == 0);
    }
    for (int round = 0; round < ROUNDS; ++round) {
        for (int i = 0; i < CANCELLED; ++i) {
            atomic_store(&cancelled[i].accepted, 0);
            CHECK(pthread_create(&cancelled[i].thread, NULL, log_until_cancelled, &cancelled[i]) == 0);
        }
        for (int i = 0; i < CANCELLED; ++i) {
            while (atomic_load(&cancelled[i].accepted) < ENOUGH) {
                sched_yield();
            }
            CHECK(pthread_cancel(cancelled[i].thread) == 0);
        }
        for (int i = 0; i < CANCELLED; ++i) {
            void *result = NULL;
            CHECK(pthread_join(cancelled[i].thread, &result) == 0 && result == PTHREAD_CANCELED);
            print_ids(&cancelled[i]);
        }
    }
    atomic_store(&stop, true);
    for (int i = 0; i < LASTING; ++i) {
        CHECK(pthread_join(lasting[i].thread, NULL) == 0);
        CHECK(atomic_load(&lasting[i].accepted) > 0);
        print_ids(&lasting[i]);
    }
    CHECK(weave_finish(client, 10000, NULL) == WEAVE_OK);
    weave_client_free(client);
    free(cancelled);
    free(lasting);
    return 0;
}
