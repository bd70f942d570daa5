/* Logs to a directory in which it becomes difficult. Arguments: the offline directory, and the way. It says where it is
 * and waits for a line of its standard input, so that somebody can change the directory:
 *   full     logs until it is refused, says "full STATUS", waits, logs on, finishes
 *   stuck    logs until it is refused and finishes as it is, with two seconds of time
 *   limited  as full, with a limit on the size of files that it takes away itself
 *   denied   logs, says "ready", waits, logs and flushes, says "flushed STATUS", waits, flushes and finishes
 *   removed  logs, says "ready", waits, logs for three seconds
 *   init     only weave_init: says "init STATUS" */
#define _GNU_SOURCE
#include "told.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { RECORD = 4000, LIMIT = 1 << 20 };

static weave_client *client;

/* Whoever is root may write where the modes say no: not this program. */
static void obey_modes(void) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{0, 0, 0}, {0, 0, 0}};
    CHECK(syscall(SYS_capset, &header, sets) == 0);
}

static void say(const char *what, int status) {
    char line[64], text[512] = "";
    weave_last_error(text, sizeof text);
    fprintf(stderr, "%s %d: %s\n", what, status, text);
    int length = snprintf(line, sizeof line, "%s %d\n", what, status);
    CHECK(write(STDOUT_FILENO, line, (size_t)length) == length);
}

static void wait_for_a_line(void) {
    char line[16];
    CHECK(fgets(line, sizeof line, stdin) != NULL);
}

/* A record that compresses badly. */
static weave_status log_one(void) {
    static unsigned long random = 88172645463325252ul;
    char value[RECORD + 16], id[WEAVE_ID_SIZE];
    memset(value, '"', sizeof value);
    for (int i = 1; i <= RECORD; ++i) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        value[i] = (char)('0' + random % 75);
        if (value[i] == '\\') value[i] = '-';
    }
    weave_status status = weave_log_call(client, "large", NULL, 0, value, RECORD + 2, NULL, id);
    if (status == WEAVE_OK) tell('c', id);
    return status;
}

/* Or until it is clear that nothing refuses. */
static weave_status log_until_refused(void) {
    weave_status status = WEAVE_OK;
    for (int i = 0; i < 12500 && status == WEAVE_OK; ++i) status = log_one();
    return status;
}

static void log_until_taken(void) {
    while (log_one() != WEAVE_OK) usleep(100000);
    for (int i = 0; i < 100; ++i) CHECK(log_one() == WEAVE_OK);
}

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = bytes;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static int finished(void) {
    CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
    CHECK(weave_finish(client, -1, NULL) == WEAVE_OK);
    weave_client_free(client);
    return 0;
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    const char *way = argv[2];
    alarm(90);
    if (strcmp(way, "init") == 0) {
        obey_modes();
        weave_options *options = weave_options_new();
        CHECK(weave_options_set_offline(options, true) == WEAVE_OK);
        CHECK(weave_options_set_offline_dir(options, argv[1]) == WEAVE_OK);
        say("init", weave_init("disk", options, &client));
        weave_options_free(options);
        return 0;
    }
    client = offline_client(argv[1], "disk");
    if (strcmp(way, "full") == 0 || strcmp(way, "stuck") == 0) {
        say("full", log_until_refused());
        for (int i = 0; i < 5; ++i) log_one(); /* still full, or a last small one fits: either is an answer */
        if (strcmp(way, "stuck") == 0) {
            say("finish", weave_finish(client, 2000, NULL));
            weave_client_free(client);
            return 0;
        }
        wait_for_a_line();
        log_until_taken();
        return finished();
    }
    if (strcmp(way, "limited") == 0) {
        limit_files(LIMIT);
        say("full", log_until_refused());
        limit_files(RLIM_INFINITY);
        log_until_taken();
        return finished();
    }
    for (int i = 0; i < 20; ++i) CHECK(log_one() == WEAVE_OK);
    CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
    if (strcmp(way, "denied") == 0) {
        obey_modes();
        CHECK(weave_finish(client, -1, NULL) == WEAVE_OK); /* so that there is no open data file left */
        client = offline_client(argv[1], "disk");
        say("ready", 0);
        wait_for_a_line();
        for (int i = 0; i < 20; ++i) log_one();
        say("flushed", weave_flush(client, 5000, NULL));
        wait_for_a_line();
        return finished();
    }
    say("ready", 0);
    wait_for_a_line();
    for (int i = 0; i < 300; ++i) {
        usleep(10000);
        CHECK(log_one() == WEAVE_OK);
    }
    return finished();
}
