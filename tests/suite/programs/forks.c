/* Parents and children that log. Arguments: the offline directory, and the way:
 *   before   a fork before weave_init, and a session in each
 *   child    the parent's client, used by the child alone
 *   parent   a child that does nothing, and a parent that logs
 *   chain    parent, child, grandchild and its child, each with the first one's client
 *   thread   a fork on one of the threads of a process
 *   storm    forks while four threads log without a pause
 *   flush    forks while four threads flush without a pause, so that many wait and are woken
 *   early    forks in the first instants of a session and of threads that log
 *   outlive  a child that tells its number and lives on idly when its parent has logged; the parent waits to be killed
 *   finish   a child that finishes the client and ends; the parent goes on with it */
#define _POSIX_C_SOURCE 200809L
#include "told.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <time.h>

enum { FORKS = 240, FEWER = 100, THREADS = 4, BURST = 100 };

static weave_client *client;
static pthread_barrier_t gate;
static atomic_int stopping;

static void expect_success(pid_t child) {
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child);
    if (status != 0) fprintf(stderr, "the child ended with status %x\n", (unsigned)status);
    CHECK(status == 0);
}

/* A child that hangs is ended by its alarm, and so a failure. */
static pid_t forked(void) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) alarm(20);
    return child;
}

static void end_child(void) {
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    _exit(0);
}

static void chain(int depth) {
    log_told(client, "before");
    pid_t child = depth ? forked() : -1;
    if (child == 0) {
        chain(depth - 1);
        _exit(0);
    }
    log_told(client, "beside");
    if (child > 0) expect_success(child);
    log_told(client, "after");
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
}

static void *fork_on_this_thread(void *unused) {
    log_told(client, "thread");
    pid_t child = forked();
    if (child == 0) {
        for (int i = 0; i < 20; ++i) log_told(client, "child");
        live_told(client, "child", 1);
        end_child();
    }
    log_told(client, "thread");
    expect_success(child);
    return unused;
}

static void *log_in_bursts(void *unused) {
    while (1) {
        pthread_barrier_wait(&gate);
        if (stopping) return unused;
        char ids[BURST][WEAVE_ID_SIZE];
        for (int i = 0; i < BURST; ++i) {
            CHECK(weave_log_call(client, "storm", "{\"n\": 1}", -1, "1", 1, NULL, ids[i]) == WEAVE_OK);
        }
        for (int i = 0; i < BURST; ++i) tell('c', ids[i]);
    }
}

static void storm(void) {
    pthread_t threads[THREADS];
    CHECK(pthread_barrier_init(&gate, NULL, THREADS + 1) == 0);
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_create(&threads[i], NULL, log_in_bursts, NULL) == 0);
    unsigned chance = 1;
    for (int i = 0; i < FORKS; ++i) {
        pthread_barrier_wait(&gate);
        chance = chance * 1103515245u + 12345u;
        struct timespec instant = {0, (long)(chance >> 16) % 300000};
        nanosleep(&instant, NULL);
        pid_t child = forked();
        if (child == 0) {
            for (int record = 0; record < 3; ++record) log_told(client, "child");
            end_child();
        }
        expect_success(child);
    }
    stopping = 1;
    pthread_barrier_wait(&gate);
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *flush_for_ever(void *unused) {
    while (!stopping) CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
    return unused;
}

static void fork_among_flushes(void) {
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_create(&threads[i], NULL, flush_for_ever, NULL) == 0);
    for (int i = 0; i < FEWER; ++i) {
        log_told(client, "parent");
        pid_t child = forked();
        if (child == 0) {
            log_told(client, "child");
            end_child();
        }
        expect_success(child);
    }
    stopping = 1;
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
}

static void *log_some(void *unused) {
    for (int i = 0; i < 20; ++i) log_told(client, "beginning");
    return unused;
}

/* Each time in a process that has done nothing yet. */
static void fork_early(const char *directory, unsigned chance) {
    client = offline_client(directory, "forks");
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_create(&threads[i], NULL, log_some, NULL) == 0);
    struct timespec instant = {0, (long)chance % 200000};
    nanosleep(&instant, NULL);
    pid_t child = forked();
    if (child == 0) {
        log_told(client, "child");
        end_child();
    }
    expect_success(child);
    for (int i = 0; i < THREADS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    end_child();
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    const char *way = argv[2];
    alarm(120);
    if (strcmp(way, "early") == 0) {
        unsigned chance = 1;
        for (int i = 0; i < FEWER; ++i) {
            chance = chance * 1103515245u + 12345u;
            pid_t child = forked();
            if (child == 0) fork_early(argv[1], chance >> 8);
            expect_success(child);
        }
        return 0;
    }
    if (strcmp(way, "before") == 0) {
        pid_t child = forked();
        client = offline_client(argv[1], "forks");
        for (int i = 0; i < 20; ++i) log_told(client, "either");
        if (child == 0) end_child();
        expect_success(child);
    } else {
        client = offline_client(argv[1], "forks");
    }
    if (strcmp(way, "child") == 0) {
        pid_t child = forked();
        if (child == 0) {
            for (int i = 0; i < 20; ++i) log_told(client, "child");
            live_told(client, "child", 1);
            end_child();
        }
        expect_success(child);
    } else if (strcmp(way, "parent") == 0) {
        log_told(client, "parent");
        pid_t child = forked();
        if (child == 0) _exit(0);
        for (int i = 0; i < 20; ++i) log_told(client, "parent");
        expect_success(child);
    } else if (strcmp(way, "chain") == 0) {
        chain(3);
        return 0;
    } else if (strcmp(way, "thread") == 0) {
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; ++i) CHECK(pthread_create(&threads[i], NULL, fork_on_this_thread, NULL) == 0);
        for (int i = 0; i < THREADS; ++i) CHECK(pthread_join(threads[i], NULL) == 0);
    } else if (strcmp(way, "storm") == 0) {
        storm();
    } else if (strcmp(way, "flush") == 0) {
        fork_among_flushes();
    } else if (strcmp(way, "outlive") == 0) {
        for (int i = 0; i < 20; ++i) log_told(client, "parent");
        /* The child says so itself: as long as its fork has not returned, it has its parent's files open. */
        if (fork() == 0) {
            char line[32];
            int length = snprintf(line, sizeof line, "child %ld\n", (long)getpid());
            CHECK(write(STDOUT_FILENO, line, (size_t)length) == length);
        }
        while (1) pause();
    } else if (strcmp(way, "finish") == 0) {
        log_told(client, "parent");
        pid_t child = forked();
        if (child == 0) end_child();
        expect_success(child);
        for (int i = 0; i < 20; ++i) log_told(client, "parent");
    }
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    weave_client_free(client);
    return 0;
}
