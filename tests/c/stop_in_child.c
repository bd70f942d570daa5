/* Syncs the directory argv[1] with the server argv[2] and the key argv[3]. When it reads a line, a child of it asks the
 * sync to stop, as for itself, and "asked" is printed. Ends with the status of the sync. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <weave.h>

static weave_options *options;
static char **arguments;
static weave_status status;

static void *sync_all(void *unused) {
    char *results = NULL;
    (void)unused;
    status = weave_sync(arguments[1], NULL, arguments[3], options, &results);
    weave_string_free(results);
    return NULL;
}

int main(int argc, char **argv) {
    pthread_t thread;
    weave_stop *stop = weave_stop_new();
    char line[16];
    int ended = 0;
    pid_t child;
    if (argc != 4) return 101;
    arguments = argv;
    options = weave_options_new();
    weave_options_set_base_url(options, argv[2]);
    weave_options_set_trace_server_url(options, argv[2]);
    weave_options_set_stop(options, stop);
    if (pthread_create(&thread, NULL, sync_all, NULL) != 0 || !fgets(line, sizeof line, stdin)) return 102;
    child = fork();
    if (child == 0) _exit(weave_stop_ask(stop) != WEAVE_OK);
    if (waitpid(child, &ended, 0) != child || ended != 0) return 103;
    puts("asked");
    fflush(stdout);
    pthread_join(thread, NULL);
    weave_options_free(options);
    weave_stop_free(stop);
    return status;
}
