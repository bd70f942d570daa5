"""How fast records get into data files while the packer runs, and how many bytes they take there."""
import shutil

from .programs import rounds

ROUNDS = 3
LEVEL_UNDER_LOAD = 1
#: Some 300 MB of lines each. `full` is `fixed` with the reference of a published op in each call.
CALLS = {"full": 300_000, "mixed": 80_000}
RATE_GOAL, SIZE_GOAL, SLOW_SIZE_GOAL = 0.7, 1.05, 1.3
MOST_BYTES = 160
#: One call a millisecond, for ten seconds.
THOUSAND, SECONDS = "batches:1:1000000", 10
#: A minute at one call a second is 60 calls and a flush.
MINUTES = 10


def measure(programs, report):
    report.section("Into the data files")
    if not (programs.has("rust") and programs.has("c")):
        return
    for load, count in CALLS.items():
        kept = []

        def sustained(load=load, count=count, kept=kept):
            if kept:
                shutil.rmtree(kept.pop())
            kept.append(programs.directory("sustained"))
            return programs.run("c", load, "back", 1, count, kept[0])

        def compressor(kept=kept):
            return programs.suite("rate", kept[0], LEVEL_UNDER_LOAD)

        answers = rounds(ROUNDS, {"logged": sustained, "compressor": compressor})
        rate = answers["logged"]["count"] / answers["logged"]["drained"]
        report.add(f"disk: {load}: logged until all is on the disk", rate, "calls/s",
                   (f"compressor alone at level {LEVEL_UNDER_LOAD}", answers["compressor"]["lines"]), RATE_GOAL)
        report.add(f"yardstick: compressor alone, {load} lines: rate", answers["compressor"]["mb"], "MB/s")
        sizes(programs, report, f"{load}, at full rate", kept[0], SIZE_GOAL, load == "full")
        if load == "full":
            compressors(report, programs.suite("compressors", kept[0]))
        shutil.rmtree(kept[0])
    directory = programs.directory("thousand")
    programs.run("c", "full", THOUSAND, 1, 1000 * SECONDS, directory)
    sizes(programs, report, "full, 1 000 calls/s", directory, SIZE_GOAL, True)
    directory = programs.directory("slow")
    programs.suite("flushed", programs.load("full"), directory, MINUTES, 60)
    sizes(programs, report, "full, 1 call/s (60 and a flush, ten times)", directory, SLOW_SIZE_GOAL, False)


def sizes(programs, report, subject, directory, goal, bounded):
    size = programs.suite("size", directory, 0)
    each = size["disk"] / size["records"]
    report.add(f"disk: {subject}: a call", each, "B",
               (f"one gzip stream at level {size['level']}", size["stream"] / size["records"]), goal)
    if bounded:
        report.add(f"disk: {subject}: a call, at most", each, "B", ("limit", MOST_BYTES), 1)
    report.add(f"disk: {subject}: a call as a line", size["raw"] / size["records"], "B")


def compressors(report, answers):
    """Why members are written by libdeflate, although flate2 is there too."""
    for level, answer in answers.items():
        ours, other = answer["libdeflate"], answer["flate2"]
        report.add(f"compressor: libdeflate, level {level}: rate", ours["mb"], "MB/s", ("flate2", other["mb"]))
        report.add(f"compressor: libdeflate, level {level}: lines become", ours["smaller"], "× smaller",
                   ("flate2", other["smaller"]))
