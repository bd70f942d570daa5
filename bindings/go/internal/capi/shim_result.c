/* How a result is made on the thread of its call. */
#include "shim_result.h"

#include <stdlib.h>

/* A panic cannot pass through the library's frames: the callback notes it here, and the function of the binding that is
 * running on this thread takes it along. */
static _Thread_local uintptr_t noted_panic;

void wg_note_panic(uintptr_t handle) { noted_panic = handle; }

bool wg_has_panicked(void) { return noted_panic != 0; }

static char *copied_error(void) {
    size_t length = weave_last_error(NULL, 0);
    char *text = malloc(length + 1);
    if (text != NULL) {
        weave_last_error(text, length + 1);
    }
    return text;
}

wg_result wg_done(wg_result result, weave_status status) {
    result.status = status;
    result.error = status == WEAVE_OK ? NULL : copied_error();
    result.panicked = noted_panic;
    noted_panic = 0;
    return result;
}

wg_result wg_answer(weave_status status) { return wg_done((wg_result){0}, status); }

/* What is answered where there is no memory for a failure; Go takes the text of its status. */
static wg_result no_memory = {.status = WEAVE_PANIC};

wg_result *wg_failure(weave_status status) {
    wg_result answer = wg_answer(status);
    wg_result *failure = malloc(sizeof *failure);
    if (failure == NULL) {
        free(answer.error);
        return &no_memory;
    }
    *failure = answer;
    return failure;
}

void wg_failure_free(wg_result *failure) {
    if (failure != &no_memory) free(failure);
}
