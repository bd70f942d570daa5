/* Loads the library, logs, unloads it, again and again. Arguments: the library, the offline directory, and "finish" or
 * "leave" (the packer is at work when the library is unloaded). Not linked with the library. */
#define _DEFAULT_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weave.h>

enum { ROUNDS = 30, RECORDS = 40 };

#define LOAD(name) *(void **)&own_##name = loaded(library, #name)

static void *loaded(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (found == NULL) _exit(9);
    return found;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    for (int round = 0; round < ROUNDS; ++round) {
        void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
        if (library == NULL) return 3;
        weave_options *(*own_weave_options_new)(void);
        weave_status (*own_weave_options_set_offline)(weave_options *, bool);
        weave_status (*own_weave_options_set_offline_dir)(weave_options *, const char *);
        void (*own_weave_options_free)(weave_options *);
        weave_status (*own_weave_init)(const char *, const weave_options *, weave_client **);
        weave_status (*own_weave_log_call)(weave_client *, const char *, const char *, ptrdiff_t, const char *,
                                           ptrdiff_t, const weave_call_options *, char *);
        weave_status (*own_weave_finish)(weave_client *, int64_t, uint64_t *);
        void (*own_weave_client_free)(weave_client *);
        LOAD(weave_options_new);
        LOAD(weave_options_set_offline);
        LOAD(weave_options_set_offline_dir);
        LOAD(weave_options_free);
        LOAD(weave_init);
        LOAD(weave_log_call);
        LOAD(weave_finish);
        LOAD(weave_client_free);
        weave_options *options = own_weave_options_new();
        if (own_weave_options_set_offline(options, true)) return 4;
        if (own_weave_options_set_offline_dir(options, argv[2])) return 4;
        weave_client *client = NULL;
        if (own_weave_init("unload", options, &client)) return 5;
        own_weave_options_free(options);
        for (int i = 0; i < RECORDS; ++i) {
            char id[WEAVE_ID_SIZE];
            if (own_weave_log_call(client, "loaded", "{}", -1, NULL, 0, NULL, id)) return 6;
            printf("c %s\n", id);
        }
        if (strcmp(argv[3], "finish") == 0) {
            if (own_weave_finish(client, -1, NULL)) return 7;
            own_weave_client_free(client);
        }
        if (dlclose(library)) return 8;
    }
    usleep(300000); /* the packers of sessions that were left go on looking at their journals */
    return 0;
}
