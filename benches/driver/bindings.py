"""What the way into C costs in each binding: its calls beside those of C, in turns, in one run."""
from .programs import rounds

ROUNDS = 5
PACED, COUNT = "every:50000", 20_000
#: The official client reaches no such rate.
SLOWER, FEWER = "every:2000000", 600
#: Bounds: of the ratio to C, of what is added to C, and of what is added to the encoder, in ns.
CPP_GOAL, GO_GOAL, PYTHON_GOAL = 1.1, 150, 3_000


def measure(programs, report):
    report.section("The way into C (fixed, paced, median; nanoseconds)")
    there = [name for name in ("c", "c++", "go", "python") if programs.has(name)]
    tasks = {name: lambda name=name: programs.run(name, "fixed", PACED, 1, COUNT) for name in there}
    if programs.has("official client"):
        tasks["official client"] = lambda: programs.run("official client", "fixed", SLOWER, 1, FEWER)
    answers = rounds(ROUNDS, tasks)
    c = answers["c"]["p50"]
    report.add("bindings: C: median", c, "ns")
    if "c++" in answers:
        report.add("bindings: C++: median", answers["c++"]["p50"], "ns", ("C", c), CPP_GOAL)
    if "go" in answers:
        report.add("bindings: Go: median", answers["go"]["p50"], "ns", ("C", c))
        report.add("bindings: Go: median, above C", answers["go"]["p50"] - c, "ns", ("limit", GO_GOAL), 1)
    if "python" in answers:
        whole, encoder = answers["python"]["p50"], answers["python"]["beside_p50"]
        report.add("bindings: Python: median", whole, "ns", ("json.dumps of the same values", encoder))
        report.add("bindings: Python: median, above json.dumps", whole - encoder, "ns", ("limit", PYTHON_GOAL), 1)
    if "official client" in answers:
        report.add("bindings: official Python client, one call in 2 ms: median", answers["official client"]["p50"], "ns")
