/* The second unit of convenience.c: what both include must not clash. */
#include <weave/convenience.h>
#include <weave/convenience.h>

weave_status told_from_the_second_unit(weave_client *client, const char *op_name);

weave_status told_from_the_second_unit(weave_client *client, const char *op_name) {
    WEAVE_SCOPED(call) weave_call *call = NULL;
    WEAVE_TRY(weave_call_start_child(client, NULL, op_name, WEAVE_NONE, &call));
    return weave_call_done(&call, WEAVE_NONE);
}
