/* A storm of signals during logging: SIGALRM each 200 microseconds and SIGUSR1 from another thread, with handlers of
 * which system calls know by EINTR. Arguments: the offline directory, and "restart" for handlers with SA_RESTART. */
#define _DEFAULT_SOURCE
#include "told.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

enum { RECORDS = 3000, STRANGE = 1234 };

static atomic_int handled, stopping;
static pthread_t logging;

static void handle(int signal) {
    (void)signal;
    ++handled;
}

static void *disturb(void *unused) {
    while (!stopping) {
        pthread_kill(logging, SIGUSR1);
        usleep(100);
    }
    return unused;
}

#define KEEPS_ERRNO(call) (errno = STRANGE, (call) == WEAVE_OK && errno == STRANGE)

int main(int argc, char **argv) {
    CHECK(argc == 3);
    logging = pthread_self();
    struct sigaction action = {0};
    action.sa_handler = handle;
    action.sa_flags = strcmp(argv[2], "restart") == 0 ? SA_RESTART : 0;
    CHECK(sigaction(SIGALRM, &action, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
    CHECK(setitimer(ITIMER_REAL, &often, NULL) == 0);
    pthread_t other;
    CHECK(pthread_create(&other, NULL, disturb, NULL) == 0);

    weave_client *client = offline_client(argv[1], "signals");
    static char ids[RECORDS][WEAVE_ID_SIZE], large[64 * 1024];
    memset(large, '1', sizeof large);
    for (int i = 0; i < RECORDS || handled < 1000; ++i) {
        int length = i % 50 == 0 ? (int)sizeof large : 1;
        char id[WEAVE_ID_SIZE];
        large[0] = '"', large[sizeof large - 1] = '"';
        CHECK(KEEPS_ERRNO(weave_log_call(client, "disturbed", NULL, 0, length == 1 ? "1" : large, length, NULL, id)));
        if (i < RECORDS) memcpy(ids[i], id, sizeof id);
        if (i % 500 == 0) CHECK(KEEPS_ERRNO(weave_flush(client, -1, NULL)));
    }
    CHECK(KEEPS_ERRNO(weave_finish(client, -1, NULL)));
    weave_client_free(client);
    weave_client *again = offline_client(argv[1], "signals");
    CHECK(KEEPS_ERRNO(weave_finish(again, -1, NULL)));
    weave_client_free(again);

    stopping = 1;
    CHECK(pthread_join(other, NULL) == 0 && setitimer(ITIMER_REAL, &never, NULL) == 0);
    for (int i = 0; i < RECORDS; ++i) tell('c', ids[i]);
    return 0;
}
