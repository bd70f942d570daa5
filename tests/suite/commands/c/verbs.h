/* What the program does for each verb, and what they share. */
#ifndef VERBS_H
#define VERBS_H

#include "lines.h"

/* The open session; NULL before `init`. */
extern weave_client *session;

/* Each takes the fields behind its verb, which a field without text ends, and answers the line. */
typedef void verb(const field *fields);

/* session.c */
verb tell_version, init, flush, finish, stats;
/* calls.c */
verb log_call, batch, start, end, fail, usage, rename_call, context, adopt;
/* idioms.c */
verb nest, raise_failure, values, threads, fork_child;
/* objects.c */
verb op, object, table, dataset, row, file, image, audio, content, note, reaction, feedback, cost;
/* directory.c */
verb sync_directory, clean, directory, rejected, verify;

/* The live call with the name, as `start` and `adopt` keep it; without one the program ends with 2. */
weave_call *named(field name);

#endif
