/* Threads that fail at once, each in its own way, and then read what they were told. Argument: the offline directory. */
#define _POSIX_C_SOURCE 200809L /* barriers */
#include "check.h"

#include <pthread.h>

enum { THREADS = 4 };
static pthread_barrier_t barrier;
static weave_client *client;

static void *fail_in_its_own_way(void *argument) {
    const char *field = argument;
    for (int round = 0; round < 100; ++round) {
        char calls[64];
        snprintf(calls, sizeof calls, "[{\"op_name\": \"op\", \"%s\": \"\"}]", field);
        CHECK(weave_log_calls(client, calls, -1, NULL) != WEAVE_OK);
        pthread_barrier_wait(&barrier); /* everybody has failed by now */
        char text[512];
        size_t length = weave_last_error(text, sizeof text);
        CHECK(length == strlen(text) && strstr(text, field) != NULL);
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    client = offline_client(argv[1], "threads");
    char fields[THREADS][16] = {"inputs", "attributes", "summary", "colour"};
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
    for (int i = 0; i < THREADS; ++i) {
        CHECK(pthread_create(&threads[i], NULL, fail_in_its_own_way, fields[i]) == 0);
    }
    for (int i = 0; i < THREADS; ++i) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    char text[8] = "before";
    CHECK(weave_last_error(text, sizeof text) == 0 && strcmp(text, "") == 0); /* this thread has not failed */
    weave_client_free(client);
    printf("%d threads were told of their own errors\n", THREADS);
    return 0;
}
