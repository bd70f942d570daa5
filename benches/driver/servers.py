"""Servers to sync with: one that only counts, the local Weave server, and two that fail."""
import contextlib
import json
import os
import socket
import subprocess
import threading
import time

START_LIMIT = 120


@contextlib.contextmanager
def counting(programs):
    """The suite's `sink`: its address, and a dictionary that has what it counted once the block is left."""
    process, counted = programs.start(programs.suite_command("sink")), {}
    try:
        yield json.loads(process.stdout.readline())["url"], counted
        counted.update(json.loads(process.communicate(timeout=60)[0]))
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def weave(programs, directory):
    """The local Weave server: its address and its process."""
    address = unused()
    process = programs.start([*programs.command_of("local Weave server"), "--port", str(address[1]),
                              "--db", str(directory / "server.db")])
    try:
        wait_until_it_listens(process, address)
        yield url(address), process
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def closing():
    """The address of a server that accepts each connection and closes it at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield url(listener.getsockname())
        # Closing alone does not wake the thread.
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def absent():
    """An address where nobody listens."""
    yield url(unused())


def unused():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()


def url(address):
    return f"http://{address[0]}:{address[1]}"


def wait_until_it_listens(process, address):
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(address):
            return
        time.sleep(0.05)
    raise subprocess.SubprocessError(f"{' '.join(process.args)} does not start")


def processor_time(process):
    """Seconds that the threads of a running process spent on a core, in the kernel too."""
    with open(f"/proc/{process.pid}/stat") as stat:
        # The name, in parentheses, may hold blanks. utime and stime are the 14th and 15th field.
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def waiting_time(process):
    """Seconds that its threads could have run and had no core, since others ran there."""
    waited = 0
    for thread in os.listdir(f"/proc/{process.pid}/task"):
        # A thread may have ended meanwhile.
        with contextlib.suppress(OSError), open(f"/proc/{process.pid}/task/{thread}/schedstat") as times:
            waited += int(times.read().split()[1])
    return waited / 1e9
