"""The library and its peers under the same load: what a call costs, how fast records are written, how many bytes they
take, and how many of those accepted are gone when the process is killed."""
import gzip
import json
import shutil
import statistics
import zlib

from .programs import rounds

ROUNDS = 3
#: program, its name in the table, pace in ns, calls at that pace, calls back to back, calls of a burst
FAST, SLOW = (50_000, 20_000, 100_000, 20_000), (2_000_000, 600, 2_000, 2_000)
PEERS = [("c", "libweave from C", FAST), ("spdlog", "spdlog, asynchronous, rotating files (C++)", FAST),
         ("tracing", "tracing, non-blocking (Rust)", FAST), ("zap", "zap, rotating gzip (Go)", FAST),
         ("zerolog", "zerolog, rotating gzip (Go)", FAST), ("go", "libweave from Go", FAST),
         ("gzip per record", "gzip per record (Python)", (50_000, 10_000, 20_000, 20_000)),
         ("official client", "official client, write-ahead log (Python)", SLOW),
         ("python", "libweave from Python", (50_000, 10_000, 20_000, 20_000))]
LIBRARY = ("c", "go", "python")
#: These make ids of their own; the others get ids in the inputs, so that all lines tell as much.
NAMING = (*LIBRARY, "official client")


def load(program):
    return "fixed" if program in NAMING else "named"


def measure(programs, report):
    report.section("Peers, same load (fixed)")
    print("skipped: quill; no package of it is in the registries that are used")
    there = [(program, name, numbers) for program, name, numbers in PEERS if programs.has(program)]
    tasks, disk = {}, {program: [] for program, _, _ in there}
    for program, _, (pace, paced, back, _) in there:
        tasks[program, "paced"] = lambda program=program, pace=pace, paced=paced: programs.run(
            program, load(program), f"every:{pace}", 1, paced)
        tasks[program, "drained"] = lambda program=program, back=back: drained(programs, program, back, disk[program])
    answers = rounds(ROUNDS, tasks)
    for program, name, (_, _, _, burst) in there:
        for key, quantile in (("p50", "median"), ("p99", "p99"), ("p999", "p99.9")):
            report.add(f"peer: {name}: {quantile}, paced", answers[program, "paced"][key], "ns")
        answer = answers[program, "drained"]
        report.add(f"peer: {name}: logged until all is written", answer["count"] / answer["drained"], "calls/s")
        report.add(f"peer: {name}: a call on disk", statistics.median(disk[program]), "B")
        lost = lost_by_kill(programs, program, burst)
        report.add(f"peer: {name}: lost by kill -9 after a burst", lost, "calls", ("accepted", burst),
                   0 if program in LIBRARY else None)


def drained(programs, program, count, sizes):
    directory = programs.directory(program)
    answer = programs.run(program, load(program), "back", 1, count, directory)
    sizes.append(sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()) / count)
    shutil.rmtree(directory)
    return answer


def lost_by_kill(programs, program, burst):
    """Of calls that were accepted before the process killed itself, how many no reader finds."""
    directory = programs.directory(program)
    programs.killed(programs.command(program, load(program), directory, "burst", 1, burst))
    if program in LIBRARY:
        programs.suite("recover", directory)
    found = sum(calls_in(path) for path in directory.rglob("*") if path.is_file())
    shutil.rmtree(directory)
    return burst - found


def calls_in(path):
    """Whole lines that tell of a call's end, whatever the design's names for it."""
    count = 0
    for line in text_of(path).split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if isinstance(record, dict) and record.get("type", "call_end") in ("call_end", "call_complete"):
            count += 1
    return count


def text_of(path):
    """A file's text; of damaged gzip, what can be read before the damage."""
    if path.suffix == ".lock":
        return b""
    data = path.read_bytes()
    if path.suffix != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error):
        return readable_part(data)


def readable_part(data):
    text = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            text += member.decompress(data)
        except zlib.error:
            return text
        data = member.unused_data
    return text
