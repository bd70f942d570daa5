"""Many journeys, each a row of steps drawn by chance: programs log, sticks are packed, unpacked and carried back in any
order, to two machines, the device is online now and then, and whatever runs may be killed. `JOURNEYS` and `SEED` make
more of them, and others."""
import os
import random
import subprocess
import time

import harness
import pytest

from .test_carrying import Journey

JOURNEYS = int(os.environ.get("JOURNEYS", "3"))
STEPS = 30
OPEN_NOW = {"WEAVE_OPEN_CALL_AGE": "0", "WEAVE_HTTP_TIMEOUT": "1"}


class Chance:
    """One journey: what is done next, and what was logged."""

    def __init__(self, journey, seed):
        self.journey, self.random, self.ids, self.bad = journey, random.Random(seed), [], []
        self.open, self.program = [], None
        self.sticks = [journey.directory / "one", journey.directory / "two"]
        self.done = []

    def command(self, *arguments, home, online=False, kill=True):
        """Runs a command, or kills it; it may be told that there is nothing to be done."""
        environment = {**harness.client_environment(home, self.journey.server if online else None), **OPEN_NOW}
        command = [str(part) for part in (self.journey.binary, *arguments)]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        is_killed = kill and self.random.random() < 0.3
        if is_killed:
            time.sleep(self.random.uniform(0, 0.15))
            process.kill()
        stdout, stderr = process.communicate(timeout=120)
        self.done.append((process.returncode, *command[1:]))
        assert process.returncode in (0, 1, 2, -9) and "panic" not in stderr, stderr
        return stderr

    def log(self):
        if self.program is None:
            self.program = self.journey.device.program()
        self.ids += self.program("log", count=self.random.randint(1, 30))
        if self.random.random() < 0.5:
            self.open.append(f"call-{len(self.ids)}")
            self.ids.append(self.program("start", name=self.open[-1]))
        if self.open and self.random.random() < 0.4:
            self.program("end", name=self.open.pop(0))
        if self.random.random() < 0.3:
            self.bad.append(self.program("bad", text="poison"))
        if self.random.random() < 0.5:
            self.program("note", call=self.ids[0], text="n")
        self.program("flush")
        self.done.append("log")

    def end_program(self):
        if self.program:
            for name in self.open:
                self.program("end", name=name)
            self.program.__exit__(None)
            self.program, self.open = None, []
            self.done.append("end")

    def pack(self, **how):
        self.command("pack", self.random.choice(self.sticks), "-d", self.journey.device.offline_dir,
                     home=self.journey.device.home, **how)

    def unpack(self):
        self.command("unpack", self.random.choice(self.sticks), home=self.base())

    def receipt(self):
        self.command("receipt", self.random.choice(self.sticks), home=self.base())

    def base(self):
        return self.journey.base(self.random.choice(["base", "second"]))

    def sync_at_a_base(self):
        home = self.base()
        for directory in home.glob(".weave/unpacked/*"):
            self.command("sync", "-d", directory, home=home, online=True)

    def sync_on_the_device(self):
        self.command("sync", "-d", self.journey.device.offline_dir, home=self.journey.device.home, online=True)

    def go(self):
        steps = [self.log] * 4 + [self.pack] * 5 + [self.unpack] * 4 + [self.sync_at_a_base] * 3 + [self.receipt] * 4
        steps += [self.sync_on_the_device, self.end_program]
        self.log()
        for _ in range(STEPS):
            self.random.choice(steps)()
        self.end_program()

    def finish(self):
        """The last journey, with one stick and one base, undisturbed."""
        stick, journey = self.sticks[0], self.journey
        for _ in range(2):
            journey.run("pack", stick, "-d", journey.device.offline_dir)
            journey.run("unpack", stick, home=journey.base())
            journey.run("sync", "-d", journey.unpacked(), home=journey.base(), online=True, status={0, 1}, **OPEN_NOW)
            journey.run("receipt", stick, home=journey.base())
        journey.run("pack", stick, "-d", journey.device.offline_dir)


@pytest.mark.parametrize("seed", range(int(os.environ.get("SEED", "1")), int(os.environ.get("SEED", "1")) + JOURNEYS))
def test_whatever_way_records_take_each_is_on_the_server_once(tmp_path, server, command, project, seed):
    journey = Journey(tmp_path, server("--reject-marker", "poison"), command, project)
    chance = Chance(journey, seed)
    try:
        chance.go()
        chance.finish()
        calls = journey.check(chance.ids)
        assert [call for call in calls.values() if call["ended_at"] is None] == []
        assert journey.device.pending() == []
        assert sorted(journey.device.rejected()) == sorted(chance.bad)
    except AssertionError:
        print("\n".join(map(str, chance.done)))
        raise
    finally:
        if chance.program:
            chance.program.process.kill()
