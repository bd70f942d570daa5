"""What a call costs the thread that logs it, beside bare operations on the same schedule."""
from .programs import rounds

NAMES = {"rust": "Rust", "c": "C", "c++": "C++", "go": "Go", "python": "Python"}
#: The goals are those of the library's interface; the price of another language's way into C is shown beside them.
JUDGED = ("rust", "c", "c++")
ROUNDS = 3
#: load, name of the schedule, schedule, calls
PACED = "every:50000"
RUNS = [("fixed", "paced", PACED, 20_000), ("fixed", "200 000/s", "every:5000", 100_000),
        ("fixed", "back to back", "back", 60_000), ("mixed", "paced", PACED, 12_000), ("prompts", "paced", PACED, 12_000)]
MEASURES = [("p50", "median"), ("p99", "p99"), ("p999", "p99.9"), ("max", "max")]
#: Bounds of the ratio to the median of one write(2), and of `mixed` to checking and copying the same bytes.
GOALS = {"p50": 0.6, "p99": 2, "p999": 5}
MIXED_GOAL = 1.3
#: Python reaches no such rate.
UNREACHED = {("python", "200 000/s")}
#: Each thread logs 100 calls, then sleeps until 4 ms are over: the packer keeps up with eight of them.
BATCHES, CALLS_EACH = "batches:100:4000000", 10_000
CPU_GOAL = 1.3


def languages(programs):
    return [name for name in NAMES if programs.has(name)]


def measure(programs, report):
    report.section("A call on the caller's thread (nanoseconds)")
    for load, schedule, plan, count in RUNS:
        tasks = {name: lambda name=name: programs.suite(name, programs.load(load), programs.directory(name), plan, 1,
                                                         count) for name in ("write", "copy", "check")}
        subjects = [name for name in languages(programs) if (name, schedule) not in UNREACHED]
        tasks.update({name: lambda name=name: programs.run(name, load, plan, 1, count) for name in subjects})
        answers = rounds(ROUNDS, tasks)
        write, check = ("write(2) of 500 B", answers["write"]["p50"]), ("check and copy", answers["check"]["p50"])
        about = f"{load}, {schedule}"
        # What is written and copied is the same for all loads.
        for name, what in (("copy", "copy of 500 B"), ("write", "write(2) of 500 B"), ("check", "check and copy")):
            for key, quantile in MEASURES[:3]:
                if load == "fixed" or name == "check":
                    report.add(f"yardstick: {what}, {about}: {quantile}", answers[name][key], "ns")
        for name in subjects:
            for key, quantile in MEASURES:
                goal, yardstick = None, write
                if load == "fixed":
                    goal = GOALS.get(key) if name in JUDGED and schedule != "back to back" else None
                elif load == "mixed" and key == "p50":
                    goal, yardstick = (MIXED_GOAL if name in JUDGED else None), check
                elif key == "p50":
                    yardstick = check
                report.add(f"call: {NAMES[name]}, {about}: {quantile}", answers[name][key], "ns", yardstick, goal)
            if load == "mixed":
                report.add(f"call: {NAMES[name]}, {about}: mean", answers[name]["mean"], "ns",
                           ("check and copy, mean", answers["check"]["mean"]))
            if "beside_p50" in answers[name]:
                report.add(f"call: {NAMES[name]}, {about}: median beside its encoder", answers[name]["p50"], "ns",
                           ("json.dumps of the same values", answers[name]["beside_p50"]))


def threads(programs, report):
    report.section("Several threads that log (processor time of the thread per call; time per call back to back)")
    numbers = (1, 2, 4, 8)
    cpu = {(name, number): lambda name=name, number=number: programs.run(
        name, "fixed", BATCHES, number, CALLS_EACH * number) for name in languages(programs) for number in numbers}
    cpu.update({("check", number): lambda number=number: programs.suite(
        "check", programs.load("fixed"), programs.directory("check"), BATCHES, number, CALLS_EACH * number)
        for number in numbers})
    answers = rounds(ROUNDS, cpu)
    for name in ["check", *languages(programs)]:
        subject = f"threads: {NAMES[name]}, fixed" if name in NAMES else "yardstick: check and copy, fixed"
        one = ("1 thread", answers[name, 1]["cpu"])
        report.add(f"{subject}, 1 thread: processor time", one[1], "ns")
        for number in numbers[1:]:
            goal = CPU_GOAL if name in JUDGED and number <= 4 else None
            report.add(f"{subject}, {number} threads: processor time", answers[name, number]["cpu"], "ns", one, goal)
    walls = {(name, number): lambda name=name, number=number: programs.run(name, "fixed", "back", number, 40_000)
             for name in languages(programs) for number in numbers[1:]}
    answers = rounds(ROUNDS, walls)
    for (name, number), answer in answers.items():
        for key, quantile in MEASURES:
            report.add(f"threads: {NAMES[name]}, fixed, {number} threads back to back: {quantile}", answer[key], "ns")
