"""How fast a sync goes to a server that only counts."""
from .programs import rounds

CALLS = 100_000


def measure(programs, report):
    report.section("Sync")
    if programs.has("rust"):
        answer = rounds(3, {"sync": lambda: programs.suite(
            "sync", programs.load("fixed"), programs.directory("sync"), CALLS)})["sync"]
        report.add("sync: fixed: to a server that only counts", answer["rate"], "calls/s",
                   ("unpacking and posting the same bytes", answer["plain"]))
