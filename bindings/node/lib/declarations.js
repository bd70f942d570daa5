// Every function of include/weave.h that the package uses: what it answers and takes. A test compares this with the
// header.
'use strict';

const STATUS = 'int32_t';
/** A handle, or a buffer of the caller's. */
const POINTER = 'void *';
const TEXT = 'str';
const BYTES = ['void *', 'intptr_t'];
/** The texts of this package hold no NUL, so that their length is given as -1. */
const JSON_TEXT = ['str', 'intptr_t'];
const OUT_HANDLE = '_Out_ void **';
const OUT_COUNT = '_Out_ uint64_t *';

/**
 * @param {{ outText: object, filter: object, progress: object }} types a place for a text that the library allocates,
 * and pointers to the callbacks
 * @returns {Record<string, [answer: unknown, takes: unknown[]]>}
 */
function declarations({ outText, filter, progress }) {
  return {
    weave_version: [TEXT, []],
    weave_last_error: ['size_t', [POINTER, 'size_t']],
    weave_status_text: [TEXT, ['int32_t']],

    weave_record_type: [TEXT, [POINTER]],
    weave_record_json: [TEXT, [POINTER, POINTER]],
    weave_record_set_json: [STATUS, [POINTER, ...JSON_TEXT]],

    weave_options_new: [POINTER, []],
    weave_options_free: ['void', [POINTER]],
    weave_options_set_offline: [STATUS, [POINTER, 'bool']],
    weave_options_set_disabled: [STATUS, [POINTER, 'bool']],
    weave_options_set_offline_dir: [STATUS, [POINTER, TEXT]],
    weave_options_set_entity: [STATUS, [POINTER, TEXT]],
    weave_options_set_source: [STATUS, [POINTER, TEXT]],
    weave_options_set_attributes: [STATUS, [POINTER, ...JSON_TEXT]],
    weave_options_set_sample_rate: [STATUS, [POINTER, 'double']],
    weave_options_add_redact_key: [STATUS, [POINTER, TEXT]],
    weave_options_set_filter: [STATUS, [POINTER, filter, POINTER]],
    weave_options_set_progress: [STATUS, [POINTER, progress, POINTER]],
    weave_options_set_max_file_size: [STATUS, [POINTER, 'uint64_t']],
    weave_options_set_max_file_age: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_compress: [STATUS, [POINTER, 'bool']],
    weave_options_set_compression_level: [STATUS, [POINTER, 'int32_t']],
    weave_options_set_group_access: [STATUS, [POINTER, 'bool']],
    weave_options_set_durability_interval: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_journal: [STATUS, [POINTER, TEXT]],
    weave_options_set_journal_size: [STATUS, [POINTER, 'uint64_t']],
    weave_options_set_when_full: [STATUS, [POINTER, TEXT]],
    weave_options_set_block_limit: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_max_directory_size: [STATUS, [POINTER, 'uint64_t']],
    weave_options_set_quota_policy: [STATUS, [POINTER, TEXT]],
    weave_options_set_api_key: [STATUS, [POINTER, TEXT]],
    weave_options_set_base_url: [STATUS, [POINTER, TEXT]],
    weave_options_set_trace_server_url: [STATUS, [POINTER, TEXT]],
    weave_options_set_ca_file: [STATUS, [POINTER, TEXT]],
    weave_options_set_http_timeout: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_send_interval: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_insecure: [STATUS, [POINTER, 'bool']],
    weave_options_set_destination: [STATUS, [POINTER, TEXT]],
    weave_options_add_destination: [STATUS, [POINTER, TEXT, TEXT]],
    weave_options_set_open_call_age: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_close_interrupted: [STATUS, [POINTER, 'bool']],
    weave_options_set_max_sync_time: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_max_sync_bytes: [STATUS, [POINTER, 'uint64_t']],
    weave_options_set_max_sync_rate: [STATUS, [POINTER, 'uint64_t']],
    weave_options_set_sync_connections: [STATUS, [POINTER, 'int32_t']],
    weave_options_set_sync_wait: [STATUS, [POINTER, 'int64_t']],
    weave_options_set_stop: [STATUS, [POINTER, POINTER]],

    weave_json_new_array: [POINTER, []],
    weave_json_set_json: [STATUS, [POINTER, TEXT, ...JSON_TEXT]],
    weave_json_free: ['void', [POINTER]],

    weave_stop_new: [POINTER, []],
    weave_stop_ask: [STATUS, [POINTER]],
    weave_stop_free: ['void', [POINTER]],

    weave_init: [STATUS, [TEXT, POINTER, OUT_HANDLE]],
    weave_flush: [STATUS, [POINTER, 'int64_t', OUT_COUNT]],
    weave_finish: [STATUS, [POINTER, 'int64_t', OUT_COUNT]],
    weave_client_free: ['void', [POINTER]],
    weave_client_project: [TEXT, [POINTER]],
    weave_client_offline_dir: [TEXT, [POINTER]],
    weave_stats: [STATUS, [POINTER, outText]],

    weave_log_call: [STATUS, [POINTER, TEXT, ...JSON_TEXT, ...JSON_TEXT, POINTER, POINTER]],
    weave_log_calls: [STATUS, [POINTER, ...JSON_TEXT, OUT_COUNT]],
    weave_call_start: [STATUS, [POINTER, TEXT, ...JSON_TEXT, POINTER, OUT_HANDLE]],
    weave_call_end: [STATUS, [POINTER, ...JSON_TEXT]],
    weave_call_set_exception: [STATUS, [POINTER, TEXT, TEXT, TEXT]],
    weave_call_set_summary: [STATUS, [POINTER, ...JSON_TEXT]],
    weave_call_add_usage: [STATUS, [POINTER, TEXT, 'int64_t', 'int64_t']],
    weave_call_add_usage_json: [STATUS, [POINTER, TEXT, ...JSON_TEXT]],
    weave_call_set_display_name: [STATUS, [POINTER, TEXT]],
    weave_call_set_ended_at: [STATUS, [POINTER, 'int64_t']],
    weave_call_id: [TEXT, [POINTER]],
    weave_call_trace_id: [TEXT, [POINTER]],
    weave_call_context: [TEXT, [POINTER]],
    weave_call_free: ['void', [POINTER]],
    weave_call_update: [STATUS, [POINTER, TEXT, TEXT]],

    weave_call_options_new: [POINTER, []],
    weave_call_options_free: ['void', [POINTER]],
    weave_call_options_set_parent: [STATUS, [POINTER, POINTER]],
    weave_call_options_set_parent_context: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_id: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_trace_id: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_parent_id: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_display_name: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_thread_id: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_turn_id: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_kind: [STATUS, [POINTER, TEXT]],
    weave_call_options_set_attributes: [STATUS, [POINTER, ...JSON_TEXT]],
    weave_call_options_set_summary: [STATUS, [POINTER, ...JSON_TEXT]],
    weave_call_options_add_usage_json: [STATUS, [POINTER, TEXT, ...JSON_TEXT]],
    weave_call_options_set_exception: [STATUS, [POINTER, TEXT, TEXT, TEXT]],
    weave_call_options_set_started_at: [STATUS, [POINTER, 'int64_t']],
    weave_call_options_set_ended_at: [STATUS, [POINTER, 'int64_t']],
    weave_call_options_set_wb_run: [STATUS, [POINTER, TEXT, 'int64_t', 'int64_t']],

    weave_op_create: [STATUS, [POINTER, TEXT, ...JSON_TEXT, outText]],
    weave_object_create: [STATUS, [POINTER, TEXT, ...JSON_TEXT, outText]],
    weave_table_create: [STATUS, [POINTER, ...JSON_TEXT, outText]],
    weave_dataset_create: [STATUS, [POINTER, TEXT, TEXT, ...JSON_TEXT, outText]],
    weave_dataset_row_ref: [STATUS, [POINTER, TEXT, ...JSON_TEXT, outText]],
    weave_file_create: [STATUS, [POINTER, TEXT, ...BYTES, outText]],
    weave_image_create: [STATUS, [POINTER, TEXT, ...BYTES, outText]],
    weave_audio_create: [STATUS, [POINTER, TEXT, ...BYTES, outText]],
    weave_content_create: [STATUS, [POINTER, TEXT, TEXT, ...BYTES, outText]],
    weave_feedback_create: [STATUS, [POINTER, TEXT, TEXT, ...JSON_TEXT, ...JSON_TEXT, TEXT, POINTER]],
    weave_feedback_add_reaction: [STATUS, [POINTER, TEXT, TEXT, POINTER]],
    weave_feedback_add_note: [STATUS, [POINTER, TEXT, TEXT, POINTER]],
    weave_cost_create: [STATUS, [POINTER, TEXT, 'double', 'double', ...JSON_TEXT]],

    weave_sync: [STATUS, [TEXT, TEXT, TEXT, POINTER, outText]],
    weave_verify: [STATUS, [TEXT, TEXT, TEXT, POINTER, 'bool', outText]],
    weave_clean_synced_files: [STATUS, [TEXT, 'double', OUT_COUNT]],
    weave_clean_preview: [STATUS, [TEXT, 'double', outText]],
    weave_directory_stats: [STATUS, [TEXT, outText]],
    weave_rejected_list: [STATUS, [TEXT, TEXT, TEXT, outText]],
    weave_rejected_retry: [STATUS, [TEXT, TEXT, TEXT, OUT_COUNT]],
    weave_rejected_export: [STATUS, [TEXT, TEXT, TEXT, TEXT, OUT_COUNT]],
    weave_rejected_drop: [STATUS, [TEXT, TEXT, TEXT, OUT_COUNT]],
  };
}

module.exports = { declarations };
