"""The figures: a table for people, a list for programs. A name is `section: subject: measure`."""
import json
import math

from .programs import TARGET

PATH = TARGET / "bench.json"
#: Of these more is better: their goal is a lower bound.
RATES = ("calls/s", "MB/s", "× smaller", "cores")


class Report:
    def __init__(self):
        self.figures = []

    def section(self, title):
        print(f"\n{title}\n{'-' * len(title)}")

    def add(self, name, value, unit, yardstick=None, goal=None):
        """`yardstick` is a name and what it measured; `goal` bounds the ratio to it."""
        ratio = None
        if yardstick is not None and yardstick[1]:
            ratio = value / yardstick[1]
        met = None
        if goal is not None and ratio is not None:
            met = ratio >= goal if unit in RATES else ratio <= goal
        figure = {"name": name, "value": value, "unit": unit, "ratio": ratio, "goal": goal, "met": met,
                  "yardstick": yardstick and {"name": yardstick[0], "value": yardstick[1]}}
        self.figures.append({key: figure[key] for key in ("name", "value", "unit", "yardstick", "ratio", "goal", "met")})
        print(line(figure), flush=True)

    def finish(self):
        PATH.write_text(json.dumps(self.figures, indent=1, ensure_ascii=False) + "\n")
        judged = [figure for figure in self.figures if figure["met"] is not None]
        missed = [figure["name"] for figure in judged if not figure["met"]]
        print(f"\n{len(self.figures)} figures, {len(judged) - len(missed)} of {len(judged)} goals met; "
              f"written to {PATH}")
        for name in missed:
            print(f"  not met: {name}")


def line(figure):
    parts = [f"{figure['name']:<52} {shown(figure['value']):>9} {figure['unit']:<10}"]
    if figure["ratio"] is not None:
        yardstick = figure["yardstick"]
        parts.append(f"{shown(figure['ratio']):>8} × {yardstick['name']} ({shown(yardstick['value'])})")
    if figure["goal"] is not None:
        parts.append(f"  goal {bound(figure)}: {verdict(figure)}")
    return "".join(parts)


def bound(figure):
    """The goal as people write it."""
    return f"{'≥' if figure['unit'] in RATES else '≤'} {figure['goal']:g}"


def verdict(figure):
    return {True: "yes", False: "NO", None: "not known"}[figure["met"]]


def shown(number):
    """Three digits that count; whole numbers as they are."""
    if number == int(number):
        return f"{int(number):,}".replace(",", " ")
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{digits}f}".replace(",", " ")
