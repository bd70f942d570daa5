"""The writer of writer.c, from Python: the same arguments, the same work, the same answers."""
import json
import os
import random
import sys
import threading
import time
import uuid

import libweave as weave

PROJECT, LETTERS, SEED, THREADS, BURSTS, FINISHES = sys.argv[1:]
with open(LETTERS, encoding="ascii") as file:
    POOL = file.read()


def tell(*lines):
    text = "".join(f"{line}\n" for line in lines).encode()
    assert os.write(1, text) == len(text)


class Worker(threading.Thread):
    def __init__(self, client, number):
        super().__init__(daemon=True)
        self.client, self.number, self.objects, self.last = client, number, 0, None
        self.random, self.open, self.failure = random.Random(f"{SEED}:{number}"), [None] * 8, None

    def value(self):
        kind = self.random.random()
        length = self.random.randrange(*(50, 500) if kind < .7 else (1000, 8000) if kind < .94 else (8000, 100000))
        at = self.random.randrange(len(POOL) - length)
        return {"at": at, "length": length, "text": POOL[at:at + length]}

    def log_finished(self):
        self.last = self.client.log_call("finished", self.value(), 1)
        tell(f"c {self.last}")

    def start_or_end(self):
        place = self.random.randrange(len(self.open))
        call = self.open[place]
        if call is None:
            self.open[place] = call = self.client.create_call("live", self.value(), parent=None)
            tell(f"s {call.id}")
        else:
            call.finish(self.value())
            self.open[place] = None
            tell(f"e {call.id}")

    def give_feedback(self):
        if self.last:
            target = f"weave:///{PROJECT}/call/{self.last}"
            tell(f"f {weave.add_feedback(target, 'custom', self.value())}")

    def create_object(self):
        name = f"o{int(SEED):x}-{self.number}-{self.objects}"
        self.objects += 1
        self.client.create_object(name, self.value())
        tell(f"o {name}")

    def log_batch(self):
        ids = [str(uuid.uuid4()) for _ in range(10)]
        self.client.log_calls({"op_name": "batch", "id": one, "inputs": self.value()} for one in ids)
        tell(*(f"c {one}" for one in ids))

    def run(self):
        try:
            self.work()
        except BaseException as failure:
            self.failure = failure
            raise

    def work(self):
        choices = [self.log_finished, self.start_or_end, self.give_feedback, self.create_object, self.log_batch]
        for _ in range(int(BURSTS)):
            large = self.random.randrange(5) == 0
            for _ in range(self.random.randrange(50, 300) if large else self.random.randrange(1, 11)):
                self.random.choices(choices, (55, 32, 6, 4, 3))[0]()
            if self.number == 0 and self.random.randrange(3) == 0:
                self.client.flush()
            time.sleep(self.random.random() * 0.02)


client = weave.init(PROJECT)
workers = [Worker(client, number) for number in range(int(THREADS))]
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
if any(worker.failure for worker in workers):
    os._exit(1)
if FINISHES == "1":
    tell("F")
    weave.finish()
    tell("G")
os._exit(0)  # without the interpreter's own end: the rest is the next start's
