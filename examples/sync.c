/* Sends an offline directory to the server: sync OFFLINE_DIR [PROJECT [DESTINATION]]
 *
 * Address and key come from the environment (WANDB_API_KEY, WANDB_BASE_URL, …) or from ~/.netrc. Prints the results as
 * JSON and ends with the weave_status: 0 when everything was accepted. It can be run again at any time. */
#include <stdio.h>
#include <weave.h>

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: %s OFFLINE_DIR [PROJECT [DESTINATION]]\n", argv[0]);
        return WEAVE_INVALID_ARGUMENT;
    }
    weave_options *options = weave_options_new();
    weave_status status = argc == 4 ? weave_options_set_destination(options, argv[3]) : WEAVE_OK;
    char *results = NULL;
    if (status == WEAVE_OK) {
        status = weave_sync(argv[1], argc >= 3 ? argv[2] : NULL, NULL, options, &results);
    }
    weave_options_free(options);
    if (results != NULL) { /* also after an incomplete sync: it says what is left */
        puts(results);
        weave_string_free(results);
    }
    if (status != WEAVE_OK) {
        char text[1024];
        weave_last_error(text, sizeof text);
        fprintf(stderr, "sync: %s: %s\n", weave_status_text(status), text);
    }
    return (int)status;
}
