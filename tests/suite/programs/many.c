/* Many clients and many threads of one process, and what it holds then. Arguments: the offline directory, and the way:
 *   clients  a client made and finished a thousand times, each second time by weave_client_free alone
 *   threads  thousands of threads that log a little and end, eight at a time
 *   packers  clients of three projects, each twice, and how many packers there are
 *   two      clients of two directories */
#define _DEFAULT_SOURCE
#include "own.h"
#include "told.h"

#include <pthread.h>

enum { CLIENTS = 1000, WARM = 100, THREADS = 4000, AT_ONCE = 8 };

static weave_client *shared;

/* Rings of the journal, in KiB and one map each: a thread takes the first that is free, so that the last of them may be
 * touched late. */
enum { RINGS = 16, RING = 2048 };

/* Room for what the C library and the kernel keep: arenas, stacks of ended threads. */
static void expect_no_more(Own before, Own after) {
    print_own("before", before);
    print_own("after", after);
    CHECK(after.descriptors <= before.descriptors);
    CHECK(after.threads <= before.threads);
    CHECK(after.maps <= before.maps + 8 + RINGS);
    CHECK(after.resident <= before.resident + 4096 + RINGS * RING);
}

static void clients(const char *directory) {
    Own before = own();
    for (int i = 0; i < CLIENTS; ++i) {
        if (i == WARM) before = own();
        weave_client *client = offline_client(directory, "many");
        log_told(client, "one of a thousand");
        if (i % 2) CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
        weave_client_free(client);
    }
    expect_no_more(before, own());
}

static void *log_a_little(void *unused) {
    for (int i = 0; i < 3; ++i) log_told(shared, "passing");
    live_told(shared, "passing", 1);
    return unused;
}

static void threads(const char *directory) {
    shared = offline_client(directory, "many");
    Own before = own();
    for (int i = 0; i < THREADS; i += AT_ONCE) {
        if (i == WARM * AT_ONCE) {
            CHECK(weave_flush(shared, -1, NULL) == WEAVE_OK);
            before = own();
        }
        pthread_t running[AT_ONCE];
        for (int at = 0; at < AT_ONCE; ++at) CHECK(pthread_create(&running[at], NULL, log_a_little, NULL) == 0);
        for (int at = 0; at < AT_ONCE; ++at) CHECK(pthread_join(running[at], NULL) == 0);
    }
    CHECK(weave_flush(shared, -1, NULL) == WEAVE_OK);
    expect_no_more(before, own());
    CHECK(weave_finish(shared, -1, NULL) == WEAVE_OK);
}

static void packers(const char *directory, int directories) {
    const char *projects[] = {"one", "team/two", "team/three", "one", "team/two", "team/three"};
    weave_client *open[6];
    for (int i = 0; i < 6; ++i) {
        char path[512];
        snprintf(path, sizeof path, "%s%s", directory, directories == 1 ? "" : i % 2 ? "/second" : "/first");
        open[i] = offline_client(path, projects[i]);
        log_told(open[i], "several");
    }
    fprintf(stderr, "%ld packers\n", own_threads_named("weave-packer"));
    CHECK(own_threads_named("weave-packer") <= directories);
    for (int i = 0; i < 6; ++i) {
        for (int more = i; more < 6; ++more) log_told(open[more], "several");
        CHECK(weave_finish(open[i], -1, NULL) == WEAVE_OK);
    }
    CHECK(own_threads_named("weave-packer") == 0);
    for (int i = 0; i < 6; ++i) weave_client_free(open[i]);
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    const char *way = argv[2];
    if (strcmp(way, "clients") == 0) clients(argv[1]);
    if (strcmp(way, "threads") == 0) threads(argv[1]);
    if (strcmp(way, "packers") == 0) packers(argv[1], 1);
    if (strcmp(way, "two") == 0) packers(argv[1], 2);
    return 0;
}
