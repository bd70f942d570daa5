"""The writer of writer.c, from Python: the same arguments, the same work, the same answers."""
import os
import random
import sys
import threading
import time

import libweave as weave

PROJECT, SEED, THREADS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
NEAR, FAR, OBJECTS = 6, 30, 3
stopped = threading.Event()


def tell(*words):
    line = (" ".join(map(str, words)) + "\n").encode()
    assert os.write(1, line) == len(line)


class Worker(threading.Thread):
    def __init__(self, client, number):
        super().__init__()
        self.client, self.thread, self.number, self.failure = client, number, number * 1000000, None
        self.random, self.open, self.recent = random.Random(f"{SEED}:{number}"), [None] * (NEAR + FAR), [None] * 8
        self.op, self.refs, self.versions, self.op_version = None, [None] * OBJECTS, [0] * OBJECTS, 0

    def next(self):
        self.number += 1
        return self.number

    def inputs(self, number, **more):
        length = self.random.randrange(200 if self.random.randrange(20) else 8000)
        ref = self.random.choice(self.refs)
        if ref and self.random.randrange(4) == 0:
            more["object"] = ref
        return {"n": number, **more, "text": "abcdefghijklmnopqrstuvwxyz"[number % 26] * length}

    def op_name(self):
        return self.op if self.op and self.random.randrange(2) else "act"

    def keep(self, call):
        self.recent[self.random.randrange(len(self.recent))] = call

    def log_finished(self):
        number = self.next()
        call = self.client.log_call(self.op_name(), self.inputs(number), {"n": number})
        tell("c", call, number)
        self.keep(call)

    def log_unacceptable(self):
        number = self.next()
        tell("r", self.client.log_call("act", self.inputs(number, **{"is": "UNACCEPTABLE"}), {"n": number}), number)

    def end_call(self, place):
        number, call = self.next(), self.open[place]
        call.finish({"n": number})
        tell("e", call.id, number)
        self.open[place] = None

    def start_or_end(self, place):
        if self.open[place]:
            return self.end_call(place)
        number = self.next()
        self.open[place] = call = self.client.create_call(self.op_name(), self.inputs(number), parent=None)
        tell("s", call.id, number)
        self.keep(call.id)

    def near(self):
        self.start_or_end(self.random.randrange(NEAR))

    def far(self):
        self.start_or_end(NEAR + self.random.randrange(FAR))

    def rename_call(self):
        call = self.random.choice(self.recent)
        if call:
            name = f"name-{self.next()}"
            self.client.update_call(call, name)
            tell("u", call, name)

    def give_feedback(self):
        call = self.random.choice(self.recent)
        if call:
            number = self.next()
            tell("f", weave.add_feedback(call, "custom", {"n": number}), number)

    def set_price(self):
        model = f"model-{SEED:x}-{self.thread}-{self.next()}"
        self.client.add_cost(model, 0.5, 0.25)
        tell("m", model, 1)

    def create_object(self):
        which = self.random.randrange(OBJECTS)
        version, name = self.versions[which], f"o{SEED:x}-{self.thread}-{which}"
        self.versions[which] += 1
        if which == 0:
            value = {"version": version, "before": self.refs[0] or ""}
        else:
            version %= 3
            value = {"version": version}
        self.refs[which] = str(self.client.create_object(name, value))
        tell("o", name, version)

    def create_op(self):
        self.op_version += 1
        name = f"p{SEED:x}-{self.thread}"
        self.op = str(self.client.create_op(name, f"def act():\n    return {self.op_version}\n"))
        tell("p", name, self.op_version)

    def create_table(self):
        number = self.next()
        rows = [{"of": f"{SEED:x}-{self.thread}", "n": number}, {"n": number + 1}, {"n": number + 2}]
        tell("t", str(self.client.create_table(rows)).rsplit("/", 1)[1], len(rows))

    def create_file(self):
        data = f"{SEED:x}-{self.thread}-{self.next()} ".encode() + b"." * self.random.randrange(2500)
        tell("b", self.client.create_file("notes.txt", data), len(data))

    def run(self):
        try:
            self.work()
        except BaseException as failure:
            self.failure = failure
            raise

    def work(self):
        choices = {self.log_finished: 420, self.near: 210, self.far: 70, self.rename_call: 90, self.give_feedback: 60,
                   self.set_price: 40, self.create_object: 40, self.create_op: 10, self.create_table: 20,
                   self.create_file: 35, self.log_unacceptable: 5}
        while not stopped.is_set():
            for _ in range(self.random.randrange(1, 9)):
                self.random.choices(list(choices), list(choices.values()))[0]()
            if self.random.randrange(4) == 0:
                self.client.flush()
            time.sleep(self.random.random() * 0.5)
        for place, call in enumerate(self.open):
            if call and self.random.randrange(2):
                self.end_call(place)


client = weave.init(PROJECT)
workers = [Worker(client, number) for number in range(THREADS)]
for worker in workers:
    worker.start()
while os.read(0, 64):
    pass
stopped.set()
for worker in workers:
    worker.join()
if any(worker.failure for worker in workers):
    os._exit(1)
weave.finish()
os._exit(0)  # without the interpreter's own end: it would only cost time
