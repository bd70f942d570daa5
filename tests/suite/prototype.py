"""Writes the session of scenario.md in the format of the Python prototype of the offline mode: the same layout and
types, calls as pairs of start and end, one plain gzip stream for each file, the bytes of files under files/ID with
their records in files_metadata/."""
import base64
import datetime
import gzip
import hashlib
import json
import pathlib
import uuid

import scenario as s

ENTITY = "team"
BEGIN = datetime.datetime(2026, 1, 2, 3, 4, 5, 123456, datetime.timezone.utc)


def enc(content):
    text = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
    return text.replace("-", "X").replace("_", "Y").rstrip("=")


def digest(value):
    return enc(json.dumps(value, sort_keys=True).encode())


class Prototype:
    def __init__(self, offline_dir, project, compress=True):
        self.project_id, self.compress, self.records = f"{ENTITY}/{project}", compress, {}
        self.directory = pathlib.Path(offline_dir) / ENTITY / project
        (self.directory / "files").mkdir(parents=True)

    def add(self, folder, kind, data):
        at = BEGIN + datetime.timedelta(milliseconds=sum(map(len, self.records.values())))
        self.records.setdefault(folder, []).append({"type": kind, "timestamp": at.isoformat(), "data": data})

    def write(self):
        for folder, records in self.records.items():
            content = "".join(json.dumps(record) + "\n" for record in records).encode()
            path = self.directory / folder / ("20260102_0000.jsonl" + (".gz" if self.compress else ""))
            path.parent.mkdir()
            path.write_bytes(gzip.compress(content) if self.compress else content)

    def file(self, name, content):
        file_id = uuid.uuid4().hex
        (self.directory / "files" / file_id).write_bytes(content)
        self.add("files_metadata", "file_create", {"project_id": self.project_id, "name": name, "file_id": file_id,
                                                   "digest": enc(content), "size": len(content)})
        return enc(content)

    def object(self, name, value, kind="object"):
        folder, record = ("ops", "op_create") if kind == "op" else ("objects", "obj_create")
        self.add(folder, record, {"obj": {"project_id": self.project_id, "object_id": name, "val": value}})
        return f"weave:///{self.project_id}/{kind}/{name}:{digest(value)}"

    def table(self, rows):
        self.add("tables", "table_create", {"table": {"project_id": self.project_id, "rows": rows}})
        return hashlib.sha256("".join(map(digest, rows)).encode()).hexdigest()

    def call(self, call_id, trace_id, op_name, inputs, expected, parent_id, turn_id, n):
        started = BEGIN + datetime.timedelta(seconds=n)
        own = {"weave": {"kind": expected["kind"]}} if expected["kind"] else {}
        self.add("calls", "call_start", {"start": {
            "project_id": self.project_id, "id": call_id, "op_name": op_name, "display_name": None,
            "trace_id": trace_id, "parent_id": parent_id, "thread_id": expected["thread"], "turn_id": turn_id,
            "started_at": started.isoformat(), "attributes": {**expected["attributes"], **own}, "inputs": inputs,
            "wb_user_id": None, "wb_run_id": None}})
        if expected["status"] == "running":
            return
        ended = started + datetime.timedelta(seconds=0.5)
        failure = expected["failure"] and json.dumps({**expected["failure"], "traceback": []})
        summary = {key: expected[key] for key in ("status_counts", "usage") if expected[key]}
        self.add("calls", "call_end", {"end": {
            "project_id": self.project_id, "id": call_id, "ended_at": ended.isoformat(), "exception": failure,
            "output": expected["output"], "summary": summary}})


def write(offline_dir, project, compress=True):
    """Write the session; the id of the call `agent`."""
    p = Prototype(offline_dir, project, compress)
    code = p.file("obj.py", s.SOURCE.encode())
    op = {"_type": "CustomWeaveType", "files": {"obj.py": code}, "weave_type": {"type": "Op"}}
    op = p.object("lookup_order", op, "op")
    config = p.object("agent-config", s.CONFIG)
    rows = f"weave:///{p.project_id}/table/{p.table(s.ROWS)}"
    dataset = p.object("orders", {"_bases": ["Object", "BaseModel"], "_class_name": "Dataset", "_type": "Dataset",
                                  "description": None, "name": "orders", "rows": rows})
    image = {"_type": "CustomWeaveType", "files": {"image.png": p.file("image.png", s.LABEL.read_bytes())},
             "load_op": "NO_LOAD_OP", "weave_type": {"type": "PIL.Image.Image"}}
    stored = {"agent/lookup_order": {"order_id": s.ORDER, "config": config}, "agent/read_label": {"label": image},
              "agent/check_row": {"row": f"{dataset}/attr/rows/id/{digest(s.ROWS[0])}"}}
    ids = {path: str(uuid.uuid4()) for path in s.CALLS}
    traces = {path: str(uuid.uuid4()) for path in s.CALLS}
    for n, (path, expected) in enumerate(s.CALLS.items()):
        name = path.rsplit("/", 1)[-1].removesuffix("_2")
        p.call(ids[path], traces[expected["trace"]], op if name == "lookup_order" else name,
               stored.get(path, expected["inputs"]), expected, ids.get(expected["parent"]),
               ids.get(expected["turn"]), n)
    p.add("calls", "call_update", {"project_id": p.project_id, "call_id": ids["agent"], "display_name": s.DISPLAY_NAME})
    root = f"weave:///{p.project_id}/call/{ids['agent']}"
    for _, kind, payload in s.EXPECTED["feedback"]:
        p.add("feedback", "feedback_create", {"project_id": p.project_id, "weave_ref": root, "feedback_type": kind,
                                              "payload": payload, "id": str(uuid.uuid4()), "creator": None})
    p.add("metadata", "cost_create", {"project_id": p.project_id, "costs": {s.MODEL: s.PRICE}})
    p.write()
    return ids["agent"]
