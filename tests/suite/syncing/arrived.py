"""What writers said was accepted, what is on the server, and in what the two differ.

A writer tells lines "KIND NAME VALUE": `c` a finished call, `s` and `e` the ends of a live one, `r` a finished call
that a server may refuse, `u` a call's display name, `o` an object and `p` an op by their version, `t` a table by its
rows, `b` a file by its length, `f` feedback, `m` a model's price. What is on the server is read by its interface, or
by an official client.
"""
import collections
import json
import re

REF = re.compile(r"weave:///([^/]+/[^/]+)/(?:object|op)/([^:/]+):([^:/\"]+)")


class Told:
    """What was accepted of one project."""

    def __init__(self, lines):
        self.inputs, self.outputs, self.names, self.refusable = {}, {}, {}, set()
        self.objects, self.ops, self.tables, self.files = {}, {}, {}, {}
        self.feedback, self.costs = {}, set()
        for line in lines:
            kind, name, value = line.split(" ")
            getattr(self, f"_{kind}")(name, int(value) if value.isdigit() else value)
        self.count = sum(map(len, (self.inputs, self.outputs, self.names, self.objects, self.ops, self.tables,
                                   self.files, self.feedback, self.costs)))

    def _c(self, call, number):
        self.inputs[call] = self.outputs[call] = number

    def _r(self, call, number):
        self._c(call, number)
        self.refusable.add(call)

    def _s(self, call, number):
        self.inputs[call] = number

    def _e(self, call, number):
        self.outputs[call] = number

    def _u(self, call, name):
        self.names[call] = name

    def _o(self, name, version):
        self.objects[name] = version

    def _p(self, name, version):
        self.ops[name] = version

    def _t(self, digest, rows):
        self.tables[digest] = rows

    def _b(self, digest, length):
        self.files[digest] = length

    def _f(self, feedback, number):
        self.feedback[feedback] = number

    def _m(self, model, _):
        self.costs.add(model)


class Arrived:
    """A project on the server. `tables`, `files` and `writes` may be None: then nothing is known of them."""

    def __init__(self, calls, objects, feedback, costs, tables=None, files=None, writes=None):
        self.calls, self.objects, self.feedback, self.costs = calls, objects, feedback, costs
        self.tables, self.files, self.writes = tables, files, writes

    @classmethod
    def at(cls, server, project, told):
        """Ask the server."""
        here = {"project_id": project}
        objects = server.post("/objs/query", here)["objs"]
        for item in objects:
            if item["kind"] == "op":
                item["code"] = server.read("/file/content", {**here, "digest": item["val"]["files"]["obj.py"]}).decode()
        return cls([json.loads(line) for line in server.read("/calls/stream_query", here).splitlines()], objects,
                   server.post("/feedback/query", here)["result"], server.post("/cost/query", here)["results"],
                   {digest: len(server.post("/table/query", {**here, "digest": digest})["rows"])
                    for digest in told.tables},
                   {digest: cls._length(server, {**here, "digest": digest}) for digest in told.files},
                   server.writes())

    @staticmethod
    def _length(server, asked):
        try:
            return len(server.read("/file/content", asked))
        except AssertionError:  # the server does not have it
            return None

    @classmethod
    def read_back(cls, read):
        """From what readback.py saw; the code and the references of objects are as they were sent."""
        return cls(read["calls"], read["objects"], read["feedback"], read["costs"])

    def problems(self, told, project, set_aside=""):
        """Kind of problem → texts. `set_aside` is the text of the project's rejected records."""
        return {"lost": [*self._lost(told, set_aside)], "written twice": [*self._twice()],
                "content": [*self._content(told)], "references": [*self._dangling(project)]}

    def _lost(self, told, set_aside):
        calls = {call["id"]: call for call in self.calls}
        for call in told.inputs:
            if (call in calls) == (call in told.refusable and call in set_aside):
                yield f"call {call} is {'both' if call in calls else 'neither'} on the server {self._and(told, call)}"
        for call in told.outputs:
            if call in calls and not calls[call]["ended_at"]:
                yield f"the end of call {call} is not on the server"
        for what, wanted, found in (
                ("feedback", told.feedback, {item["id"] for item in self.feedback}),
                ("the price of", told.costs, {item["llm_id"] for item in self.costs}),
                ("object", [*told.objects, *told.ops], {item["object_id"] for item in self.objects})):
            yield from (f"{what} {name} is not on the server" for name in wanted if name not in found)
        for what, wanted, found in (("table", told.tables, self.tables), ("file", told.files, self.files)):
            for name, size in wanted.items() if found is not None else ():
                if found[name] != size:
                    yield f"{what} {name} has {found[name]} rows or bytes on the server, not {size}"

    @staticmethod
    def _and(told, call):
        return "and among the rejected records" if call in told.refusable else ""

    def _twice(self):
        for (kind, name), times in (self.writes or {}).items():
            if times > 1:
                yield f"the {kind} of {name} was written {times} times"
        for what, names in (("call", [call["id"] for call in self.calls]),
                            ("feedback", [item["id"] for item in self.feedback]),
                            ("the price of", [item["llm_id"] for item in self.costs])):
            yield from (f"{what} {name} is there {times} times"
                        for name, times in collections.Counter(names).items() if times > 1)

    def _content(self, told):
        for call in self.calls:
            name, output = call["id"], call["output"]
            if name not in told.inputs:
                yield f"call {name} was never told of"
                continue
            number = told.inputs[name]
            text = call["inputs"].get("text")
            if call["inputs"].get("n") != number or text.strip("abcdefghijklmnopqrstuvwxyz"[number % 26]):
                yield f"call {name} has the inputs {json.dumps(call['inputs'])[:200]}, not those of {number}"
            wanted = {"n": told.outputs[name]} if name in told.outputs else None
            if output != wanted:
                yield f"call {name} has the output {json.dumps(output)[:200]}, not {wanted}"
            if call["display_name"] != told.names.get(name):
                yield f"call {name} has the display name {call['display_name']}, not {told.names.get(name)}"
        for item in self.feedback:
            if item["payload"] != {"n": told.feedback.get(item["id"])}:
                yield f"feedback {item['id']} has the payload {item['payload']}"
        latest = [item for item in self.objects if item["is_latest"]]
        versions = {item["object_id"]: item["val"]["version"] for item in latest if item["kind"] != "op"}
        ops = {item["object_id"]: int(item["code"].rsplit(" ", 1)[1]) for item in latest if item["kind"] == "op"}
        for found, wanted in ((versions, told.objects), (ops, told.ops)):
            for name, version in wanted.items():
                if found.get(name, version) != version:
                    yield f"the latest version of {name} is {found[name]}, not {version}"

    def _dangling(self, project):
        known = {(project, item["object_id"], item["digest"]) for item in self.objects}
        calls = [call.get("raw", call) for call in self.calls]
        for what, value in [*((f"call {call['id']}", [call["op_name"], call["inputs"]]) for call in calls),
                            *((f"object {item['object_id']}", item["val"]) for item in self.objects)]:
            yield from (f"{what} refers to {found}, which is not there" for found in REF.findall(json.dumps(value))
                        if found not in known)
