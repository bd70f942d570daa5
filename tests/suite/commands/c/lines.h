/* Lines between the driver of the tests and this program: fields that come in, answers that go out. */
#ifndef LINES_H
#define LINES_H

#include <weave/convenience.h>

/* The bytes of a field, with a NUL behind them. */
typedef struct {
    char *text;
    ptrdiff_t length;
} field;

/* A field where a function takes a pointer and a length; an empty one is an absent value. */
#define BYTES(field) (field).text, (field).length

/* The fields of the next line: the verb first, and behind the last one a field whose text is NULL. They live until the
 * next line is read. At the end of the input it is NULL. */
const field *read_line(int *count);

/* Numbers of fields; what is none ends the program. */
int64_t whole(field field);
double decimal(field field);

/* Ends the program with 2: the driver has sent what it must not. */
_Noreturn void refuse_line(const char *reason, const char *what);

/* Answers "ok", or "error" with the text of this thread's failure; then the field, unless it is NULL. */
void answer(weave_status status, const char *field);
/* The same with a text that the library made, which is freed. */
void answer_text(weave_status status, char *text);
/* The same with what only "ok" has. */
void answer_id(weave_status status, const char id[WEAVE_ID_SIZE]);
void answer_ids(weave_status status, int64_t count, char (*ids)[WEAVE_ID_SIZE]);
void answer_number(weave_status status, uint64_t number);
/* "error" with a text of another thread's. */
void answer_error(weave_status status, const char *text);

/* The whole text of this thread's last failure, to be freed. */
char *last_error(void);

#endif
