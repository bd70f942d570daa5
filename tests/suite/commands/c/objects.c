/* What is published beside calls: ops, objects, tables, datasets, files, feedback, prices. */
#include "verbs.h"

void op(const field *fields) {
    char *ref = NULL;
    weave_status status = weave_op_create(session, fields[0].text, BYTES(fields[1]), &ref);
    answer_text(status, ref);
}

void object(const field *fields) {
    char *ref = NULL;
    weave_status status = weave_object_create(session, fields[0].text, BYTES(fields[1]), &ref);
    answer_text(status, ref);
}

void table(const field *fields) {
    char *ref = NULL;
    weave_status status = weave_table_create(session, BYTES(fields[0]), &ref);
    answer_text(status, ref);
}

void dataset(const field *fields) {
    char *ref = NULL;
    weave_status status = weave_dataset_create(session, fields[0].text, NULL, BYTES(fields[1]), &ref);
    answer_text(status, ref);
}

void row(const field *fields) {
    char *ref = NULL;
    weave_status status = weave_dataset_row_ref(session, fields[0].text, BYTES(fields[1]), &ref);
    answer_text(status, ref);
}

void file(const field *fields) {
    char *digest = NULL;
    weave_status status = weave_file_create(session, fields[0].text, BYTES(fields[1]), &digest);
    answer_text(status, digest);
}

void image(const field *fields) {
    char *value = NULL;
    weave_status status = weave_image_create(session, fields[0].text, BYTES(fields[1]), &value);
    answer_text(status, value);
}

void audio(const field *fields) {
    char *value = NULL;
    weave_status status = weave_audio_create(session, fields[0].text, BYTES(fields[1]), &value);
    answer_text(status, value);
}

void content(const field *fields) {
    char *value = NULL;
    weave_status status = weave_content_create(session, fields[0].text, fields[1].text, BYTES(fields[2]), &value);
    answer_text(status, value);
}

void note(const field *fields) {
    char id[WEAVE_ID_SIZE];
    answer_id(weave_feedback_add_note(session, fields[0].text, fields[1].text, id), id);
}

void reaction(const field *fields) {
    char id[WEAVE_ID_SIZE];
    answer_id(weave_feedback_add_reaction(session, fields[0].text, fields[1].text, id), id);
}

void feedback(const field *fields) {
    char id[WEAVE_ID_SIZE];
    weave_status status = weave_feedback_create(session, fields[0].text, fields[1].text, BYTES(fields[2]), WEAVE_NONE,
                                                NULL, id);
    answer_id(status, id);
}

void cost(const field *fields) {
    answer(weave_cost_create(session, fields[0].text, decimal(fields[1]), decimal(fields[2]), WEAVE_NONE), NULL);
}
