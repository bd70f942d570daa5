/* What a measuring program in C or C++ is asked to do, `PROGRAM LOAD DIR SCHEDULE THREADS COUNT`, and the doing of it.
 * Schedules and the answer are those of benches/suite/plan.rs. A program gives bench_main what opens, logs and drains. */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Texts end with NUL. */
struct bench_call {
    const char *op, *inputs, *output;
    size_t op_length, inputs_length, output_length;
};

/* Functions of the design that is measured; they answer 0 when all is well. */
struct bench_design {
    int (*open)(const char *dir);
    int (*log)(const struct bench_call *call);
    int (*drain)(void); /* brings everything to where the design keeps it */
    int (*close)(void);
};

enum bench_kind { BENCH_BACK, BENCH_EVERY, BENCH_BATCHES, BENCH_BURST };

struct bench_thread {
    const struct bench_plan *plan;
    uint64_t *samples; /* nanoseconds of each call */
    double cpu;        /* processor time per call, negative when the schedule spins */
    size_t first;
    pthread_t thread;
};

struct bench_plan {
    struct bench_call *calls;
    size_t call_count, threads, each, batch;
    enum bench_kind kind;
    uint64_t nanos;
    int (*log)(const struct bench_call *call);
    pthread_barrier_t start;
};

static void bench_fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint64_t bench_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t bench_now(void) { return bench_clock(CLOCK_MONOTONIC); }

static void *bench_memory(size_t size) {
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL) bench_fail("no memory");
    memset(memory, 1, size); /* no page of it is faulted in while calls are timed */
    return memory;
}

static void bench_read_load(struct bench_plan *plan, const char *path) {
    FILE *file = fopen(path, "rb");
    long size = 0;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) <= 0) bench_fail("the load cannot be read");
    rewind(file);
    unsigned char *bytes = (unsigned char *)bench_memory((size_t)size);
    if (fread(bytes, 1, (size_t)size, file) != (size_t)size) bench_fail("the load cannot be read");
    fclose(file);
    size_t room = 0;
    for (const unsigned char *at = bytes; at < bytes + size;) {
        uint32_t lengths[3];
        memcpy(lengths, at, sizeof lengths);
        at += 24;
        if (plan->call_count == room) {
            room = room ? 2 * room : 1024;
            plan->calls = (struct bench_call *)realloc(plan->calls, room * sizeof *plan->calls);
            if (plan->calls == NULL) bench_fail("no memory");
        }
        const char *texts[3];
        for (int i = 0; i < 3; i++) {
            char *text = (char *)bench_memory(lengths[i] + 1u);
            memcpy(text, at, lengths[i]);
            text[lengths[i]] = '\0';
            at += lengths[i];
            texts[i] = text;
        }
        struct bench_call *call = &plan->calls[plan->call_count++];
        call->op = texts[0], call->op_length = lengths[0];
        call->inputs = texts[1], call->inputs_length = lengths[1];
        call->output = texts[2], call->output_length = lengths[2];
    }
    free(bytes);
}

static void bench_schedule(struct bench_plan *plan, const char *text) {
    unsigned long long nanos = 0, batch = 0;
    if (strcmp(text, "back") == 0) plan->kind = BENCH_BACK;
    else if (strcmp(text, "burst") == 0) plan->kind = BENCH_BURST;
    else if (sscanf(text, "every:%llu", &nanos) == 1) plan->kind = BENCH_EVERY;
    else if (sscanf(text, "batches:%llu:%llu", &batch, &nanos) == 2) plan->kind = BENCH_BATCHES;
    else bench_fail("no such schedule");
    plan->nanos = nanos;
    plan->batch = (size_t)batch;
}

/* The time of each call, and the thread's processor time when it did nothing else. */
static void bench_timed(struct bench_thread *self) {
    const struct bench_plan *plan = self->plan;
    uint64_t due = bench_now();
    uint64_t cpu = bench_clock(CLOCK_THREAD_CPUTIME_ID);
    for (size_t i = 0, next = self->first; i < plan->each; i++, next++) {
        if (next == plan->call_count) next = 0;
        if (plan->kind == BENCH_EVERY) {
            due += plan->nanos;
            while (bench_now() < due) {
            }
        }
        uint64_t began = bench_now();
        int status = plan->log(&plan->calls[next]);
        self->samples[i] = bench_now() - began;
        if (status != 0) bench_fail("a call was not logged");
    }
    cpu = bench_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
    self->cpu = plan->kind == BENCH_EVERY ? -1 : (double)cpu / (double)plan->each;
}

/* The thread's processor time per call. No call is timed: reading clocks would be a part of the figure. */
static void bench_batches(struct bench_thread *self) {
    const struct bench_plan *plan = self->plan;
    uint64_t due = bench_now(), spent = 0;
    size_t next = self->first;
    for (size_t done = 0; done < plan->each;) {
        uint64_t cpu = bench_clock(CLOCK_THREAD_CPUTIME_ID);
        for (size_t i = 0; i < plan->batch && done < plan->each; i++, done++, next++) {
            if (next == plan->call_count) next = 0;
            if (plan->log(&plan->calls[next]) != 0) bench_fail("a call was not logged");
        }
        spent += bench_clock(CLOCK_THREAD_CPUTIME_ID) - cpu;
        due += plan->nanos;
        struct timespec until;
        until.tv_sec = (time_t)(due / 1000000000u);
        until.tv_nsec = (long)(due % 1000000000u);
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    }
    self->cpu = (double)spent / (double)plan->each;
}

static void *bench_thread_main(void *argument) {
    struct bench_thread *self = (struct bench_thread *)argument;
    pthread_barrier_wait((pthread_barrier_t *)&self->plan->start);
    if (self->plan->kind == BENCH_BATCHES) bench_batches(self);
    else bench_timed(self);
    return NULL;
}

static int bench_order(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* samples may be NULL: no call was timed. */
static void bench_print(uint64_t *samples, size_t count, double cpu, double logged, double drained) {
    double sum = 0;
    for (size_t i = 0; samples != NULL && i < count; i++) sum += (double)samples[i];
    if (samples != NULL) qsort(samples, count, sizeof *samples, bench_order);
    static const struct { const char *name; double share; } quantiles[] = {
        {"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1}};
    printf("{");
    for (size_t i = 0; i < 4; i++) {
        size_t at = (size_t)floor((double)(count - 1) * quantiles[i].share);
        if (samples == NULL) printf("\"%s\": null, ", quantiles[i].name);
        else printf("\"%s\": %llu, ", quantiles[i].name, (unsigned long long)samples[at]);
    }
    printf("\"mean\": %.1f, ", sum / (double)count);
    if (cpu < 0) printf("\"cpu\": null, ");
    else printf("\"cpu\": %.1f, ", cpu);
    printf("\"logged\": %.6f, \"drained\": %.6f, \"count\": %zu}\n", logged, drained, count);
}

static int bench_main(int argc, char **argv, const struct bench_design *design) {
    struct bench_plan plan;
    memset(&plan, 0, sizeof plan);
    if (argc != 6) bench_fail("LOAD DIR SCHEDULE THREADS COUNT");
    bench_read_load(&plan, argv[1]);
    bench_schedule(&plan, argv[3]);
    plan.threads = strtoul(argv[4], NULL, 10);
    if (plan.threads == 0) bench_fail("no threads");
    plan.each = strtoul(argv[5], NULL, 10) / plan.threads;
    plan.log = design->log;
    size_t count = plan.each * plan.threads;
    uint64_t *samples = (uint64_t *)bench_memory(count * sizeof *samples);
    struct bench_thread *threads = (struct bench_thread *)bench_memory(plan.threads * sizeof *threads);
    if (design->open(argv[2]) != 0) bench_fail("it cannot be opened");
    if (pthread_barrier_init(&plan.start, NULL, (unsigned)plan.threads + 1) != 0) bench_fail("no barrier");
    for (size_t i = 0; i < plan.threads; i++) {
        threads[i].plan = &plan;
        threads[i].samples = samples + i * plan.each;
        threads[i].first = plan.call_count / plan.threads * i;
        if (pthread_create(&threads[i].thread, NULL, bench_thread_main, &threads[i]) != 0) bench_fail("no thread");
    }
    pthread_barrier_wait(&plan.start);
    uint64_t began = bench_now();
    double cpu = 0;
    for (size_t i = 0; i < plan.threads; i++) {
        pthread_join(threads[i].thread, NULL);
        cpu += threads[i].cpu / (double)plan.threads;
    }
    uint64_t logged = bench_now();
    if (plan.kind == BENCH_BURST) kill(getpid(), SIGKILL); /* what was accepted is accepted */
    if (design->drain() != 0) bench_fail("it cannot be drained");
    uint64_t drained = bench_now();
    bench_print(plan.kind == BENCH_BATCHES ? NULL : samples, count, cpu, (double)(logged - began) / 1e9, (double)(drained - began) / 1e9);
    return design->close();
}

#ifdef __cplusplus
}
#endif

#endif
