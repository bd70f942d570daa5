/* Callbacks, settings, and every function of the library but those of calls. */
#include "_cgo_export.h"
#include "shim_result.h"

static int32_t filter(weave_record *record, void *user_data) { return wgFilter(record, (uintptr_t)user_data); }

static int32_t progress(const weave_progress *progress, void *user_data) {
    return wgProgress((char *)progress->project, (char *)progress->kind, progress->synced, progress->errors,
                      (uintptr_t)user_data);
}

static void log_message(int32_t level, const char *message, void *user_data) {
    (void)user_data;
    wgLog(level, (char *)message);
}

void wg_set_log(int32_t max_level) { weave_set_log_callback(log_message, max_level, NULL); }

void wg_unset_log(void) { weave_set_log_callback(NULL, WEAVE_LOG_ERROR, NULL); }

wg_result wg_options_set_text(weave_options *options, int which, const char *value) {
    static weave_status (*const setters[])(weave_options *, const char *) = {
        [WG_OFFLINE_DIR] = weave_options_set_offline_dir,
        [WG_ENTITY] = weave_options_set_entity,
        [WG_DESTINATION] = weave_options_set_destination,
        [WG_API_KEY] = weave_options_set_api_key,
        [WG_BASE_URL] = weave_options_set_base_url,
        [WG_TRACE_SERVER_URL] = weave_options_set_trace_server_url,
        [WG_CA_FILE] = weave_options_set_ca_file,
        [WG_SOURCE] = weave_options_set_source,
        [WG_REDACT_KEY] = weave_options_add_redact_key,
        [WG_JOURNAL] = weave_options_set_journal,
        [WG_WHEN_FULL] = weave_options_set_when_full,
        [WG_QUOTA_POLICY] = weave_options_set_quota_policy,
    };
    return wg_answer(setters[which](options, value));
}

wg_result wg_options_set_flag(weave_options *options, int which, bool value) {
    static weave_status (*const setters[])(weave_options *, bool) = {
        [WG_OFFLINE] = weave_options_set_offline,
        [WG_DISABLED] = weave_options_set_disabled,
        [WG_COMPRESS] = weave_options_set_compress,
        [WG_GROUP_ACCESS] = weave_options_set_group_access,
        [WG_INSECURE] = weave_options_set_insecure,
        [WG_CLOSE_INTERRUPTED] = weave_options_set_close_interrupted,
    };
    return wg_answer(setters[which](options, value));
}

/* Values that the library's narrower type cannot hold become ones that it refuses. */
wg_result wg_options_set_number(weave_options *options, int which, int64_t value) {
    uint64_t size = value < 0 ? 0 : (uint64_t)value;
    switch (which) {
    case WG_MAX_FILE_SIZE:
        return wg_answer(weave_options_set_max_file_size(options, size));
    case WG_JOURNAL_SIZE:
        return wg_answer(weave_options_set_journal_size(options, size));
    case WG_MAX_DIRECTORY_SIZE:
        return wg_answer(weave_options_set_max_directory_size(options, size));
    case WG_MAX_SYNC_BYTES:
        return wg_answer(weave_options_set_max_sync_bytes(options, size));
    case WG_MAX_SYNC_RATE:
        return wg_answer(weave_options_set_max_sync_rate(options, size));
    case WG_MAX_SYNC_TIME:
        return wg_answer(weave_options_set_max_sync_time(options, value));
    case WG_SYNC_WAIT:
        return wg_answer(weave_options_set_sync_wait(options, value));
    case WG_OPEN_CALL_AGE:
        return wg_answer(weave_options_set_open_call_age(options, value));
    case WG_SYNC_CONNECTIONS:
        return wg_answer(weave_options_set_sync_connections(options, value < 0 || value > 99 ? -1 : (int32_t)value));
    case WG_DURABILITY_INTERVAL:
        return wg_answer(weave_options_set_durability_interval(options, value));
    case WG_SEND_INTERVAL:
        return wg_answer(weave_options_set_send_interval(options, value));
    case WG_BLOCK_LIMIT:
        return wg_answer(weave_options_set_block_limit(options, value));
    case WG_MAX_FILE_AGE:
        return wg_answer(weave_options_set_max_file_age(options, value));
    case WG_COMPRESSION_LEVEL:
        return wg_answer(weave_options_set_compression_level(options, value < -1 || value > 99 ? -1 : (int32_t)value));
    default:
        return wg_answer(weave_options_set_http_timeout(options, value));
    }
}

wg_result wg_options_set_sample_rate(weave_options *options, double rate) {
    return wg_answer(weave_options_set_sample_rate(options, rate));
}

wg_result wg_options_set_attributes(weave_options *options, const char *json, ptrdiff_t length) {
    return wg_answer(weave_options_set_attributes(options, json, length));
}

wg_result wg_options_add_destination(weave_options *options, const char *recorded, const char *destination) {
    return wg_answer(weave_options_add_destination(options, recorded, destination));
}

wg_result wg_options_set_stop(weave_options *options, const weave_stop *stop) {
    return wg_answer(weave_options_set_stop(options, stop));
}

wg_result wg_options_set_filter(weave_options *options, uintptr_t handle) {
    return wg_answer(weave_options_set_filter(options, filter, (void *)handle));
}

wg_result wg_options_set_progress(weave_options *options, uintptr_t handle) {
    return wg_answer(weave_options_set_progress(options, progress, (void *)handle));
}

wg_result wg_init(const char *project, const weave_options *options) {
    weave_client *client = NULL;
    weave_status status = weave_init(project, options, &client);
    return wg_done((wg_result){.handle = client}, status);
}

wg_result wg_flush(weave_client *client, int64_t timeout_ms) { WITH(weave_flush(client, timeout_ms, &result.number)); }

wg_result wg_finish(weave_client *client, int64_t timeout_ms) {
    WITH(weave_finish(client, timeout_ms, &result.number));
}

wg_result wg_dropped(const weave_client *client) { WITH(weave_client_dropped(client, &result.number)); }

wg_result wg_stats(weave_client *client) { WITH(weave_stats(client, &result.text)); }

wg_result wg_query(weave_client *client, const char *path, const char *request, ptrdiff_t length) {
    WITH(weave_query(client, path, request, length, &result.text));
}

wg_result wg_op_create(weave_client *client, const char *name, const char *source, ptrdiff_t length) {
    WITH(weave_op_create(client, name, source, length, &result.text));
}

wg_result wg_object_create(weave_client *client, const char *name, const char *value, ptrdiff_t length) {
    WITH(weave_object_create(client, name, value, length, &result.text));
}

wg_result wg_table_create(weave_client *client, const char *rows, ptrdiff_t length) {
    WITH(weave_table_create(client, rows, length, &result.text));
}

wg_result wg_dataset_create(weave_client *client, const char *name, const char *description, const char *rows,
                            ptrdiff_t length) {
    WITH(weave_dataset_create(client, name, description, rows, length, &result.text));
}

wg_result wg_dataset_row_ref(weave_client *client, const char *dataset, const char *row, ptrdiff_t length) {
    WITH(weave_dataset_row_ref(client, dataset, row, length, &result.text));
}

wg_result wg_file_create(weave_client *client, const char *name, const char *data, ptrdiff_t length) {
    WITH(weave_file_create(client, name, data, length, &result.text));
}

wg_result wg_image_create(weave_client *client, const char *format, const char *data, ptrdiff_t length) {
    WITH(weave_image_create(client, format, data, length, &result.text));
}

wg_result wg_audio_create(weave_client *client, const char *format, const char *data, ptrdiff_t length) {
    WITH(weave_audio_create(client, format, data, length, &result.text));
}

wg_result wg_content_create(weave_client *client, const char *filename, const char *mimetype, const char *data,
                            ptrdiff_t length) {
    WITH(weave_content_create(client, filename, mimetype, data, length, &result.text));
}

wg_result wg_feedback_create(weave_client *client, const char *target, const char *type, const char *payload,
                             ptrdiff_t payload_length, const char *refs, ptrdiff_t refs_length, const char *creator,
                             char *id) {
    return wg_answer(
        weave_feedback_create(client, target, type, payload, payload_length, refs, refs_length, creator, id));
}

wg_result wg_feedback_add_reaction(weave_client *client, const char *target, const char *emoji, char *id) {
    return wg_answer(weave_feedback_add_reaction(client, target, emoji, id));
}

wg_result wg_feedback_add_note(weave_client *client, const char *target, const char *note, char *id) {
    return wg_answer(weave_feedback_add_note(client, target, note, id));
}

wg_result wg_cost_create(weave_client *client, const char *model, double prompt, double completion,
                         const char *options, ptrdiff_t length) {
    return wg_answer(weave_cost_create(client, model, prompt, completion, options, length));
}

wg_result wg_sync(const char *offline_dir, const char *project, const weave_options *options) {
    WITH(weave_sync(offline_dir, project, NULL, options, &result.text));
}

wg_result wg_clean_synced_files(const char *offline_dir, double older_than_days) {
    WITH(weave_clean_synced_files(offline_dir, older_than_days, &result.number));
}

wg_result wg_clean_preview(const char *offline_dir, double older_than_days) {
    WITH(weave_clean_preview(offline_dir, older_than_days, &result.text));
}

wg_result wg_rejected_list(const char *offline_dir, const char *project, const char *kind) {
    WITH(weave_rejected_list(offline_dir, project, kind, &result.text));
}

wg_result wg_rejected_retry(const char *offline_dir, const char *project, const char *kind) {
    WITH(weave_rejected_retry(offline_dir, project, kind, &result.number));
}

wg_result wg_rejected_export(const char *offline_dir, const char *project, const char *kind, const char *to_file) {
    WITH(weave_rejected_export(offline_dir, project, kind, to_file, &result.number));
}

wg_result wg_rejected_drop(const char *offline_dir, const char *project, const char *kind) {
    WITH(weave_rejected_drop(offline_dir, project, kind, &result.number));
}

wg_result wg_verify(const char *offline_dir, const char *project, const weave_options *options, bool put_back) {
    WITH(weave_verify(offline_dir, project, NULL, options, put_back, &result.text));
}

wg_result wg_directory_stats(const char *offline_dir) { WITH(weave_directory_stats(offline_dir, &result.text)); }

wg_result wg_record_set_json(weave_record *record, const char *json, ptrdiff_t length) {
    return wg_answer(weave_record_set_json(record, json, length));
}
