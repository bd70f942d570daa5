/* Sessions that are not offline; addresses, key and directory come from the environment. Arguments: the way, and a project.
 *   stay    logs, and stays until the end of its standard input; then it finishes
 *   kill    logs, and kills itself
 *   exit    logs, waits until its sender has begun, and ends without finishing
 *   free    the same, and releases its client before
 *   fork    logs; its child logs and stays as above
 *   storm   forks 40 children while its sender works; each logs and finishes */
#define _POSIX_C_SOURCE 200809L
#include "own.h"
#include "told.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { FORKS = 40 };

static weave_client *client;

static void pause_ms(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void stay(void) {
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) continue;
}

static void expect_success(pid_t child) {
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) fprintf(stderr, "the child ended with status %x\n", (unsigned)status);
    CHECK(status == 0);
}

/* The system may show a thread for a moment after it has ended. */
static void expect_no_sender(void) {
    for (int i = 0; i < 500 && own_threads_named("weave-sender") != 0; ++i) pause_ms(10);
    CHECK(own_threads_named("weave-sender") == 0);
}

static void storm(void) {
    for (int i = 0; i < FORKS; ++i) {
        log_told(client, "parent");
        pause_ms(i % 7 * 5);
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60);
            CHECK(own_threads_named("weave-sender") == 0);
            log_told(client, "child");
            CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
            expect_no_sender();
            _exit(0);
        }
        expect_success(child);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    const char *way = argv[1];
    CHECK(weave_init(argv[2], NULL, &client) == WEAVE_OK);
    for (int i = 0; i < 20; ++i) log_told(client, "parent");
    if (strcmp(way, "kill") == 0) raise(SIGKILL);
    if (strcmp(way, "exit") == 0 || strcmp(way, "free") == 0) {
        pause_ms(1000);
        if (strcmp(way, "free") == 0) weave_client_free(client);
        exit(0);
    }
    if (strcmp(way, "fork") == 0) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child > 0) {
            expect_success(child);
        } else {
            for (int i = 0; i < 5; ++i) log_told(client, "child");
            stay();
            CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
            _exit(0);
        }
    }
    if (strcmp(way, "stay") == 0) stay();
    if (strcmp(way, "storm") == 0) storm();
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    weave_client_free(client);
    expect_no_sender();
    return 0;
}
