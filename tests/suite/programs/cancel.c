/* Threads that are cancelled while they log: nobody waits for them for ever. Argument: the offline directory. */
#define _POSIX_C_SOURCE 200809L
#include "told.h"

#include <pthread.h>
#include <time.h>

enum { THREADS = 300 };

static weave_client *client;

static void *log_for_ever(void *unused) {
    while (1) log_told(client, "cancelled");
    return unused;
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    alarm(120); /* who hangs is ended */
    client = offline_client(argv[1], "cancel");
    unsigned chance = 1;
    for (int i = 0; i < THREADS; ++i) {
        pthread_t thread;
        void *result = NULL;
        CHECK(pthread_create(&thread, NULL, log_for_ever, NULL) == 0);
        chance = chance * 1103515245u + 12345u;
        struct timespec instant = {0, (long)(chance >> 16) % 60 * 10000};
        nanosleep(&instant, NULL);
        CHECK(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0);
        CHECK(result == PTHREAD_CANCELED);
        log_told(client, "after");
    }
    CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    weave_client_free(client);
    return 0;
}
