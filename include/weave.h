#ifndef WEAVE_H
#define WEAVE_H

/* Made by cbindgen from src/ffi: do not edit. After a change there, run `make header`. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of this header; weave_version() is the library's. */
#define WEAVE_VERSION "0.1.0"
#define WEAVE_VERSION_MAJOR 0
#define WEAVE_VERSION_MINOR 1
#define WEAVE_VERSION_PATCH 0

/* Warns when the result of a function that makes something is thrown away. */
#if defined(__cplusplus) && __cplusplus >= 201703L
#define WEAVE_NODISCARD [[nodiscard]]
#elif defined(__GNUC__) || defined(__clang__)
#define WEAVE_NODISCARD __attribute__((warn_unused_result))
#else
#define WEAVE_NODISCARD
#endif


/**
 * The size of a buffer for an id: a UUID or an id of 32 characters, and its NUL.
 */
#define WEAVE_ID_SIZE 40

/**
 * What a function answers. The numbers never change.
 */
typedef enum {
    /**
     * Done. For a logging function: the record is kept.
     */
    WEAVE_OK = 0,
    /**
     * NULL where a value is needed, a number out of range, an unknown option value.
     */
    WEAVE_INVALID_ARGUMENT = 1,
    /**
     * A text is not UTF-8.
     */
    WEAVE_INVALID_UTF8 = 2,
    /**
     * A text is not JSON, or not of the required shape.
     */
    WEAVE_INVALID_JSON = 3,
    /**
     * A project, object, op or file name that cannot be used.
     */
    WEAVE_INVALID_NAME = 4,
    /**
     * A call, trace or parent id, or a reference, of the wrong form.
     */
    WEAVE_INVALID_ID = 5,
    /**
     * The server would refuse or never show this record.
     */
    WEAVE_REJECTED = 6,
    /**
     * Over the size that one request may have.
     */
    WEAVE_TOO_LARGE = 7,
    /**
     * A file operation failed.
     */
    WEAVE_IO = 8,
    /**
     * The disk or the quota is full.
     */
    WEAVE_NO_SPACE = 9,
    /**
     * The client is finished, or the call has ended.
     */
    WEAVE_CLOSED = 10,
    /**
     * The time given was not enough; what is left is kept and reported.
     */
    WEAVE_TIMEOUT = 11,
    /**
     * Data of the server was asked for while offline.
     */
    WEAVE_OFFLINE = 12,
    /**
     * No API key, or the server refused it.
     */
    WEAVE_UNAUTHORIZED = 13,
    /**
     * The key has no access to the project.
     */
    WEAVE_FORBIDDEN = 14,
    /**
     * The server could not be reached.
     */
    WEAVE_NETWORK = 15,
    /**
     * The server answered with an error.
     */
    WEAVE_SERVER = 16,
    /**
     * A sync ended with errors; the results name them, and the records are kept.
     */
    WEAVE_INCOMPLETE = 17,
    /**
     * Another process holds what is needed.
     */
    WEAVE_BUSY = 18,
    /**
     * The progress callback or weave_stop_ask asked to stop.
     */
    WEAVE_CANCELLED = 19,
    /**
     * A fault inside the library was caught; the client refuses further work.
     */
    WEAVE_PANIC = 20,
} weave_status;

/**
 * What a filter decides.
 */
typedef enum {
    /**
     * The record is kept.
     */
    WEAVE_KEEP = 0,
    /**
     * The record is dropped; that is counted. A start that is dropped takes its end with it.
     */
    WEAVE_DROP = 1,
} weave_decision;

/**
 * How important a message is.
 */
typedef enum {
    /**
     * Something failed.
     */
    WEAVE_LOG_ERROR = 1,
    /**
     * Something will fail, or was changed.
     */
    WEAVE_LOG_WARNING = 2,
    /**
     * What the library does.
     */
    WEAVE_LOG_INFO = 3,
    /**
     * In detail.
     */
    WEAVE_LOG_DEBUG = 4,
} weave_log_level;

/**
 * A live call. Any thread, one at a time for setters and end; children may be started on any thread meanwhile.
 */
typedef struct weave_call weave_call;

/**
 * What a call may be given; everything is optional. One thread at a time; functions that take it copy it.
 */
typedef struct weave_call_options weave_call_options;

/**
 * A session for one project. Any thread, any number at a time.
 */
typedef struct weave_client weave_client;

/**
 * A JSON text in the making: an object or an array, with those that are open inside it. One thread at a time.
 */
typedef struct weave_json weave_json;

/**
 * Settings of a session. One thread at a time; functions that take it copy it.
 */
typedef struct weave_options weave_options;

/**
 * A record that a filter is asked about. It lives as long as the callback runs.
 */
typedef struct weave_record weave_record;

/**
 * The way to stop syncs. Any thread, any number at a time.
 */
typedef struct weave_stop weave_stop;

/**
 * Takes a message: its level (a weave_log_level), and its text, which lives as long as the callback runs.
 */
typedef void (*weave_log_fn)(int32_t level, const char *message, void *user_data);

/**
 * Decides about a record: WEAVE_KEEP or WEAVE_DROP (any other value keeps).
 *
 * The type is int32_t, so that a callback may be written in any language.
 */
typedef int32_t (*weave_filter_fn)(weave_record *record, void *user_data);

/**
 * How far a sync has come. Read no further than `size`: later versions may add members at the end.
 */
typedef struct {
    /**
     * The size of the struct in bytes.
     */
    size_t size;
    /**
     * "entity/project" as recorded; lives as long as the callback runs.
     */
    const char *project;
    /**
     * "calls", "ops", "objects", "tables", "feedback", "files", …; lives as long as the callback runs.
     */
    const char *kind;
    /**
     * Records that the server has taken.
     */
    uint64_t synced;
    /**
     * Records that it has refused.
     */
    uint64_t errors;
} weave_progress;

/**
 * Is told how a sync goes on; anything but 0 asks it to stop, which weave_sync answers with WEAVE_CANCELLED.
 */
typedef int32_t (*weave_progress_fn)(const weave_progress *progress, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The version of the library, such as "0.1.0". The header's own is WEAVE_VERSION.
 *
 * The text lives for ever.
 */
const char *weave_version(void);

/**
 * Copies the text of the calling thread's last failure: what happened, to which field, file or address, and what to do
 * about it. Success does not clear it.
 *
 * @param buffer takes the text, cut if need be, and always a NUL; may be NULL when capacity is 0.
 * @param capacity the size of the buffer in bytes.
 * @return the length of the whole text in bytes, without the NUL; 0 when nothing failed on this thread yet.
 */
size_t weave_last_error(char *buffer, size_t capacity);

/**
 * The short, constant text of a status.
 *
 * @param status any number.
 * @return the text, which lives for ever; never NULL.
 */
const char *weave_status_text(int32_t status);

/**
 * Frees a text that the library gave through a `char **`.
 *
 * @param text the text; NULL is fine.
 */
void weave_string_free(char *text);

/**
 * The type of a record, as it stands in a line: "call_complete", "call_start", "call_end", "call_update", "op_create",
 * "obj_create", "table_create", "file_create", "feedback_create" or "cost_create".
 *
 * @param record what the filter was given.
 * @return the text, which lives as long as the callback runs; NULL when record is NULL.
 */
const char *weave_record_type(const weave_record *record);

/**
 * The data of a record: the JSON of the request that it stands for.
 *
 * @param record what the filter was given.
 * @param length takes the length in bytes; may be NULL.
 * @return the text, NUL-terminated, which lives until the record is changed or the callback returns; NULL when record is
 * NULL.
 */
const char *weave_record_json(weave_record *record,
                              size_t *length);

/**
 * Replaces the data of a record. It is checked like everything that is logged, and must still be about the same thing:
 * ids, project and names stay. What is refused here refuses the record: the function that logs answers the error.
 *
 * @param record what the filter was given.
 * @param json a JSON object of the same shape; copied.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_JSON, WEAVE_INVALID_UTF8, WEAVE_REJECTED.
 */
weave_status weave_record_set_json(weave_record *record, const char *json, ptrdiff_t length);

/**
 * Sets what takes the library's messages, for the whole process. Without it they are not made: the library never prints.
 *
 * The callback runs on any thread, also on several at once, and must not call functions that log or sync.
 *
 * @param callback takes the messages; NULL for silence.
 * @param max_level the least important level that is told, a weave_log_level; others are taken as the nearest.
 * @param user_data handed to the callback; must live as long as the process: another thread may still be in the
 * callback when it is replaced.
 */
void weave_set_log_callback(weave_log_fn callback,
                            int32_t max_level,
                            void *user_data);

/**
 * Makes settings with nothing set: everything is left to the environment and the defaults.
 *
 * @return the settings, to be released with weave_options_free.
 */
WEAVE_NODISCARD weave_options *weave_options_new(void);

/**
 * Releases settings.
 *
 * @param options the settings; NULL is fine.
 */
void weave_options_free(weave_options *options);

/**
 * Whether the session never touches the network. Variable WEAVE_OFFLINE; default false.
 *
 * @param options the settings.
 * @param offline true or false.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_options_set_offline(weave_options *options, bool offline);

/**
 * Whether the session does nothing at all: every function succeeds and nothing is kept. Variable WEAVE_DISABLED;
 * default false.
 *
 * @param options the settings.
 * @param disabled true or false.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_options_set_disabled(weave_options *options, bool disabled);

/**
 * Where records are stored. It is made if it is not there. Variable WEAVE_OFFLINE_DIR; default ~/.weave/offline.
 *
 * @param options the settings.
 * @param offline_dir the directory; a leading ~ stands for the home directory; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_offline_dir(weave_options *options, const char *offline_dir);

/**
 * The entity (team or account) of a project that is named without one; at a sync, where the projects go that were logged
 * without one. Variable WANDB_ENTITY; default: the account's own, at the sync.
 *
 * @param options the settings.
 * @param entity the entity; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_entity(weave_options *options,
                                      const char *entity);

/**
 * What logs, as it stands in attributes.weave.source; bindings set it. Variable WEAVE_SOURCE; default "libweave".
 *
 * @param options the settings.
 * @param source the name; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_source(weave_options *options, const char *source);

/**
 * Attributes of every call of the session. Those of a single call go over them. Variable WEAVE_ATTRIBUTES; default none.
 *
 * @param options the settings.
 * @param attributes_json a JSON object; copied. Checked by weave_init.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_attributes(weave_options *options,
                                          const char *attributes_json,
                                          ptrdiff_t length);

/**
 * The share of traces that is kept. All calls of a trace share its fate, also in other processes with the same rate.
 * Variable WEAVE_SAMPLE_RATE; default 1.
 *
 * @param options the settings.
 * @param sample_rate 0 (none) to 1 (all).
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or outside of it.
 */
weave_status weave_options_set_sample_rate(weave_options *options, double sample_rate);

/**
 * One more key whose values are replaced by "REDACTED", at any depth of inputs, in upper or lower case. Always redacted
 * are api_key, auth_headers and authorization. Variable WEAVE_REDACT_KEYS (separated by commas) adds to these.
 *
 * @param options the settings.
 * @param key the key; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_add_redact_key(weave_options *options, const char *key);

/**
 * A callback that sees each record before it is kept, and may change or drop it.
 *
 * It runs on the thread that logs, also on several at once, and may call every function of the library.
 *
 * @param options the settings.
 * @param filter_fn the callback; NULL for none.
 * @param user_data handed to the callback; must live until the last client with these settings is freed, and its calls.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
 */
weave_status weave_options_set_filter(weave_options *options, weave_filter_fn filter_fn, void *user_data);

/**
 * A callback that is told how a sync goes on, and may stop it. It runs on the thread that called weave_sync; of a client
 * that is not offline, on the library's thread that sends. It must not call weave_sync, weave_flush, weave_finish or
 * weave_client_free, nor wait for a thread that is in the last two: these wait until it returns, and it is not called for
 * the client after them.
 *
 * @param options the settings.
 * @param progress_fn the callback; NULL for none.
 * @param user_data handed to the callback; must live until the last client with these settings is finished or freed.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
 */
weave_status weave_options_set_progress(weave_options *options,
                                        weave_progress_fn progress_fn,
                                        void *user_data);

/**
 * After how many bytes on disk a data file is closed and another begun. Variable WEAVE_MAX_FILE_SIZE; default 100000000.
 *
 * @param options the settings.
 * @param max_file_size bytes, at least 1.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
 */
weave_status weave_options_set_max_file_size(weave_options *options,
                                             uint64_t max_file_size);

/**
 * After how long a data file is closed and another begun. Variable WEAVE_MAX_FILE_AGE; default 86400.
 *
 * @param options the settings.
 * @param max_file_age seconds, at least 1.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or below 1.
 */
weave_status weave_options_set_max_file_age(weave_options *options, int64_t max_file_age);

/**
 * Whether data files are compressed with gzip. Variable WEAVE_COMPRESS; default true.
 *
 * @param options the settings.
 * @param compress true or false.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_options_set_compress(weave_options *options, bool compress);

/**
 * How hard data files are compressed. Variable WEAVE_COMPRESSION_LEVEL; the default suits a busy program.
 *
 * @param options the settings.
 * @param compression_level 1 (fast) to 12 (small).
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or outside of it.
 */
weave_status weave_options_set_compression_level(weave_options *options, int32_t compression_level);

/**
 * Whether the group of the files may read and write them (modes 0770 and 0660 instead of 0700 and 0600). Variable
 * WEAVE_GROUP_ACCESS; default false.
 *
 * @param options the settings.
 * @param group_access true or false.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_options_set_group_access(weave_options *options, bool group_access);

/**
 * Power loss costs at most what was accepted in this time. Variable WEAVE_DURABILITY_INTERVAL (seconds); default 1 second.
 *
 * @param options the settings.
 * @param durability_interval_ms milliseconds; 0: what was accepted since the last weave_flush.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
 */
weave_status weave_options_set_durability_interval(weave_options *options,
                                                   int64_t durability_interval_ms);

/**
 * How records get into the journal. Variable WEAVE_JOURNAL; default "auto".
 *
 * @param options the settings.
 * @param journal "auto": through mapped memory where it can be had; "write": each by a system call.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or another word; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_journal(weave_options *options, const char *journal);

/**
 * How many bytes may wait in the journal, beyond its mapped memory, before logging waits or is refused. Variable
 * WEAVE_JOURNAL_SIZE; default 67108864.
 *
 * @param options the settings.
 * @param journal_size bytes, at least 1.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
 */
weave_status weave_options_set_journal_size(weave_options *options, uint64_t journal_size);

/**
 * What a logging function does when the journal is full. Variable WEAVE_WHEN_FULL; default "block".
 *
 * @param options the settings.
 * @param when_full "block": it waits for room as long as the block limit says, then answers WEAVE_NO_SPACE; "refuse": it
 * answers WEAVE_NO_SPACE at once.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or another word; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_when_full(weave_options *options,
                                         const char *when_full);

/**
 * How long a logging function waits for room in a full journal. Variable WEAVE_BLOCK_LIMIT (seconds); default 5 seconds.
 *
 * @param options the settings.
 * @param block_limit_ms milliseconds, at least 0.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
 */
weave_status weave_options_set_block_limit(weave_options *options,
                                           int64_t block_limit_ms);

/**
 * How many bytes the offline directory may have, beside journals. Near to it, data files that were sent are deleted, and
 * then the quota policy is followed. Variable WEAVE_MAX_DIRECTORY_SIZE; default: as many as the disk has.
 *
 * @param options the settings.
 * @param max_directory_size bytes, at least 1048576.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or less.
 */
weave_status weave_options_set_max_directory_size(weave_options *options,
                                                  uint64_t max_directory_size);

/**
 * What happens when the offline directory is full and nothing in it was sent. Variable WEAVE_QUOTA_POLICY; default
 * "refuse".
 *
 * @param options the settings.
 * @param quota_policy "refuse": logging functions answer WEAVE_NO_SPACE until there is room; "drop-oldest": the oldest
 * data files are deleted, and a note beside them says what they held.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or another word; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_quota_policy(weave_options *options, const char *quota_policy);

/**
 * The API key of the account. It is never written to disk or to a log. Variable WANDB_API_KEY; else the netrc file.
 *
 * @param options the settings.
 * @param api_key the key; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_api_key(weave_options *options, const char *api_key);

/**
 * The address of the W&B server. Variable WANDB_BASE_URL; default https://api.wandb.ai.
 *
 * @param options the settings.
 * @param base_url the address; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_base_url(weave_options *options, const char *base_url);

/**
 * The address of the trace server. Variable WF_TRACE_SERVER_URL; default: what belongs to the W&B server.
 *
 * @param options the settings.
 * @param trace_server_url the address; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_trace_server_url(weave_options *options, const char *trace_server_url);

/**
 * A PEM file of the certificate authorities to trust. Variable WEAVE_CA_FILE; else SSL_CERT_FILE, REQUESTS_CA_BUNDLE;
 * default: the built-in ones.
 *
 * @param options the settings.
 * @param ca_file the file; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_ca_file(weave_options *options, const char *ca_file);

/**
 * How long each step of a request may take: connecting (4 seconds at most, the name included), waiting for an answer;
 * ten times that for a body. Variable WEAVE_HTTP_TIMEOUT (seconds); default 30 seconds.
 *
 * @param options the settings.
 * @param http_timeout_ms milliseconds, at least 1.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or below 1.
 */
weave_status weave_options_set_http_timeout(weave_options *options, int64_t http_timeout_ms);

/**
 * Not offline: how long what was logged may wait before it is sent, while the server can be reached.
 * Variable WEAVE_SEND_INTERVAL (seconds); default 2 seconds.
 *
 * @param options the settings.
 * @param send_interval_ms milliseconds, at least 100.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or below 100.
 */
weave_status weave_options_set_send_interval(weave_options *options, int64_t send_interval_ms);

/**
 * Whether any certificate is trusted. For tests. Variable WEAVE_INSECURE_DISABLE_SSL; default false.
 *
 * @param options the settings.
 * @param insecure true or false.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_options_set_insecure(weave_options *options, bool insecure);

/**
 * Makes a way to stop; weave_options_set_stop gives it to syncs.
 *
 * @return it, to be released with weave_stop_free.
 */
WEAVE_NODISCARD weave_stop *weave_stop_new(void);

/**
 * Stops the syncs and verifications that it was given to, those that run and those that begin later: within some tenths
 * of a second they end with WEAVE_CANCELLED. Nothing is lost; what was under way is looked up by the next sync.
 *
 * @param stop the way to stop.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_stop_ask(const weave_stop *stop);

/**
 * Releases a way to stop. Syncs that it was given to go on, and cannot be stopped by it any more.
 *
 * @param stop the way to stop; NULL is fine.
 */
void weave_stop_free(weave_stop *stop);

/**
 * At a sync, where the one project that is sent goes, under whatever name it was recorded; references in it follow.
 * Variable WEAVE_DESTINATION; default: the recorded name.
 *
 * @param options the settings.
 * @param destination "entity/project", or "project" of the entity that projects without one go to; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_set_destination(weave_options *options, const char *destination);

/**
 * At a sync, where a project goes that was recorded under another name; references to it follow. To be called for each
 * such project. Variable WEAVE_DESTINATIONS (RECORDED=DESTINATION, several with commas); default: the recorded names.
 *
 * @param options the settings.
 * @param recorded "entity/project" as recorded, or "project" when it was logged without an entity; copied.
 * @param destination "entity/project", or "project" of the entity that projects without one go to; copied.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_options_add_destination(weave_options *options, const char *recorded, const char *destination);

/**
 * The age at which a call that has not ended, and whose program still runs, is sent as one that runs, by a sync or by an
 * online client; before that it waits for its end. A call whose program is gone is sent at once. Variable WEAVE_OPEN_CALL_AGE (seconds);
 * default 60 seconds.
 *
 * @param options the settings.
 * @param open_call_age_ms milliseconds, at least 0.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
 */
weave_status weave_options_set_open_call_age(weave_options *options,
                                             int64_t open_call_age_ms);

/**
 * Whether a sync, or an online client, closes calls that have no end and whose program is gone: as failed, with an
 * exception that says so. Else they stay open. Variable WEAVE_CLOSE_INTERRUPTED; default false.
 *
 * @param options the settings.
 * @param close_interrupted true or false.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_options_set_close_interrupted(weave_options *options, bool close_interrupted);

/**
 * How long a sync may take. It then ends at the end of a request with WEAVE_TIMEOUT; calls that failed or have feedback
 * go first. Variable WEAVE_MAX_SYNC_TIME (seconds); default: no limit.
 *
 * @param options the settings.
 * @param max_sync_time_ms milliseconds, at least 0.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
 */
weave_status weave_options_set_max_sync_time(weave_options *options, int64_t max_sync_time_ms);

/**
 * How many bytes of records a sync may send, further attempts included and look-ups not. It then ends with WEAVE_TIMEOUT; calls that failed or have feedback go
 * first. Variable WEAVE_MAX_SYNC_BYTES; default: no limit.
 *
 * @param options the settings.
 * @param max_sync_bytes bytes, at least 1.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
 */
weave_status weave_options_set_max_sync_bytes(weave_options *options,
                                              uint64_t max_sync_bytes);

/**
 * How many bytes a second a sync or an online client may send. Variable WEAVE_MAX_SYNC_RATE; default: no limit.
 *
 * @param options the settings.
 * @param max_sync_rate bytes a second, at least 1.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or 0.
 */
weave_status weave_options_set_max_sync_rate(weave_options *options, uint64_t max_sync_rate);

/**
 * How many requests of a sync or an online client may be under way at once. Variable WEAVE_SYNC_CONNECTIONS; default 3.
 *
 * @param options the settings.
 * @param sync_connections from 1 to 16.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or out of range.
 */
weave_status weave_options_set_sync_connections(weave_options *options, int32_t sync_connections);

/**
 * How long a sync waits for another one of the same directory before it answers WEAVE_BUSY. Variable WEAVE_SYNC_WAIT
 * (seconds); default 0.
 *
 * @param options the settings.
 * @param sync_wait_ms milliseconds, at least 0.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL or negative.
 */
weave_status weave_options_set_sync_wait(weave_options *options, int64_t sync_wait_ms);

/**
 * The way to stop weave_sync and weave_verify with these settings from another thread; a client does not look at it.
 *
 * @param options the settings.
 * @param stop what is asked; the settings keep what they need of it. NULL: none.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
 */
weave_status weave_options_set_stop(weave_options *options, const weave_stop *stop);

/**
 * Opens a session for a project.
 *
 * Offline, nothing but the offline directory is touched. Otherwise there must be an API key, and the server is asked once,
 * for 3 seconds at most: whether it takes the key, and for the project, which is made if it is not there. When it cannot
 * be reached or fails, the log is told and the session opens all the same. What is logged is stored as it is offline, and
 * a thread of the library sends it whenever the server can be reached.
 *
 * @param project_name "project" or "entity/project".
 * @param options the settings; copied. NULL for the defaults.
 * @param client takes the session, to be released with weave_client_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a setting that cannot be used (the text names it);
 * WEAVE_INVALID_NAME, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON (attributes); WEAVE_IO, WEAVE_NO_SPACE for the offline
 * directory; when not offline also WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER.
 */
weave_status weave_init(const char *project_name,
                        const weave_options *options,
                        weave_client **client);

/**
 * Brings everything accepted so far to the disk for good. When not offline, it then has it sent at once and waits for
 * that; at the time limit the sending goes on.
 *
 * @param client the session.
 * @param timeout_ms how long this may take, in milliseconds; negative: no limit.
 * @param left takes how many records are not in data files yet, also on WEAVE_TIMEOUT; may be NULL. They are kept.
 * @return WEAVE_OK; WEAVE_TIMEOUT; WEAVE_INVALID_ARGUMENT when client is NULL; WEAVE_CLOSED; WEAVE_IO, WEAVE_NO_SPACE;
 * when not offline also WEAVE_INCOMPLETE, WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER,
 * WEAVE_CANCELLED, and WEAVE_BUSY when another process syncs the directory for long: the records are kept then, and sent
 * later.
 */
weave_status weave_flush(weave_client *client,
                         int64_t timeout_ms,
                         uint64_t *left);

/**
 * Flushes, and closes the session: later work on it answers WEAVE_CLOSED. To finish again does nothing. Calls that have
 * not ended stay open. When not offline, what is being sent at the time limit is broken off; what was not sent is kept,
 * and sent by the next client or by weave_sync.
 *
 * @param client the session.
 * @param timeout_ms how long this may take, in milliseconds; negative: no limit, but when not offline it ends with
 * WEAVE_TIMEOUT after the server has taken nothing for twice http_timeout (60 s).
 * @param left takes how many records are not in data files yet, also on WEAVE_TIMEOUT; may be NULL. They are kept.
 * @return as weave_flush; the session is closed in any case.
 */
weave_status weave_finish(weave_client *client, int64_t timeout_ms, uint64_t *left);

/**
 * Releases a session. One that is not finished is flushed as far as that takes no time, and nothing more is sent; nothing
 * accepted is lost.
 *
 * @param client the session; NULL is fine.
 */
void weave_client_free(weave_client *client);

/**
 * The project of a session, as it is recorded.
 *
 * @param client the session.
 * @return "entity/project", which lives as long as the session; the entity is "offline" when none is known. NULL when
 * client is NULL.
 */
const char *weave_client_project(const weave_client *client);

/**
 * The offline directory of a session.
 *
 * @param client the session.
 * @return the path, which lives as long as the session; empty when disabled. NULL when client is NULL.
 */
const char *weave_client_offline_dir(const weave_client *client);

/**
 * How many records of this session its filter has dropped.
 *
 * @param client the session.
 * @param dropped takes the number.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when client is NULL.
 */
weave_status weave_client_dropped(const weave_client *client, uint64_t *dropped);

/**
 * What became of the records that this process logged into the offline directory of a session, by all its sessions: a
 * JSON object.
 *
 * "accepted": records that were taken; "packed": of these, records in data files on the disk; "waiting" and
 * "waiting_bytes": those in the journal alone; "refused": records that were not taken because the journal or the quota
 * was full or the disk failed (a mistake in a record is not counted); "blocked": logging calls that had to wait for room;
 * "dropped": records in data files that were deleted unsent to keep the quota; "journal": its "kind", "mapped" or
 * "write", and its "bytes"; "failures": times that records could not be brought into data files, which are tried again;
 * "last_error": why, the last time, or null; "filtered": records that this session's filter has dropped.
 *
 * @param client the session, which may be finished. Disabled, everything is 0.
 * @param stats_json takes the text, to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_stats(weave_client *client,
                         char **stats_json);

/**
 * Reads data of the server, with a request of the trace server's interface. Not available offline.
 *
 * @param client the session.
 * @param path the path of the request, such as "/calls/stream_query".
 * @param request_json the JSON object that it takes.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param answer_json takes the answer (JSON, or one JSON value a line), to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_OFFLINE when the session is offline or disabled; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8,
 * WEAVE_INVALID_JSON, WEAVE_CLOSED; WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER.
 */
weave_status weave_query(weave_client *client,
                         const char *path,
                         const char *request_json,
                         ptrdiff_t length,
                         char **answer_json);

/**
 * Provokes a fault inside the library, to prove that it is contained. For tests.
 *
 * @param client a session, which refuses further work from then on; NULL for a fault outside of any.
 * @return WEAVE_PANIC.
 */
weave_status weave_panic_for_test(weave_client *client);

/**
 * Makes an empty JSON object.
 *
 * @return the object, to be released with weave_json_free.
 */
WEAVE_NODISCARD weave_json *weave_json_new(void);

/**
 * Makes an empty JSON array.
 *
 * @return the array, to be released with weave_json_free.
 */
WEAVE_NODISCARD weave_json *weave_json_new_array(void);

/**
 * Releases it.
 *
 * @param json the JSON; NULL is fine.
 */
void weave_json_free(weave_json *json);

/**
 * Adds a text.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @param value the text, which may hold anything, quotes and NUL included.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_set_string(weave_json *json, const char *key, const char *value, ptrdiff_t length);

/**
 * Adds a whole number.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @param value the number.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_set_int(weave_json *json, const char *key, int64_t value);

/**
 * Adds a whole number that is not negative.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @param value the number.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_set_uint(weave_json *json, const char *key, uint64_t value);

/**
 * Adds a number. NaN and infinities become null.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @param value the number.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_set_double(weave_json *json, const char *key, double value);

/**
 * Adds true or false.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @param value which of them.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_set_bool(weave_json *json, const char *key, bool value);

/**
 * Adds null.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_set_null(weave_json *json, const char *key);

/**
 * Adds a value that is JSON text already, such as what weave_image_create gave.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @param value the JSON text.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON.
 */
weave_status weave_json_set_json(weave_json *json,
                                 const char *key,
                                 const char *value,
                                 ptrdiff_t length);

/**
 * Opens an object inside; what is added next belongs to it, until weave_json_close.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_open_object(weave_json *json, const char *key);

/**
 * Opens an array inside; what is added next belongs to it, until weave_json_close.
 *
 * @param json the JSON.
 * @param key the name of the member; NULL inside an array.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
 */
weave_status weave_json_open_array(weave_json *json, const char *key);

/**
 * Closes the object or array that was opened last.
 *
 * @param json the JSON.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL, or when none is open inside.
 */
weave_status weave_json_close(weave_json *json);

/**
 * The JSON as text. What is still open inside is an error.
 *
 * @param json the JSON; more may be added afterwards.
 * @param length takes the length in bytes; may be NULL.
 * @return the text, NUL-terminated, which lives until this is asked again or the JSON is freed; NULL (with a text for
 * weave_last_error) when json is NULL or something is open inside.
 */
const char *weave_json_text(weave_json *json, size_t *length);

/**
 * Logs a finished call in one go. When this returns WEAVE_OK, the call survives the death of the process.
 *
 * @param client the session.
 * @param op_name a name of at most 128 characters, or what weave_op_create gave.
 * @param inputs_json a JSON object; none means {}. Values of secret keys are redacted.
 * @param inputs_length its length in bytes; negative: NUL-terminated.
 * @param output_json any JSON value; may be none. An object with "model" and "usage" counts as that usage.
 * @param output_length its length in bytes; negative: NUL-terminated.
 * @param options what else the call is given; NULL for nothing.
 * @param call_id takes the call's id: WEAVE_ID_SIZE bytes; may be NULL.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_INVALID_NAME (op_name),
 * WEAVE_INVALID_ID, WEAVE_REJECTED, WEAVE_TOO_LARGE for what is wrong (the text names the field); WEAVE_CLOSED;
 * WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_log_call(weave_client *client,
                            const char *op_name,
                            const char *inputs_json,
                            ptrdiff_t inputs_length,
                            const char *output_json,
                            ptrdiff_t output_length,
                            const weave_call_options *options,
                            char *call_id);

/**
 * Logs many finished calls in one go, also of the past. All of them are checked before any is kept.
 *
 * @param client the session.
 * @param calls_json a JSON array of objects: "op_name", and what is known of "id", "trace_id", "parent_id",
 * "display_name", "thread_id", "turn_id", "kind", "started_at", "ended_at" (texts, or microseconds since 1970),
 * "attributes", "inputs", "output", "exception", "summary", "otel_dump", "wb_run_id", "wb_run_step", "wb_run_step_end".
 * Summaries count as they are given: they are not rolled up.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param accepted takes how many calls are kept, also on an error; may be NULL.
 * @return as weave_log_call; the text names the call by its place, as in "calls[3]".
 */
weave_status weave_log_calls(weave_client *client, const char *calls_json, ptrdiff_t length, uint64_t *accepted);

/**
 * Begins a call. It may end much later, on another thread, or never.
 *
 * @param client the session.
 * @param op_name a name of at most 128 characters, or what weave_op_create gave.
 * @param inputs_json a JSON object; none means {}. Values of secret keys are redacted.
 * @param inputs_length its length in bytes; negative: NUL-terminated.
 * @param options what else the call is given; NULL for nothing.
 * @param call takes the call, to be released with weave_call_free.
 * @return as weave_log_call.
 */
weave_status weave_call_start(weave_client *client,
                              const char *op_name,
                              const char *inputs_json,
                              ptrdiff_t inputs_length,
                              const weave_call_options *options,
                              weave_call **call);

/**
 * Ends a call. Its usage and status are added to its parent's. When this fails, the call stays open.
 *
 * @param call the call.
 * @param output_json any JSON value; may be none. An object with "model" and "usage" counts as that usage, unless the
 * call had children.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return as weave_log_call; WEAVE_CLOSED also when the call has ended already.
 */
weave_status weave_call_end(weave_call *call, const char *output_json, ptrdiff_t length);

/**
 * Says what failed; the call shows as failed. The call is still to be ended.
 *
 * @param call the call.
 * @param type the kind of failure, such as "ValueError"; NULL to keep the message alone.
 * @param message what happened.
 * @param traceback any text, or a JSON array of {"filename", "line_number", "function_name", "text"}; NULL for none.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when call or message is NULL, or nothing is said; WEAVE_INVALID_UTF8;
 * WEAVE_CLOSED when the call has ended.
 */
weave_status weave_call_set_exception(weave_call *call, const char *type, const char *message, const char *traceback);

/**
 * Merges an object into the call's summary. Usage and status are added at its end; computed values win.
 *
 * @param call the call.
 * @param summary_json a JSON object.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_REJECTED; WEAVE_CLOSED when
 * the call has ended.
 */
weave_status weave_call_set_summary(weave_call *call, const char *summary_json, ptrdiff_t length);

/**
 * Adds usage of the call itself, in tokens. It counts instead of a usage that the output names, and several add up.
 *
 * @param call the call.
 * @param model the model.
 * @param prompt_tokens tokens that went in, at least 0.
 * @param completion_tokens tokens that came out, at least 0.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_CLOSED when the call has ended.
 */
weave_status weave_call_add_usage(weave_call *call,
                                  const char *model,
                                  int64_t prompt_tokens,
                                  int64_t completion_tokens);

/**
 * Adds usage of the call itself, with any keys that servers know or not.
 *
 * @param call the call.
 * @param model the model.
 * @param usage_json a JSON object such as {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_REJECTED; WEAVE_CLOSED when
 * the call has ended.
 */
weave_status weave_call_add_usage_json(weave_call *call, const char *model, const char *usage_json, ptrdiff_t length);

/**
 * Gives the call another name to show, also after its end.
 *
 * @param call the call.
 * @param display_name the name. One of more than 1024 characters is cut.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_CLOSED when the session is finished; WEAVE_IO,
 * WEAVE_NO_SPACE.
 */
weave_status weave_call_set_display_name(weave_call *call, const char *display_name);

/**
 * Sets when the call ended, for calls of the past.
 *
 * @param call the call.
 * @param ended_at microseconds since 1970 in UTC; 0 for the moment of its end.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT; WEAVE_CLOSED when the call has ended.
 */
weave_status weave_call_set_ended_at(weave_call *call, int64_t ended_at);

/**
 * The id of a call.
 *
 * @param call the call.
 * @return the id, which lives as long as the handle; NULL when call is NULL.
 */
const char *weave_call_id(const weave_call *call);

/**
 * The trace that a call belongs to.
 *
 * @param call the call.
 * @return the id, which lives as long as the handle; NULL when call is NULL.
 */
const char *weave_call_trace_id(const weave_call *call);

/**
 * A call as one line of text, to carry a parent to another thread, process or machine: printable ASCII without spaces,
 * fit for a header or an environment variable. weave_call_options_set_parent_context takes it.
 *
 * @param call the call.
 * @return the line, which lives as long as the handle; NULL when call is NULL.
 */
const char *weave_call_context(const weave_call *call);

/**
 * The reference of a call, for feedback and values.
 *
 * @param call the call.
 * @param ref takes the text, to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL.
 */
weave_status weave_call_ref(const weave_call *call, char **ref);

/**
 * Releases a call. One that has not ended stays open, as if the program had crashed.
 *
 * @param call the call; NULL is fine.
 */
void weave_call_free(weave_call *call);

/**
 * Gives a call another name to show, by its id.
 *
 * @param client the session.
 * @param call_id the call's id.
 * @param display_name the name. One of more than 1024 characters is cut.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_ID, WEAVE_INVALID_UTF8; WEAVE_CLOSED; WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_call_update(weave_client *client,
                               const char *call_id,
                               const char *display_name);

/**
 * Makes call options with nothing set.
 *
 * @return the options, to be released with weave_call_options_free.
 */
WEAVE_NODISCARD weave_call_options *weave_call_options_new(void);

/**
 * Releases call options.
 *
 * @param options the options; NULL is fine.
 */
void weave_call_options_free(weave_call_options *options);

/**
 * The call that makes this one: trace, thread and turn follow from it, and usage rolls up to it.
 *
 * @param options the options.
 * @param parent a live call, also one that has ended; NULL for none.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL.
 */
weave_status weave_call_options_set_parent(weave_call_options *options, const weave_call *parent);

/**
 * The call that makes this one, when it lives elsewhere: what weave_call_context gave there.
 *
 * @param options the options.
 * @param context the line; NULL for none.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL or the line is no context; WEAVE_INVALID_ID,
 * WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_parent_context(weave_call_options *options, const char *context);

/**
 * An id of the caller's, for calls of the past; without it one is made.
 *
 * @param options the options.
 * @param id a lower-case UUID with dashes, or 16 lower-case letters and digits; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_id(weave_call_options *options,
                                       const char *id);

/**
 * The trace, for calls of the past; without it the parent's, or a new one.
 *
 * @param options the options.
 * @param trace_id a lower-case UUID, or 32 lower-case letters and digits; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_trace_id(weave_call_options *options,
                                             const char *trace_id);

/**
 * The parent's id, for calls of the past; it needs the trace id too.
 *
 * @param options the options.
 * @param parent_id the id; "" for none; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_parent_id(weave_call_options *options, const char *parent_id);

/**
 * The name to show instead of the op's. One of more than 1024 characters is cut.
 *
 * @param options the options.
 * @param display_name the name; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_display_name(weave_call_options *options, const char *display_name);

/**
 * The conversation that the call belongs to; without it the parent's. A call whose thread is not its parent's begins a turn.
 *
 * @param options the options.
 * @param thread_id any text; "" for none; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_thread_id(weave_call_options *options,
                                              const char *thread_id);

/**
 * The turn, when it is not what follows from thread and parent.
 *
 * @param options the options.
 * @param turn_id the id of the call that began the turn; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_turn_id(weave_call_options *options,
                                            const char *turn_id);

/**
 * What kind of call it is: the icon in the user interface.
 *
 * @param options the options.
 * @param kind "llm", "tool", "agent", "scorer", …; copied. NULL for none. Checked by the function that takes the options.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_kind(weave_call_options *options,
                                         const char *kind);

/**
 * Attributes of the call: any JSON object.
 *
 * @param options the options.
 * @param attributes_json a JSON object; copied. Checked by the function that takes the options.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_attributes(weave_call_options *options,
                                               const char *attributes_json,
                                               ptrdiff_t length);

/**
 * A summary of the program's own, to which usage and status are added; computed values win. Its member "weave" belongs to
 * the server and is left out.
 *
 * @param options the options.
 * @param summary_json a JSON object; copied. Checked by the function that takes the options.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_summary(weave_call_options *options,
                                            const char *summary_json,
                                            ptrdiff_t length);

/**
 * Adds usage of the call itself, in tokens. It counts instead of a usage that the output names, and several add up.
 *
 * @param options the options.
 * @param model the model; copied.
 * @param prompt_tokens tokens that went in, at least 0.
 * @param completion_tokens tokens that came out, at least 0.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a negative number; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_add_usage(weave_call_options *options,
                                          const char *model,
                                          int64_t prompt_tokens,
                                          int64_t completion_tokens);

/**
 * Adds usage of the call itself, with any keys that servers know or not.
 *
 * @param options the options.
 * @param model the model; copied.
 * @param usage_json a JSON object such as {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3}; copied.
 * Checked by the function that takes the options.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_add_usage_json(weave_call_options *options,
                                               const char *model,
                                               const char *usage_json,
                                               ptrdiff_t length);

/**
 * What failed, for a call that is logged in one go; the call shows as failed.
 *
 * @param options the options.
 * @param type the kind of failure, such as "ValueError"; NULL to keep the message alone.
 * @param message what happened.
 * @param traceback any text, or a JSON array of {"filename", "line_number", "function_name", "text"}; NULL for none.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options or message is NULL, or nothing is said; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_exception(weave_call_options *options,
                                              const char *type,
                                              const char *message,
                                              const char *traceback);

/**
 * When the call began.
 *
 * @param options the options.
 * @param started_at microseconds since 1970 in UTC; 0 for now.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL or the time is out of range.
 */
weave_status weave_call_options_set_started_at(weave_call_options *options, int64_t started_at);

/**
 * When the call ended.
 *
 * @param options the options.
 * @param ended_at microseconds since 1970 in UTC; 0 for the moment of its end.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL or the time is out of range.
 */
weave_status weave_call_options_set_ended_at(weave_call_options *options, int64_t ended_at);

/**
 * The run of W&B that the call belongs to.
 *
 * @param options the options.
 * @param run_id "entity/project/run"; copied. NULL for none. Checked by the function that takes the options.
 * @param step the run's step when the call begins; negative: not known.
 * @param step_end the run's step when the call ends; negative: not known.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT when options is NULL; WEAVE_INVALID_UTF8.
 */
weave_status weave_call_options_set_wb_run(weave_call_options *options,
                                           const char *run_id,
                                           int64_t step,
                                           int64_t step_end);

/**
 * Creates an op from its source text, in any language.
 *
 * @param client the session.
 * @param name the op's name; characters that a name may not have become '-'.
 * @param source the source text, which the user interface shows.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param ref takes the reference, to be used as op_name of calls and freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_REJECTED when the source is
 * empty; WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_op_create(weave_client *client, const char *name, const char *source, ptrdiff_t length, char **ref);

/**
 * Creates a version of an object: any JSON value under a name.
 *
 * @param client the session.
 * @param name the object's name; characters that a name may not have become '-'.
 * @param value_json the value.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param ref takes the reference, to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_INVALID_NAME, WEAVE_REJECTED,
 * WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_object_create(weave_client *client,
                                 const char *name,
                                 const char *value_json,
                                 ptrdiff_t length,
                                 char **ref);

/**
 * Creates a table.
 *
 * @param client the session.
 * @param rows_json a JSON array of objects.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param ref takes the reference, to be freed with weave_string_free.
 * @return as weave_object_create.
 */
weave_status weave_table_create(weave_client *client, const char *rows_json, ptrdiff_t length, char **ref);

/**
 * Creates a version of a dataset: rows under a name.
 *
 * @param client the session.
 * @param name the dataset's name; characters that a name may not have become '-'.
 * @param description what it is; NULL for none.
 * @param rows_json a JSON array of objects.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param ref takes the reference, to be freed with weave_string_free.
 * @return as weave_object_create.
 */
weave_status weave_dataset_create(weave_client *client,
                                  const char *name,
                                  const char *description,
                                  const char *rows_json,
                                  ptrdiff_t length,
                                  char **ref);

/**
 * The reference of one row of a dataset, to be used in the inputs of calls.
 *
 * @param client the session.
 * @param dataset_ref what weave_dataset_create gave.
 * @param row_json the row.
 * @param length its length in bytes; negative: NUL-terminated.
 * @param ref takes the reference, to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON; WEAVE_INVALID_ID when dataset_ref is
 * none of an object; WEAVE_CLOSED.
 */
weave_status weave_dataset_row_ref(weave_client *client,
                                   const char *dataset_ref,
                                   const char *row_json,
                                   ptrdiff_t length,
                                   char **ref);

/**
 * Stores a file. Equal bytes are stored once.
 *
 * @param client the session.
 * @param name the file's name, for people.
 * @param data the bytes.
 * @param length how many, 1 to 31 MiB.
 * @param digest takes the digest by which values name the file, to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_REJECTED when the file is empty;
 * WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_file_create(weave_client *client,
                               const char *name,
                               const void *data,
                               ptrdiff_t length,
                               char **digest);

/**
 * Stores an image.
 *
 * @param client the session.
 * @param format "png", "jpg" or "webp".
 * @param data the image file's bytes.
 * @param length how many.
 * @param value_json takes the JSON that stands for the image in inputs, outputs, objects and rows; to be freed with
 * weave_string_free.
 * @return as weave_file_create; WEAVE_INVALID_ARGUMENT also for another format.
 */
weave_status weave_image_create(weave_client *client,
                                const char *format,
                                const void *data,
                                ptrdiff_t length,
                                char **value_json);

/**
 * Stores a sound.
 *
 * @param client the session.
 * @param format "wav" or "mp3".
 * @param data the sound file's bytes.
 * @param length how many.
 * @param value_json takes the JSON that stands for the sound; to be freed with weave_string_free.
 * @return as weave_file_create; WEAVE_INVALID_ARGUMENT also for another format.
 */
weave_status weave_audio_create(weave_client *client,
                                const char *format,
                                const void *data,
                                ptrdiff_t length,
                                char **value_json);

/**
 * Stores any other content, such as a PDF or HTML.
 *
 * @param client the session.
 * @param filename its name without folders, such as "report.pdf".
 * @param mimetype its type, such as "application/pdf".
 * @param data the bytes.
 * @param length how many.
 * @param value_json takes the JSON that stands for the content; to be freed with weave_string_free.
 * @return as weave_file_create.
 */
weave_status weave_content_create(weave_client *client,
                                  const char *filename,
                                  const char *mimetype,
                                  const void *data,
                                  ptrdiff_t length,
                                  char **value_json);

/**
 * Gives feedback on a call or an object.
 *
 * @param client the session.
 * @param target a call's id, or the reference of a call or object.
 * @param feedback_type any name that does not begin with "wandb.", or "wandb.annotation.NAME", "wandb.runnable.NAME".
 * @param payload_json a JSON object of at most 1048576 characters; {"value": …} for an annotation, {"output": …} for a
 * runnable.
 * @param payload_length its length in bytes; negative: NUL-terminated.
 * @param refs_json a JSON object with what the type asks for: "annotation_ref", or "runnable_ref" and "call_ref"; NULL
 * for none.
 * @param refs_length its length in bytes; negative: NUL-terminated.
 * @param creator who gives it; NULL for the account that syncs.
 * @param feedback_id takes the feedback's id: WEAVE_ID_SIZE bytes; may be NULL.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_INVALID_ID; WEAVE_REJECTED for
 * what breaks the type's rules; WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_feedback_create(weave_client *client,
                                   const char *target,
                                   const char *feedback_type,
                                   const char *payload_json,
                                   ptrdiff_t payload_length,
                                   const char *refs_json,
                                   ptrdiff_t refs_length,
                                   const char *creator,
                                   char *feedback_id);

/**
 * Adds a reaction to a call or an object.
 *
 * @param client the session.
 * @param target a call's id, or the reference of a call or object.
 * @param emoji exactly one emoji.
 * @param feedback_id takes the feedback's id: WEAVE_ID_SIZE bytes; may be NULL.
 * @return as weave_feedback_create; WEAVE_REJECTED when it is not exactly one emoji.
 */
weave_status weave_feedback_add_reaction(weave_client *client,
                                         const char *target,
                                         const char *emoji,
                                         char *feedback_id);

/**
 * Adds a note to a call or an object.
 *
 * @param client the session.
 * @param target a call's id, or the reference of a call or object.
 * @param note 1 to 1024 characters.
 * @param feedback_id takes the feedback's id: WEAVE_ID_SIZE bytes; may be NULL.
 * @return as weave_feedback_create; WEAVE_REJECTED when the note is empty or too long.
 */
weave_status weave_feedback_add_note(weave_client *client, const char *target, const char *note, char *feedback_id);

/**
 * Sets the prices of a model in the project; servers compute the costs of calls from usage and prices.
 *
 * @param client the session.
 * @param model the model, as it stands in usage.
 * @param prompt_token_cost the price of one token that goes in, at least 0.
 * @param completion_token_cost the price of one token that comes out, at least 0.
 * @param options_json a JSON object with what is known of "effective_date", "provider_id", "prompt_token_cost_unit",
 * "completion_token_cost_unit" ("USD" by default), "cache_read_input_token_cost", "cache_creation_input_token_cost";
 * NULL for none.
 * @param length its length in bytes; negative: NUL-terminated.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_REJECTED; WEAVE_CLOSED, WEAVE_IO,
 * WEAVE_NO_SPACE.
 */
weave_status weave_cost_create(weave_client *client,
                               const char *model,
                               double prompt_token_cost,
                               double completion_token_cost,
                               const char *options_json,
                               ptrdiff_t length);

/**
 * Sends what is stored to the server, in the order that references need. What the server has taken is marked; what it
 * has not is kept for the next time; a record that it refuses is set aside. It may be stopped or killed at any instant
 * and called again. Clients of this process that write to the directory may go on.
 *
 * @param offline_dir the offline directory; NULL for the one of options, environment or default.
 * @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
 * @param api_key the API key; NULL for the one of options, environment or netrc file.
 * @param options addresses, certificates, where projects go, limits, progress, the way to stop; NULL for the defaults.
 * @param results_json takes {"entity/project": {"calls": [synced, errors], …}}; to be freed with weave_string_free. It is
 * written whenever sending began, also when the status is an error: set it to NULL before.
 * @return WEAVE_OK; WEAVE_INCOMPLETE when some records were refused or could not be sent; WEAVE_TIMEOUT at a limit of
 * time or bytes; WEAVE_CANCELLED; WEAVE_BUSY when another sync of the directory runs; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME;
 * WEAVE_UNAUTHORIZED, WEAVE_FORBIDDEN, WEAVE_NETWORK, WEAVE_SERVER; WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_sync(const char *offline_dir,
                        const char *project_name,
                        const char *api_key,
                        const weave_options *options,
                        char **results_json);

/**
 * Deletes data files that were sent to the server some time ago, and file bytes that no record needs which waits or was
 * rejected. Receipts stay. weave_clean_preview tells before what would go.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param older_than_days days since the sync, with fractions; 0 for all that were sent.
 * @param deleted takes how many files were deleted; may be NULL.
 * @return WEAVE_OK; WEAVE_BUSY when a sync of the directory is running; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8;
 * WEAVE_IO.
 */
weave_status weave_clean_synced_files(const char *offline_dir, double older_than_days, uint64_t *deleted);

/**
 * Tells what lies in an offline directory: sizes and counts, in all and of each project and kind.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param stats_json takes a JSON object, to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_IO.
 */
weave_status weave_directory_stats(const char *offline_dir, char **stats_json);

/**
 * Lists the records that a server rejected, with its reasons. They are not sent again by themselves.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
 * @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
 * @param rejected_json takes a JSON array of objects with project, kind, id, status, reason, place or places, at, server
 * and to; to be freed with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_IO.
 */
weave_status weave_rejected_list(const char *offline_dir,
                                 const char *project_name,
                                 const char *kind,
                                 char **rejected_json);

/**
 * Puts records that a server rejected back to those that wait. The next sync sends them again, with the same ids.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
 * @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
 * @param count takes how many records were put back; may be NULL.
 * @return WEAVE_OK; WEAVE_BUSY when a sync of the directory is running; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8,
 * WEAVE_INVALID_NAME; WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_rejected_retry(const char *offline_dir, const char *project_name, const char *kind, uint64_t *count);

/**
 * Writes the records that a server rejected to a file, with their lines as they were stored: one JSON object a line.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
 * @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
 * @param to_file the file, which must not exist yet.
 * @param count takes how many records were written; may be NULL.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_rejected_export(const char *offline_dir,
                                   const char *project_name,
                                   const char *kind,
                                   const char *to_file,
                                   uint64_t *count);

/**
 * Gives up records that a server rejected, for good.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
 * @param kind one kind, as in the results of a sync: "calls", "feedback", …; NULL for all.
 * @param count takes how many records were dropped; may be NULL.
 * @return WEAVE_OK; WEAVE_BUSY when a sync of the directory is running; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8,
 * WEAVE_INVALID_NAME; WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_rejected_drop(const char *offline_dir, const char *project_name, const char *kind, uint64_t *count);

/**
 * Asks the server for everything that the receipts of past syncs say it has.
 *
 * @param offline_dir the offline directory; NULL for the one of options, environment or default.
 * @param project_name one project, "entity/project" as recorded, or its last part; NULL for all.
 * @param api_key the API key; NULL for the one of options, environment or netrc file.
 * @param options addresses, certificates, progress (synced: found, errors: missing); NULL for the defaults.
 * @param put_back whether what is missing is put back to be sent by the next sync, from the synced files that are there;
 * each id once. Calls, feedback and prices that somebody has deleted on the server are missing there too, and come back.
 * @param results_json takes {"entity/project": {"calls": [found, asked], …}}; to be freed with weave_string_free. It is
 * written whenever asking began, also when the status is an error: set it to NULL before.
 * @return WEAVE_OK when everything is there; WEAVE_INCOMPLETE when something is missing or could not be asked, the text
 * tells what; WEAVE_CANCELLED; WEAVE_BUSY when put_back is set and a sync of the directory is running;
 * WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_UNAUTHORIZED, WEAVE_NETWORK, WEAVE_SERVER;
 * WEAVE_IO, WEAVE_NO_SPACE.
 */
weave_status weave_verify(const char *offline_dir,
                          const char *project_name,
                          const char *api_key,
                          const weave_options *options,
                          bool put_back,
                          char **results_json);

/**
 * Tells what weave_clean_synced_files would delete now, and deletes nothing.
 *
 * @param offline_dir the offline directory; NULL for the one of environment or default.
 * @param older_than_days days since the sync, with fractions; 0 for all that were sent.
 * @param files_json takes {"files": [{"path", "bytes"}, …], "bytes": in all}, paths within the directory; to be freed
 * with weave_string_free.
 * @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8; WEAVE_IO.
 */
weave_status weave_clean_preview(const char *offline_dir, double older_than_days, char **files_json);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* WEAVE_H */
