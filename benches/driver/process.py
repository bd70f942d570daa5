"""What the library costs the process that it lives in."""
JOURNAL = 64 << 20
#: A call takes about 600 B of journal.
CALLS = 10 * JOURNAL // 600
MIB = 1 << 20
BESIDE_JOURNAL, AT_REST = 16 * MIB, MIB
CLIENTS = [("1 client at rest", 1, 1), ("20 clients of one directory at rest", 20, 1),
           ("20 clients of 20 directories at rest", 20, 20)]
CORE, WAKEUPS, THREADS, SECONDS = 0.001, 20, 1, 5


def measure(programs, report):
    report.section("The process")
    if not programs.has("rust"):
        return
    memory = programs.suite("memory", programs.load("fixed"), programs.directory("memory"), CALLS)
    report.add("process: ten journals logged at once: resident growth", memory["growth"] / MIB, "MiB",
               ("mapped journal and 16 MiB", (memory["mapped"] + BESIDE_JOURNAL) / MIB), 1)
    for about, clients, directories in CLIENTS:
        idle = programs.suite("idle", programs.directory("idle"), clients, directories, SECONDS)
        if clients == 1:
            # Pages of program files are shared by all processes and can be dropped at any time.
            report.add(f"process: {about}: memory of its own beside the journal", idle["anonymous"] / MIB, "MiB",
                       ("limit", AT_REST / MIB), 1)
            report.add(f"process: {about}: resident growth, the library's code included", idle["grown"] / MIB, "MiB")
            report.add(f"process: {about}: mapped journal", idle["mapped"] / MIB, "MiB")
        report.add(f"process: {about}: threads", idle["threads"], "threads", ("limit", THREADS), 1)
        report.add(f"process: {about}: of a core", idle["cpu"] * 100, "%", ("limit", CORE * 100), 1)
        report.add(f"process: {about}: wake-ups", idle["wakeups"], "a second", ("limit", WAKEUPS), 1)
