#!/usr/bin/env python3
"""The benchmark: `make bench`, or `make bench ONLY=call,disk` for some of its sections.

Prints a table and writes target/bench.json. docs/benchmarks.md says what each figure means."""
import argparse
import os
import platform
import shutil
import time

from driver import bindings, call, command, disk, peers, process, sync
from driver.programs import WORK, Programs
from driver.report import Report

SECTIONS = {"call": call.measure, "bindings": bindings.measure, "threads": call.threads, "disk": disk.measure,
            "process": process.measure, "sync": sync.measure, "command": command.measure, "peers": peers.measure}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help=f"sections, with commas: {', '.join(SECTIONS)}")
    chosen = [name for name in parser.parse_args().only.split(",") if name] or list(SECTIONS)
    if unknown := set(chosen) - set(SECTIONS):
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    cores = sorted(os.sched_getaffinity(0))
    began = time.monotonic()
    programs, report = Programs(), Report()
    print(f"{platform.machine()}, {len(cores[:2])} of {len(cores)} cores\n")
    try:
        for name, measure in SECTIONS.items():
            if name in chosen:
                measure(programs, report)
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
    report.finish()
    print(f"{time.monotonic() - began:.0f} s; machines differ and are noisy: compare ratios, not times")


if __name__ == "__main__":
    main()
