"""What the `weave` command costs on a large directory: the time until it has answered, and its peak memory."""
import datetime
import json
import os
import shutil
import subprocess
import time

from .programs import median

ROUNDS = 5
#: Some 100 MB of a data file each; one is logged, the others are copies of it under the names of the days before.
CALLS, FILES, MANY = 90_000, 100, 10_000
DAY = 86_400
STATUS, LS, SHOW, MEMORY = ("limit", 1), ("limit", 1), ("limit", 5), ("limit", 64)
MIB = 1 << 20


def measure(programs, report):
    report.section("The weave command")
    if not (programs.has("c") and programs.has("weave command")):
        return
    large = programs.directory("large")
    programs.run("c", "mixed", "back", 1, CALLS, large)
    logged = max(large.glob("*/*/calls/*.jsonl.gz"), key=lambda path: path.stat().st_size)
    room = shutil.disk_usage(large).free // logged.stat().st_size - 10
    one_day_each(logged, min(FILES, room), shutil.copy)
    size = sum(path.stat().st_size for path in logged.parent.iterdir()) / 1e9
    subject = f"{size:.0f} GB in {len(list(logged.parent.iterdir()))} files"
    newest = json.loads(answered(programs, large, "ls", "--calls", "-n", "1000", "--json").splitlines()[-1])["id"]
    for what, goal, line in [("status", STATUS, ["status"]), ("ls, the newest 100 traces", LS, ["ls", "-n", "100"]),
                             ("show, a call by its id", SHOW, ["show", newest])]:
        figures(programs, report, f"{subject}: {what}", goal, large, *line)
        figures(programs, report, f"{subject}: {what}, nothing in memory", goal, large, *line, is_cold=True)
    shutil.rmtree(large)
    many = programs.directory("many")
    programs.run("c", "mixed", "back", 1, CALLS // FILES, many)
    logged = max(many.glob("*/*/calls/*.jsonl.gz"), key=lambda path: path.stat().st_size)
    one_day_each(logged, MANY, os.link)
    figures(programs, report, f"{MANY} files: status", STATUS, many, "status")
    shutil.rmtree(many)
    carried(programs, report)


def one_day_each(logged, count, copy):
    """Copies of a data file, each of a day before, until there are so many files."""
    for days in range(1, count):
        then = time.time() - days * DAY
        day = datetime.datetime.fromtimestamp(then, datetime.timezone.utc).strftime("%Y%m%d")
        path = logged.with_name(f"{day}_0000.jsonl.gz")
        copy(logged, path)
        if copy is not os.link:
            os.utime(path, (then, then))


def figures(programs, report, subject, goal, directory, *arguments, is_cold=False):
    times, peaks = [], []
    for _ in range(ROUNDS):
        if is_cold:
            forget(directory)
        seconds, peak = measured(programs, directory, *arguments)
        times.append(seconds)
        peaks.append(peak)
    report.add(f"command: {subject}", median(times), "s", goal, 1)
    if not is_cold:
        report.add(f"command: {subject}: peak memory", median(peaks) / MIB, "MiB", MEMORY, 1)


def forget(directory):
    """Has the system forget what it holds of the files in memory."""
    os.sync()
    for path in directory.rglob("*.gz"):
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def measured(programs, directory, *arguments):
    """The seconds until a command has ended, and its peak of resident bytes, as it was last seen."""
    command = [*programs.command_of("weave command"), "-d", directory, *arguments]
    began, peak = time.monotonic(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        # What the system tells of a process that has ended includes this one, which it was forked from.
        peak = max(peak, resident(process.pid))
        time.sleep(0.002)
    assert process.returncode == 0, command
    return time.monotonic() - began, peak


def resident(process):
    try:
        with open(f"/proc/{process}/status") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")), 0)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def answered(programs, directory, *arguments):
    command = [*programs.command_of("weave command"), "-d", directory, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def carried(programs, report):
    """Packing, beside a copy; export, beside reading the files."""
    logged = programs.directory("carried")
    programs.run("c", "mixed", "back", 1, CALLS, logged)
    packed, copied, exported, read = [], [], [], []
    for number in range(ROUNDS):
        stick, copy = logged.with_name(f"stick-{number}"), logged.with_name(f"copy-{number}")
        packed.append(measured(programs, logged, "pack", stick)[0])
        copied.append(timed("cp", "-r", logged, copy))
        exported.append(measured(programs, logged, "export", "--jsonl", "/dev/null", "--force")[0])
        read.append(timed("sh", "-c", f"zcat '{logged}'/*/*/calls/*.gz >/dev/null"))
        shutil.rmtree(stick)
        shutil.rmtree(copy)
    report.add("command: 100 MB: pack", median(packed), "s", ("cp -r", median(copied)))
    report.add(f"command: {CALLS} calls: export as lines", median(exported), "s", ("zcat", median(read)))


def timed(*command):
    began = time.monotonic()
    subprocess.run(command, check=True)
    return time.monotonic() - began
