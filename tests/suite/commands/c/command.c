/* The command of C: answers each line of its input with a line, as tests/suite/commands/README.md says. Here is the
 * table of verbs; what they do is in the files that verbs.h names. */
#include "verbs.h"

#include <limits.h>
#include <string.h>

static const struct {
    const char *name;
    int fewest, most; /* fields behind the verb */
    verb *run;
} VERBS[] = {
    {"version", 0, 0, tell_version},
    {"init", 1, INT_MAX, init},
    {"flush", 0, 0, flush},
    {"finish", 0, 0, finish},
    {"stats", 0, 0, stats},
    {"log", 3, 3, log_call},
    {"batch", 1, 1, batch},
    {"start", 4, 4, start},
    {"end", 2, 2, end},
    {"fail", 3, 3, fail},
    {"usage", 4, 4, usage},
    {"rename", 2, 2, rename_call},
    {"context", 1, 1, context},
    {"adopt", 3, 3, adopt},
    {"nest", 1, 1, nest},
    {"raise", 1, 1, raise_failure},
    {"values", 0, 0, values},
    {"threads", 2, 2, threads},
    {"fork", 1, 1, fork_child},
    {"op", 2, 2, op},
    {"object", 2, 2, object},
    {"table", 1, 1, table},
    {"dataset", 2, 2, dataset},
    {"row", 2, 2, row},
    {"file", 2, 2, file},
    {"image", 2, 2, image},
    {"audio", 2, 2, audio},
    {"content", 3, 3, content},
    {"note", 2, 2, note},
    {"reaction", 2, 2, reaction},
    {"feedback", 3, 3, feedback},
    {"cost", 3, 3, cost},
    {"sync", 1, 1, sync_directory},
    {"clean", 2, 2, clean},
    {"directory", 1, 1, directory},
    {"rejected", 1, 1, rejected},
    {"verify", 1, 1, verify},
};

static void run(const field *line, int count) {
    for (size_t i = 0; i < sizeof VERBS / sizeof *VERBS; ++i) {
        if (strcmp(VERBS[i].name, line->text) == 0) {
            if (count - 1 < VERBS[i].fewest || count - 1 > VERBS[i].most) {
                refuse_line("a wrong number of fields", line->text);
            }
            VERBS[i].run(line + 1);
            return;
        }
    }
    refuse_line("an unknown verb", line->text);
}

int main(void) {
    int count = 0;
    for (const field *line = read_line(&count); line != NULL; line = read_line(&count)) {
        run(line, count);
    }
    return 0;
}
