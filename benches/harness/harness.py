"""What a measuring program in Python is asked to do, `PROGRAM LOAD DIR SCHEDULE THREADS COUNT`, and the doing of it.

Schedules and the answer are those of benches/suite/plan.rs. A design opens in a directory, logs a call (op, inputs,
output: inputs and output as Python values) and drains. `beside` is timed beside each call, for comparison, with the
values of a call half a load away: they are no fresher in the processor's caches than those that are logged.
"""
import itertools
import json
import os
import pathlib
import signal
import struct
import sys
import threading
import time


def read_load(path):
    """The calls of the binary form of gen_calls.py, inputs and output as Python values."""
    data, at, calls = pathlib.Path(path).read_bytes(), 0, []
    while at < len(data):
        texts, lengths = [], struct.unpack_from("<III", data, at)
        at += 24
        for length in lengths:
            texts.append(data[at:at + length].decode())
            at += length
        calls.append((texts[0], json.loads(texts[1]), json.loads(texts[2])))
    return calls


def timed(calls, others, pace, log, beside, samples, beside_samples):
    """The time of each call. The answer is the thread's processor time, None when the wait spins."""
    clock, due, cpu = time.perf_counter_ns, time.perf_counter_ns(), time.thread_time_ns()
    for index, ((op, inputs, output), other) in enumerate(zip(calls, others)):
        if pace:
            due += pace
            while clock() < due:
                pass
        began = clock()
        log(op, inputs, output)
        samples[index] = clock() - began
        if beside:
            began = clock()
            beside(*other)
            beside_samples[index] = clock() - began
    return None if pace or beside else (time.thread_time_ns() - cpu) / len(samples)


def batches(calls, size, pace, log):
    """The thread's processor time per call. No call is timed: reading clocks would be a part of the figure."""
    due, spent, count = time.perf_counter_ns(), 0, 0
    while batch := list(itertools.islice(calls, size)):
        cpu = time.thread_time_ns()
        for call in batch:
            log(*call)
        spent += time.thread_time_ns() - cpu
        count += len(batch)
        due += pace
        time.sleep(max(0, due - time.perf_counter_ns()) / 1e9)
    return spent / count


def quantiles(samples, prefix=""):
    samples = sorted(samples)
    shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "max": 1}
    return {**{prefix + name: samples[int((len(samples) - 1) * share)] if samples else None
               for name, share in shares.items()},
            prefix + "mean": sum(samples) / len(samples) if samples else None}


def main(opened, log, drain, beside=None):
    """`opened(dir)` answers the design, which `log(design, op, inputs, output)` and `drain(design)` are given."""
    _, load, directory, schedule, threads, count = sys.argv
    calls, threads = read_load(load), int(threads)
    each = int(count) // threads
    kind, *numbers = schedule.split(":")
    numbers = [int(number) for number in numbers]
    samples = [[0] * each if kind != "batches" else [] for _ in range(threads)]
    beside_samples, cpus = [0] * each if beside else [], [None] * threads
    design, start = opened(directory), threading.Barrier(threads + 1)

    def run(thread):
        def load_from(first):
            return itertools.islice(itertools.cycle(calls[first:] + calls[:first]), each)

        first = len(calls) // threads * thread
        own, others = load_from(first), load_from((first + len(calls) // 2) % len(calls))

        def log_one(op, inputs, output):
            log(design, op, inputs, output)

        start.wait()
        if kind == "batches":
            cpus[thread] = batches(own, numbers[0], numbers[1], log_one)
        else:
            pace = numbers[0] if kind == "every" else 0
            cpus[thread] = timed(own, others, pace, log_one, beside, samples[thread], beside_samples)

    def give_up(failure):
        threading.__excepthook__(failure)
        os._exit(1)

    threading.excepthook = give_up  # a thread that fails has no figure
    workers = [threading.Thread(target=run, args=(thread,)) for thread in range(threads)]
    for worker in workers:
        worker.start()
    start.wait()
    began = time.perf_counter()
    for worker in workers:
        worker.join()
    logged = time.perf_counter() - began
    if kind == "burst":  # what was accepted is accepted
        os.kill(os.getpid(), signal.SIGKILL)
    drain(design)
    answer = {**quantiles(itertools.chain(*samples)), "logged": logged, "drained": time.perf_counter() - began,
              "cpu": sum(cpus) / threads if None not in cpus else None, "count": each * threads}
    if beside:
        answer.update(quantiles(beside_samples, "beside_"))
    print(json.dumps(answer))
