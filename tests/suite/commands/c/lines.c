/* Reads lines into fields and writes answers, as tests/suite/commands/README.md says. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "lines.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 64 };

_Noreturn void refuse_line(const char *reason, const char *what) {
    fprintf(stderr, "%s: %s\n", reason, what);
    exit(2);
}

static char *allocate(size_t size) {
    char *made = malloc(size);
    if (made == NULL) {
        refuse_line("out of memory", "a text of the library");
    }
    return made;
}

static int digit(char hex) {
    const char *digits = "0123456789abcdef0123456789ABCDEF";
    const char *found = hex != '\0' ? strchr(digits, hex) : NULL;
    return found != NULL ? (int)((found - digits) % 16) : -1;
}

/* Puts the bytes that %XX stands for in their place. */
static field unescaped(char *text) {
    char *to = text;
    for (const char *from = text; *from != '\0'; ++from) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = digit(from[1]), low = high < 0 ? -1 : digit(from[2]);
        if (low < 0) {
            refuse_line("% without two digits", from);
        }
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return (field){text, to - text};
}

const field *read_line(int *count) {
    static char *line;
    static size_t capacity;
    static field fields[MOST_FIELDS + 1];
    ssize_t length = getline(&line, &capacity, stdin);
    if (length < 0) {
        return NULL;
    }
    if (length > 0 && line[length - 1] == '\n') {
        line[length - 1] = '\0';
    }
    *count = 0;
    for (char *rest = line; rest != NULL;) {
        if (*count == MOST_FIELDS) {
            refuse_line("too many fields", line);
        }
        char *begin = rest;
        rest = strchr(begin, '\t');
        if (rest != NULL) {
            *rest++ = '\0';
        }
        fields[(*count)++] = unescaped(begin);
    }
    fields[*count] = (field){NULL, 0};
    return fields;
}

int64_t whole(field field) {
    char *end = NULL;
    errno = 0;
    int64_t number = strtoll(field.text, &end, 10);
    if (errno != 0 || field.length == 0 || end != field.text + field.length) {
        refuse_line("not a whole number", field.text);
    }
    return number;
}

double decimal(field field) {
    char *end = NULL;
    double number = strtod(field.text, &end);
    if (field.length == 0 || end != field.text + field.length) {
        refuse_line("not a number", field.text);
    }
    return number;
}

char *last_error(void) {
    size_t size = weave_last_error(NULL, 0) + 1;
    char *text = allocate(size);
    weave_last_error(text, size);
    return text;
}

static void put_field(const char *text) {
    putchar('\t');
    for (; *text != '\0'; ++text) {
        /* Texts of the library are UTF-8, so that no other byte needs an escape. */
        if (strchr("%\t\n\r", *text) != NULL) {
            printf("%%%02X", (unsigned char)*text);
        } else {
            putchar(*text);
        }
    }
}

static void put_status(weave_status status, const char *text) {
    if (status == WEAVE_OK) {
        fputs("ok", stdout);
    } else {
        printf("error\t%d", (int)status);
        put_field(text);
    }
}

static void end_line(void) {
    putchar('\n');
    fflush(stdout);
}

void answer(weave_status status, const char *field) {
    char *text = status != WEAVE_OK ? last_error() : NULL;
    put_status(status, text);
    free(text);
    if (field != NULL) {
        put_field(field);
    }
    end_line();
}

void answer_id(weave_status status, const char id[WEAVE_ID_SIZE]) {
    answer(status, status == WEAVE_OK ? id : NULL);
}

void answer_ids(weave_status status, int64_t count, char (*ids)[WEAVE_ID_SIZE]) {
    if (status != WEAVE_OK) {
        answer(status, NULL);
        return;
    }
    put_status(status, NULL);
    for (int64_t i = 0; i < count; ++i) {
        put_field(ids[i]);
    }
    end_line();
}

void answer_number(weave_status status, uint64_t number) {
    char text[24];
    snprintf(text, sizeof text, "%" PRIu64, number);
    answer(status, status == WEAVE_OK ? text : NULL);
}

void answer_text(weave_status status, char *text) {
    answer(status, text);
    weave_string_free(text);
}

void answer_error(weave_status status, const char *text) {
    put_status(status, text);
    end_line();
}
