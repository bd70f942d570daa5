/* Logs and ends without weave_finish. Arguments: the offline directory, the way, and "flush" to flush in between. */
#define _DEFAULT_SOURCE
#include "told.h"

#include <signal.h>

int main(int argc, char **argv) {
    CHECK(argc == 3 || argc == 4);
    const char *way = argv[2];
    weave_client *client = offline_client(argv[1], "ends");
    for (int i = 0; i < 50; ++i) {
        log_told(client, "finished");
        live_told(client, "live", i % 2);
        if (argc == 4 && i == 25) CHECK(weave_flush(client, -1, NULL) == WEAVE_OK);
    }
    if (strcmp(way, "exec") == 0) execl("/bin/sh", "sh", "-c", "exit 0", (char *)NULL);
    if (strcmp(way, "_exit") == 0) _exit(0);
    if (strcmp(way, "exit") == 0) exit(0);
    if (strcmp(way, "abort") == 0) abort();
    if (strcmp(way, "kill") == 0) raise(SIGKILL);
    if (strcmp(way, "fault") == 0) raise(SIGSEGV);
    if (strcmp(way, "free") == 0) weave_client_free(client);
    return strcmp(way, "exec") == 0;
}
