#!/usr/bin/env python3
"""Puts the figures of the last `make bench` into the pages, between their marks: `make bench-table`.

A mark is `<!-- bench NAME -->`, the end `<!-- bench end -->`; NAME is a table of TABLES. Tables whose sections were not
measured stay as they are."""
import json
import pathlib
import re
import sys

from driver.report import PATH, bound, shown, verdict

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = ["README.md", "docs/benchmarks.md"]
#: Rows of the README's table: figures, and what they are called there.
MAIN = [
    ("call: C, fixed, paced: median", "a call on the caller's thread, one in 50 µs: median"),
    ("call: C, fixed, paced: p99", "… p99"),
    ("call: C, fixed, paced: p99.9", "… p99.9"),
    ("call: C, fixed, 200 000/s: median", "the same, back to back at 200 000 a second: median"),
    ("call: C, fixed, 200 000/s: p99", "… p99"),
    ("call: C, fixed, 200 000/s: p99.9", "… p99.9"),
    ("call: C, mixed, paced: median", "larger calls of all kinds: median"),
    ("threads: C, fixed, 4 threads: processor time", "four threads: processor time of each per call"),
    ("disk: full: logged until all is on the disk", "sustained, all on the disk"),
    ("disk: full, at full rate: a call", "a call on the disk, at full rate"),
    ("disk: full, 1 call/s (60 and a flush, ten times): a call", "a call on the disk, at one a second"),
    ("process: ten journals logged at once: resident growth", "memory, while ten times the journal is logged"),
    ("process: 1 client at rest: wake-ups", "a client at rest: wake-ups"),
    ("sync: fixed: to a server that only counts, at least", "a sync, to a server that only counts"),
    ("sync: fixed: processor time of a byte", "its processor time for each byte of lines"),
    ("sync: backlog: peak memory", "its peak memory, while it sends a large backlog"),
    ("sync: nobody listens: until it ends", "its end where no server listens"),
]
QUANTILES = ["median", "p99", "p99.9", "max"]
PEER_COLUMNS = ["median, paced", "p99, paced", "p99.9, paced", "logged until all is written", "a call on disk",
                "lost by kill -9 after a burst"]


def value(figure):
    """A figure as people write it."""
    number, unit = figure["value"], figure["unit"]
    if unit == "ns" and number >= 1000:
        return f"{shown(number / 1000)} µs" if number < 1e6 else f"{shown(number / 1e6)} ms"
    return f"{shown(number)}{'' if unit == '%' else ' '}{unit}"


def compared(figure):
    if figure["ratio"] is None:
        return ""
    yardstick = figure["yardstick"]
    return f"{shown(figure['ratio'])} × {yardstick['name']} ({value({**figure, 'value': yardstick['value']})})"


def judged(figure):
    return "" if figure["goal"] is None else f"{bound(figure)}: {verdict(figure).lower()}"


def table(head, rows):
    aligned = ["---" if not name.startswith(">") else "---:" for name in head]
    lines = [[name.lstrip(">") for name in head], aligned, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def of_figures(rows):
    return table(["Figure", ">Value", "Ratio to yardstick", "Goal"],
                 [[name, value(figure), compared(figure), judged(figure)] for name, figure in rows])


def main_table(figures):
    return of_figures([(name, figures[key]) for key, name in MAIN if key in figures])


def matrix(figures, prefix, columns, head, cell):
    """One row for each subject, one column for each measure."""
    subjects = {}
    for name, figure in figures.items():
        section, subject, measure = name.split(": ", 2)
        if section == prefix and measure in columns:
            subjects.setdefault(subject, {})[measure] = figure
    return table(head, [[subject, *(cell(row[column]) if column in row else "" for column in columns)]
                        for subject, row in subjects.items()])


def with_ratio(figure):
    if figure["ratio"] is None or figure["goal"] is None:
        return value(figure)
    return f"{value(figure)} ({shown(figure['ratio'])} ×, {judged(figure)})"


def calls(figures):
    return matrix(figures, "call", QUANTILES, ["Calls", ">Median", ">p99", ">p99.9", ">Longest"], with_ratio)


def threads(figures):
    return matrix(figures, "threads", QUANTILES, ["Threads", ">Median", ">p99", ">p99.9", ">Longest"], value)


def peers(figures):
    return matrix(figures, "peer", PEER_COLUMNS,
                  ["Design", ">Median", ">p99", ">p99.9", ">Written", ">On disk a call", ">Lost by kill -9"], value)


def others(figures):
    """Everything that has no table of its own."""
    def shown_elsewhere(name):
        section, _, measure = name.split(": ", 2)
        return section in ("call", "threads") and measure in QUANTILES or section in ("peer", "bindings", "command")
    return of_figures([(name, figure) for name, figure in figures.items() if not shown_elsewhere(name)])


def section(name):
    """A table of one section's figures, without its name before each."""
    return lambda figures: of_figures([(key.split(": ", 1)[1], figure) for key, figure in figures.items()
                                       if key.startswith(f"{name}: ")])


#: Each table, and the sections of a run that it is made of: one that was not measured leaves it as it is.
TABLES = {"main": (main_table, {"call", "threads", "disk", "process", "sync"}), "calls": (calls, {"call"}),
          "bindings": (section("bindings"), {"bindings"}), "threads": (threads, {"threads"}),
          "peers": (peers, {"peer"}), "command": (section("command"), {"command"}),
          "others": (others, {"call", "threads", "disk", "process", "sync"})}


def main():
    if not PATH.exists():
        sys.exit(f"{PATH} is not there: run `make bench` first")
    figures = {figure["name"]: figure for figure in json.loads(PATH.read_text())}
    measured = {name.split(": ", 1)[0] for name in figures}

    def filled(found):
        make, sections = TABLES[found[2]]
        return f"{found[1]}{make(figures)}\n{found[3]}" if sections <= measured else found[0]

    for page in PAGES:
        path = ROOT / page
        path.write_text(re.sub(r"(<!-- bench (\w+) -->\n).*?(<!-- bench end -->)", filled, path.read_text(),
                               flags=re.DOTALL))


if __name__ == "__main__":
    main()
