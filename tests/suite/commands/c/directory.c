/* What is done with an offline directory: sending it, looking after it. Addresses and keys are the environment's. */
#include "verbs.h"

void sync_directory(const field *fields) {
    char *results = NULL;
    weave_status status = weave_sync(fields[0].text, NULL, NULL, NULL, &results);
    answer_text(status, results);
}

void clean(const field *fields) {
    uint64_t deleted = 0;
    weave_status status = weave_clean_synced_files(fields[0].text, decimal(fields[1]), &deleted);
    answer_number(status, deleted);
}

void directory(const field *fields) {
    char *stats = NULL;
    weave_status status = weave_directory_stats(fields[0].text, &stats);
    answer_text(status, stats);
}

void rejected(const field *fields) {
    char *records = NULL;
    weave_status status = weave_rejected_list(fields[0].text, NULL, NULL, &records);
    answer_text(status, records);
}

void verify(const field *fields) {
    char *results = NULL;
    weave_status status = weave_verify(fields[0].text, NULL, NULL, NULL, false, &results);
    answer_text(status, results);
}
