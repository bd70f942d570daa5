"""What a sync costs, what limits it and how it ends: with a server that only counts, the local Weave server, none."""
import os
import shutil
import sys
import time

from .programs import rounds
from .servers import absent, closing, counting, processor_time, waiting_time, weave

ROUNDS = 3
#: Some 350 and 220 MB of lines.
CALLS = {"fixed": 400_000, "mixed": 60_000}
MIB, NS = 1 << 20, 1e9
RATE, CPU, MEMORY = ("limit", 300_000), 2, ("limit", 64)
#: Megabytes of data files, and the seconds after which no more are logged.
BACKLOG, LOGGING = int(os.environ.get("BACKLOG") or 2000), 60
APART = 200_000
#: The local Weave server takes some hundreds a second.
SERVED, CORE, BUSY = 3000, ("one core", 1), 0.9
KEPT, ENDS = 20_000, ("limit", 5)


def measure(programs, report):
    report.section("Sync")
    if not programs.has("rust"):
        return
    for load, count in CALLS.items():
        to_a_counting_server(programs, report, load, count)
    backlog(programs, report)
    apart(programs, report)
    if programs.has("local Weave server"):
        to_the_weave_server(programs, report)
    without_a_server(programs, report)


def to_a_counting_server(programs, report, load, count):
    logged = programs.directory(load)
    programs.run("rust", load, "back", 1, count, logged)

    def synced():
        copy = shutil.copytree(logged, programs.directory(f"{load}-copy"), dirs_exist_ok=True)
        answer = counted(programs, copy, count)
        shutil.rmtree(copy)
        return answer

    def plain():
        with counting(programs) as (url, _):
            return programs.suite("plain", logged, url)

    answers = rounds(ROUNDS, {"sync": synced, "plain": plain})
    shutil.rmtree(logged)
    sync, plain = answers["sync"], answers["plain"]
    rate, judged = count / sync["seconds"], load == "fixed"
    report.add(f"sync: {load}: to a server that only counts", rate, "calls/s",
               ("unpacking and posting the same bytes", count / plain["seconds"]))
    if judged:
        report.add(f"sync: {load}: to a server that only counts, at least", rate, "calls/s", RATE, 1)
    report.add(f"sync: {load}: processor time of a byte", sync["cpu"] * NS / plain["bytes"], "ns",
               ("unpacking and posting it", plain["cpu"] * NS / plain["bytes"]), CPU if judged else None)
    report.add(f"sync: {load}: processor time of a call", sync["cpu"] * NS / count, "ns")
    report.add(f"sync: {load}: processor time of a call in that server", sync["server"] * NS / count, "ns")
    report.add(f"sync: {load}: connections", sync["connections"], "connections")
    report.add(f"sync: {load}: peak memory", sync["peak"] / MIB, "MiB", MEMORY, 1)


def counted(programs, directory, count):
    """Sends a directory to a server that only counts; everything must arrive there once."""
    with counting(programs) as (url, there):
        answer = programs.suite("sync", directory, url)
    if answer["status"] is not None or there["calls"] != count:
        sys.exit(f"a sync of {count} calls sent {there['calls']} and ended with {answer['status']}: {answer['text']}")
    return {"seconds": answer["seconds"], "cpu": answer["cpu"], "peak": answer["peak"], "server": there["cpu"],
            "connections": there["connections"]}


def backlog(programs, report):
    directory = programs.directory("backlog")
    if shutil.disk_usage(directory).free < BACKLOG * 1.5e6 + 1e9:
        print(f"skipped: a backlog of {BACKLOG} MB; there is no room for it in {directory}")
        return
    logged = programs.suite("backlog", programs.load("fixed"), directory, BACKLOG, LOGGING)
    if logged["bytes"] < BACKLOG * 1e6:
        print(f"the backlog has less than {BACKLOG} MB: more could not be logged in {LOGGING} s")
    answer = counted(programs, directory, logged["count"])
    shutil.rmtree(directory)
    report.add("sync: backlog: size", logged["bytes"] / 1e6, "MB")
    report.add("sync: backlog: peak memory", answer["peak"] / MIB, "MiB", MEMORY, 1)
    report.add("sync: backlog: to a server that only counts", logged["count"] / answer["seconds"], "calls/s")


def apart(programs, report):
    """Calls that all began before the first one ended."""
    directory = programs.directory("apart")
    programs.suite("apart", programs.load("fixed"), directory, APART)
    answer = counted(programs, directory, APART)
    shutil.rmtree(directory)
    report.add("sync: halves apart: peak memory", answer["peak"] / MIB, "MiB", MEMORY, 1)
    report.add("sync: halves apart: to a server that only counts", APART / answer["seconds"], "calls/s")


def to_the_weave_server(programs, report):
    logged = programs.directory("served")
    programs.run("rust", "fixed", "back", 1, SERVED, logged)
    with weave(programs, programs.directory("server")) as (url, server):
        began, before, waited = time.monotonic(), processor_time(server), waiting_time(server)
        answer = programs.suite("sync", logged, url)
        took = time.monotonic() - began
        busy, waited = (processor_time(server) - before) / took, (waiting_time(server) - waited) / took
    if answer["status"] is not None:
        sys.exit(f"the sync with the local Weave server ended with {answer['status']}: {answer['text']}")
    report.add("sync: local Weave server: rate", SERVED / answer["seconds"], "calls/s")
    report.add("sync: local Weave server: the server is busy on", busy, "cores", CORE, BUSY)
    report.add("sync: local Weave server: the server waits for", waited, "cores")
    report.add("sync: local Weave server: the sync is busy on", answer["cpu"] / answer["seconds"], "cores")


def without_a_server(programs, report):
    logged = programs.directory("kept")
    programs.run("rust", "fixed", "back", 1, KEPT, logged)
    for about, server in (("nobody listens", absent), ("connections are closed at once", closing)):
        with server() as url:
            answer = programs.suite("sync", logged, url)
        if answer["status"] != "Network":
            sys.exit(f"{about}: the sync ended with {answer['status']}: {answer['text']}")
        report.add(f"sync: {about}: until it ends", answer["seconds"], "s", ENDS, 1)
    with counting(programs) as (url, there):
        programs.suite("sync", logged, url)
    report.add("sync: after both: lost", KEPT - there["calls"], "calls", ("logged", KEPT), 0)
