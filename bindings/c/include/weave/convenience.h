/**
 * @file
 * What C programs write around the functions of weave.h, written once: JSON without spelled lengths, checks that leave
 * a function, handles that are released when their scope is left, calls below calls.
 *
 * Macros and static inline functions, so that nothing is linked beside the library. It compiles as C11 and C++17.
 */
#ifndef WEAVE_CONVENIENCE_H
#define WEAVE_CONVENIENCE_H

#include <weave.h>

/**
 * JSON as it is written, where a function takes a pointer and a length: WEAVE_JSON({"name": "Ada", "tries": [1, 2]}).
 *
 * The compiler makes a text of it, so that quotes need no backslash; nothing in it is a variable. Without anything it
 * is an absent value.
 */
#define WEAVE_JSON(...) #__VA_ARGS__, sizeof #__VA_ARGS__ - 1

/**
 * A text that ends with NUL, where a function takes a pointer and a length. As JSON, NULL is an absent value.
 */
#define WEAVE_TEXT(text) (text), -1

/**
 * What a weave_json holds, where a function takes JSON as a pointer and a length. The function refuses it while
 * something is open inside.
 */
#define WEAVE_BUILT(json) weave_json_built(json), -1

/**
 * No JSON, where a function takes a pointer and a length.
 */
#define WEAVE_NONE NULL, 0

/**
 * Returns the status from the function around it, unless it is WEAVE_OK. weave_last_error has the text.
 */
#define WEAVE_TRY(expression)                            \
    do {                                                 \
        const weave_status weave_tried_ = (expression);  \
        if (weave_tried_ != WEAVE_OK) {                  \
            return weave_tried_;                         \
        }                                                \
    } while (0)

/**
 * Keeps the status in a variable and goes to a label, unless it is WEAVE_OK. weave_last_error has the text.
 */
#define WEAVE_TRY_GOTO(status, expression, label)        \
    do {                                                 \
        (status) = (expression);                         \
        if ((status) != WEAVE_OK) {                      \
            goto label;                                  \
        }                                                \
    } while (0)

#if defined(__GNUC__) || defined(__clang__)
/**
 * Before a variable: when its scope is left by return, break, goto or at its end, weave_KIND_leave is called with it.
 * KIND is client, options, call, call_options, json, stop or string: WEAVE_SCOPED(client) weave_client *client = NULL;
 *
 * The last one declared is left first, so declare a call after its client. Give each a value where it is declared. exit
 * and longjmp leave no scope.
 *
 * Compilers without __attribute__((cleanup)) do not have it; call weave_KIND_leave at the end there.
 */
#define WEAVE_SCOPED(kind) __attribute__((cleanup(weave_##kind##_leave)))
#endif

/**
 * The text of an error, as weave_last_message gives it.
 */
typedef struct {
    /**
     * UTF-8 and a NUL; of a longer text, what has room.
     */
    char text[1024];
} weave_message;

/**
 * The text of the calling thread's last failure, to be printed at once: printf("%s\n", weave_last_message().text).
 *
 * @return the text; empty when nothing failed on this thread yet.
 */
static inline weave_message weave_last_message(void) {
    weave_message message;
    weave_last_error(message.text, sizeof message.text);
    return message;
}

/**
 * What WEAVE_BUILT passes on.
 *
 * @param json the JSON.
 * @return its text, which lives until it is asked again or the JSON is freed; what is no JSON when it is NULL or
 * something is open inside.
 */
static inline const char *weave_json_built(weave_json *json) {
    const char *text = weave_json_text(json, NULL);
    /* NULL would be an absent value, and what is open would be lost without a word. */
    return text != NULL ? text : "(open)";
}

/**
 * Begins a call below another one: weave_call_start with nothing but a parent among its options.
 *
 * @param client the session.
 * @param parent a live call, also one that has ended; NULL for none.
 * @param op_name a name of at most 128 characters, or what weave_op_create gave.
 * @param inputs_json a JSON object; none means {}.
 * @param inputs_length its length in bytes; negative: NUL-terminated.
 * @param call takes the call, to be released with weave_call_free.
 * @return as weave_call_start.
 */
static inline weave_status weave_call_start_child(weave_client *client, const weave_call *parent, const char *op_name,
                                                  const char *inputs_json, ptrdiff_t inputs_length,
                                                  weave_call **call) {
    weave_call_options *options = weave_call_options_new();
    weave_status status = weave_call_options_set_parent(options, parent);
    if (status == WEAVE_OK) {
        status = weave_call_start(client, op_name, inputs_json, inputs_length, options, call);
    }
    weave_call_options_free(options);
    return status;
}

/**
 * Ends a call and releases it: weave_call_end and weave_call_free. On an error it stays as it was, and can be ended
 * again.
 *
 * @param call the call; NULL afterwards, when it has ended.
 * @param output_json any JSON value; may be none.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return as weave_call_end.
 */
static inline weave_status weave_call_done(weave_call **call, const char *output_json, ptrdiff_t length) {
    weave_status status = weave_call_end(*call, output_json, length);
    if (status == WEAVE_OK) {
        weave_call_free(*call);
        *call = NULL;
    }
    return status;
}

/**
 * Ends a call as failed and releases it: weave_call_set_exception, weave_call_end without an output, weave_call_free.
 *
 * @param call the call; NULL afterwards, when it has ended.
 * @param type the kind of failure, such as "ValueError"; NULL to keep the message alone.
 * @param message what happened.
 * @return as weave_call_set_exception and weave_call_end.
 */
static inline weave_status weave_call_fail(weave_call **call, const char *type, const char *message) {
    weave_status status = weave_call_set_exception(*call, type, message, NULL);
    return status == WEAVE_OK ? weave_call_done(call, NULL, 0) : status;
}

/**
 * Leaves a scope-bound call. weave_call_done and weave_call_fail have ended it, and nothing is left to do, or it ends
 * here: without an output, and as failed with the type "ScopeLeft", since its work is over and nobody said that it was
 * done. That replaces what weave_call_set_exception has set before.
 *
 * The text of the error for which a scope was left stays what it was, unless this end fails too; then the call stays
 * open, as after a crash. A call that was ended by weave_call_end is released, and the text becomes that of
 * WEAVE_CLOSED.
 *
 * @param call the call; NULL is fine. NULL afterwards.
 */
static inline void weave_call_leave(weave_call **call) {
    if (*call != NULL) {
        (void)weave_call_fail(call, "ScopeLeft", "the scope of the call was left before the call had ended");
        weave_call_free(*call);
        *call = NULL;
    }
}

/**
 * Releases a session by weave_client_free.
 *
 * @param client the session; NULL is fine. NULL afterwards.
 */
static inline void weave_client_leave(weave_client **client) {
    weave_client_free(*client);
    *client = NULL;
}

/**
 * Releases settings by weave_options_free.
 *
 * @param options the settings; NULL is fine. NULL afterwards.
 */
static inline void weave_options_leave(weave_options **options) {
    weave_options_free(*options);
    *options = NULL;
}

/**
 * Releases call options by weave_call_options_free.
 *
 * @param options the options; NULL is fine. NULL afterwards.
 */
static inline void weave_call_options_leave(weave_call_options **options) {
    weave_call_options_free(*options);
    *options = NULL;
}

/**
 * Releases JSON by weave_json_free.
 *
 * @param json the JSON; NULL is fine. NULL afterwards.
 */
static inline void weave_json_leave(weave_json **json) {
    weave_json_free(*json);
    *json = NULL;
}

/**
 * Releases a way to stop by weave_stop_free.
 *
 * @param stop the way to stop; NULL is fine. NULL afterwards.
 */
static inline void weave_stop_leave(weave_stop **stop) {
    weave_stop_free(*stop);
    *stop = NULL;
}

/**
 * Frees a text of the library by weave_string_free.
 *
 * @param text the text; NULL is fine. NULL afterwards.
 */
static inline void weave_string_leave(char **text) {
    weave_string_free(*text);
    *text = NULL;
}

#endif /* WEAVE_CONVENIENCE_H */
