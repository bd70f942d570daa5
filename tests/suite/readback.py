"""Reads a project with an official client and writes what it sees as JSON: readback.py ENTITY/PROJECT OUTPUT.

Each call appears as the client's user sees it (references followed, images decoded) and as the server sent it ("raw").
Runs under weave 0.52.20 and 0.54.0 and imports nothing of the suite."""
import collections.abc as abc
import datetime
import enum
import hashlib
import json
import sys

import weave
from weave.trace.refs import Ref
from weave.trace.vals import WeaveObject

try:  # 0.52.20 passes requests as models, later clients as dictionaries
    from weave.trace_server import trace_server_interface as models
except ImportError:
    models = None


def mend_streamed_reads():
    """0.52.20 hands `auth` to httpx's build_request, which does not take it, whenever it streams: give it to the HTTP
    client as a whole instead."""
    import os

    from weave.utils import http_requests

    build = http_requests.client.build_request
    http_requests.client.build_request = lambda *given, auth=None, **named: build(*given, **named)
    http_requests.client.auth = ("api", os.environ["WANDB_API_KEY"])


def request(model, **fields):
    return getattr(models, model)(**fields) if models else fields


def dumped(item):
    return item.model_dump(mode="json", by_alias=True) if hasattr(item, "model_dump") else item


def is_ref(value):
    return isinstance(value, Ref)


def plain(value):
    """A value of the client as JSON, special kinds as {"$kind": …}. A kind that it does not know is an error."""
    name = type(value).__name__
    if value is None or (name == "BoxedNone" and value.val is None):
        return None
    if name == "BoxedBool" or isinstance(value, bool):
        return bool(value)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if is_ref(value):
        return {"$ref": value.uri() if callable(value.uri) else value.uri}
    if isinstance(value, datetime.datetime):
        return {"$time": value.isoformat()}
    if hasattr(value, "tobytes") and hasattr(value, "convert"):  # a PIL image, of whatever decoder
        pixels = value.convert("RGBA").tobytes()
        return {"$image": {"size": list(value.size), "rgba": hashlib.sha256(pixels).hexdigest()}}
    if name == "Content":
        return {"$content": {"filename": value.filename, "mimetype": value.mimetype,
                             "sha256": hashlib.sha256(value.data).hexdigest()}}
    if isinstance(value, abc.Mapping):
        return {str(plain(k)): plain(value[k]) for k in value}
    if isinstance(value, (abc.Sequence, weave.Table)) or name in ("WeaveTable", "WeaveList"):
        return [plain(v) for v in value]
    if isinstance(value, weave.Dataset):
        return {"$dataset": {"name": plain(value.name), "description": plain(value.description),
                             "rows": [plain(row) for row in value.rows]}}
    if isinstance(value, WeaveObject):
        return {"$object": plain({k: v for k, v in vars(value._val).items() if not k.startswith("_")})}
    raise TypeError(f"cannot show {type(value)!r}: {value!r}")


class Project:
    def __init__(self, client, project_id):
        self.client, self.id, self.server = client, project_id, client.server

    def file(self, digest):
        return self.server.file_content_read(request("FileContentReadReq", project_id=self.id, digest=digest)).content

    def files_in(self, value):
        """Sizes and SHA-256 of the files that a raw value names, at any depth: digest → …"""
        found = {}
        if isinstance(value, dict):
            if value.get("_type") == "CustomWeaveType":
                for name, digest in (value.get("files") or {}).items():
                    content = self.file(digest)
                    found[name] = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for item in value.values():
                found.update(self.files_in(item))
        elif isinstance(value, list):
            for item in value:
                found.update(self.files_in(item))
        return found

    def calls(self):
        raw = {}
        for call in self.server.calls_query_stream(request("CallsQueryReq", project_id=self.id, include_costs=True)):
            call = dumped(call)
            raw[call["id"]] = call
        calls = []
        for call in self.client.get_calls(include_costs=True, include_feedback=True):
            calls.append({
                "id": call.id, "trace_id": call.trace_id, "parent_id": call.parent_id, "op_name": call.op_name,
                "display_name": call.display_name, "thread_id": call.thread_id, "turn_id": call.turn_id,
                "inputs": plain(call.inputs), "output": plain(call.output), "exception": call.exception,
                "summary": plain(call.summary), "attributes": plain(call.attributes),
                "started_at": plain(call.started_at), "ended_at": plain(call.ended_at),
                "files": self.files_in([raw[call.id]["inputs"], raw[call.id].get("output")]), "raw": raw[call.id]})
        return calls

    def objects(self):
        """Every version of every object and op: its raw value, an op's code, and what the client makes of an object."""
        found = []
        for item in self.server.objs_query(request("ObjQueryReq", project_id=self.id)).objs:
            item = dumped(item)
            read = self.server.obj_read(request("ObjReadReq", project_id=self.id, object_id=item["object_id"],
                                                digest=item["digest"])).obj
            value = dumped(read)["val"]
            kept = ("object_id", "digest", "kind", "base_object_class", "version_index", "is_latest")
            entry = {**{key: item[key] for key in kept}, "val": value}
            if item["kind"] == "op":
                entry["code"] = self.file(value["files"]["obj.py"]).decode()
            else:
                uri = f"weave:///{self.id}/object/{item['object_id']}:{item['digest']}"
                entry["decoded"] = plain(weave.ref(uri).get())
            found.append(entry)
        return found

    def feedback(self):
        return [{"id": item.id, "type": item.feedback_type, "payload": plain(item.payload), "weave_ref": item.weave_ref,
                 "creator": item.creator} for item in self.client.get_feedback(limit=1000)]

    def costs(self):
        return [dumped(cost) for cost in self.client.query_costs(limit=1000)]


def main():
    project_id, output = sys.argv[1:]
    if weave.__version__ == "0.52.20":
        mend_streamed_reads()
    project = Project(weave.init(project_id), project_id)
    seen = {"client": weave.__version__, "calls": project.calls(), "objects": project.objects(),
            "feedback": project.feedback(), "costs": project.costs()}
    with open(output, "w", encoding="utf-8") as file:
        json.dump(seen, file, allow_nan=False)


if __name__ == "__main__":
    main()
