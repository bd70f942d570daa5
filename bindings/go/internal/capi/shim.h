/* The C side of the binding. Every function that can fail makes its call and copies the error text in one go, because
 * the text belongs to the thread, and a goroutine may come back from C on another one. Structs travel by value, so that
 * C never sees the address of Go memory that holds pointers. An id is written into WEAVE_ID_SIZE bytes of the caller. */
#ifndef WEAVE_GO_SHIM_H
#define WEAVE_GO_SHIM_H

#if defined(__has_include)
#if !__has_include(<weave.h>)
#error weave.h is not found: set CGO_CFLAGS=-I/PREFIX/include and CGO_LDFLAGS=-L/PREFIX/lib, or build with -tags weave_pkgconfig
#endif
#endif
#include <weave.h>

/* Where a type is not known, cgo looks for pointers of Go behind each pointer to it that is passed. There are none. */
struct weave_client {
    char hidden;
};
struct weave_call {
    char hidden;
};

typedef struct {
    weave_status status;
    char *error;           /* of a failure; to be freed with free() */
    uintptr_t panicked;    /* the handle of a panic in a callback; 0 for none */
    void *handle;          /* what was made */
    char *text;            /* to be freed with weave_string_free() */
    uint64_t number;
} wg_result;

/* Which setting a setter sets. */
enum {
    WG_OFFLINE_DIR,
    WG_ENTITY,
    WG_DESTINATION,
    WG_API_KEY,
    WG_BASE_URL,
    WG_TRACE_SERVER_URL,
    WG_CA_FILE,
    WG_SOURCE,
    WG_REDACT_KEY,
    WG_JOURNAL,
    WG_WHEN_FULL,
    WG_QUOTA_POLICY
};
enum { WG_OFFLINE, WG_DISABLED, WG_COMPRESS, WG_GROUP_ACCESS, WG_INSECURE, WG_CLOSE_INTERRUPTED };
enum {
    WG_MAX_FILE_SIZE,
    WG_MAX_FILE_AGE,
    WG_COMPRESSION_LEVEL,
    WG_DURABILITY_INTERVAL,
    WG_SEND_INTERVAL,
    WG_JOURNAL_SIZE,
    WG_BLOCK_LIMIT,
    WG_MAX_DIRECTORY_SIZE,
    WG_OPEN_CALL_AGE,
    WG_MAX_SYNC_TIME,
    WG_MAX_SYNC_BYTES,
    WG_MAX_SYNC_RATE,
    WG_SYNC_CONNECTIONS,
    WG_SYNC_WAIT,
    WG_HTTP_TIMEOUT
};

/* What a call may be given beside its parent. All of it is passed to C as one text, so that a record costs one call of
 * C: by turns one of these numbers, as a byte, and the texts that belong to it, each with its NUL. */
enum {
    WG_PARENT_CONTEXT,
    WG_ID,
    WG_TRACE_ID,
    WG_PARENT_ID,
    WG_DISPLAY_NAME,
    WG_THREAD_ID,
    WG_TURN_ID,
    WG_KIND,
    WG_ATTRIBUTES, /* JSON */
    WG_SUMMARY,    /* JSON */
    WG_USAGE,      /* model, JSON */
    WG_EXCEPTION,  /* type, message, traceback; the first and the last may be empty */
    WG_STARTED_AT, /* microseconds */
    WG_ENDED_AT,
    WG_RUN /* id, step, last step */
};

/* What failed; nothing when the message is NULL. */
typedef struct {
    const char *type, *message, *traceback;
} wg_exception;

wg_result wg_options_set_text(weave_options *options, int which, const char *value);
wg_result wg_options_set_flag(weave_options *options, int which, bool value);
wg_result wg_options_set_number(weave_options *options, int which, int64_t value);
wg_result wg_options_set_sample_rate(weave_options *options, double rate);
wg_result wg_options_set_attributes(weave_options *options, const char *json, ptrdiff_t length);
wg_result wg_options_add_destination(weave_options *options, const char *recorded, const char *destination);
wg_result wg_options_set_stop(weave_options *options, const weave_stop *stop);
wg_result wg_options_set_filter(weave_options *options, uintptr_t filter);
wg_result wg_options_set_progress(weave_options *options, uintptr_t progress);

wg_result wg_init(const char *project, const weave_options *options);
wg_result wg_flush(weave_client *client, int64_t timeout_ms);
wg_result wg_finish(weave_client *client, int64_t timeout_ms);
wg_result wg_dropped(const weave_client *client);
wg_result wg_stats(weave_client *client);
wg_result wg_query(weave_client *client, const char *path, const char *request, ptrdiff_t length);

/* The op is a text without its NUL. NULL for success, else to be freed with wg_failure_free(): a result that travels by
 * value would take as long as the way into C. */
wg_result *wg_log_call(weave_client *client, const char *op, size_t op_length, const char *inputs,
                       ptrdiff_t inputs_length, const char *output, ptrdiff_t output_length, const weave_call *parent,
                       const char *options, ptrdiff_t options_length, char *id);
void wg_failure_free(wg_result *failure);
wg_result wg_log_calls(weave_client *client, const char *calls, ptrdiff_t length);
wg_result wg_call_start(weave_client *client, const char *op, size_t op_length, const char *inputs, ptrdiff_t length,
                        const weave_call *parent, const char *options, ptrdiff_t options_length);
wg_result wg_call_end(weave_call *call, const char *output, ptrdiff_t length, wg_exception failed);
wg_result wg_call_set_exception(weave_call *call, wg_exception failed);
wg_result wg_call_set_summary(weave_call *call, const char *json, ptrdiff_t length);
wg_result wg_call_add_usage(weave_call *call, const char *model, const char *usage, ptrdiff_t length);
wg_result wg_call_set_display_name(weave_call *call, const char *name);
wg_result wg_call_set_ended_at(weave_call *call, int64_t micros);
wg_result wg_call_ref(const weave_call *call);
wg_result wg_call_update(weave_client *client, const char *id, const char *display_name);

wg_result wg_op_create(weave_client *client, const char *name, const char *source, ptrdiff_t length);
wg_result wg_object_create(weave_client *client, const char *name, const char *value, ptrdiff_t length);
wg_result wg_table_create(weave_client *client, const char *rows, ptrdiff_t length);
wg_result wg_dataset_create(weave_client *client, const char *name, const char *description, const char *rows,
                            ptrdiff_t length);
wg_result wg_dataset_row_ref(weave_client *client, const char *dataset, const char *row, ptrdiff_t length);

/* Bytes are char here: cgo looks through a void * for pointers of Go, and would find those of neighbours. */
wg_result wg_file_create(weave_client *client, const char *name, const char *data, ptrdiff_t length);
wg_result wg_image_create(weave_client *client, const char *format, const char *data, ptrdiff_t length);
wg_result wg_audio_create(weave_client *client, const char *format, const char *data, ptrdiff_t length);
wg_result wg_content_create(weave_client *client, const char *filename, const char *mimetype, const char *data,
                            ptrdiff_t length);

wg_result wg_feedback_create(weave_client *client, const char *target, const char *type, const char *payload,
                             ptrdiff_t payload_length, const char *refs, ptrdiff_t refs_length, const char *creator,
                             char *id);
wg_result wg_feedback_add_reaction(weave_client *client, const char *target, const char *emoji, char *id);
wg_result wg_feedback_add_note(weave_client *client, const char *target, const char *note, char *id);
wg_result wg_cost_create(weave_client *client, const char *model, double prompt, double completion,
                         const char *options, ptrdiff_t length);

wg_result wg_sync(const char *offline_dir, const char *project, const weave_options *options);
wg_result wg_clean_synced_files(const char *offline_dir, double older_than_days);
wg_result wg_clean_preview(const char *offline_dir, double older_than_days);
wg_result wg_rejected_list(const char *offline_dir, const char *project, const char *kind);
wg_result wg_rejected_retry(const char *offline_dir, const char *project, const char *kind);
wg_result wg_rejected_export(const char *offline_dir, const char *project, const char *kind, const char *to_file);
wg_result wg_rejected_drop(const char *offline_dir, const char *project, const char *kind);
wg_result wg_verify(const char *offline_dir, const char *project, const weave_options *options, bool put_back);
wg_result wg_directory_stats(const char *offline_dir);

wg_result wg_record_set_json(weave_record *record, const char *json, ptrdiff_t length);
void wg_note_panic(uintptr_t handle);
bool wg_has_panicked(void);
void wg_set_log(int32_t max_level);
void wg_unset_log(void);

#endif
