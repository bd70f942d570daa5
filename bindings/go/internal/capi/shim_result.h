/* What each function of the shim ends with: the status, the text of an error, and the panic of a callback. */
#ifndef WEAVE_GO_SHIM_RESULT_H
#define WEAVE_GO_SHIM_RESULT_H

#include "shim.h"

wg_result wg_done(wg_result result, weave_status status);
wg_result wg_answer(weave_status status);
wg_result *wg_failure(weave_status status); /* wg_answer for what is NULL for success */

/* A call with an output, written by the library into a member of the result. */
#define WITH(call)              \
    wg_result result = {0};     \
    weave_status status = call; \
    return wg_done(result, status)

#endif
