"""The offline directory: sending it, cleaning it, and recording requests of the trace server's interface into it."""
from __future__ import annotations

import ctypes
import json
import logging
import threading
from ctypes import c_void_p
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Callable, Optional

from . import _native
from ._exit import Calling
from ._options import OnProgress, options, progress_callback
from .call import Call
from .client import Client
from .errors import CANCELLED, INCOMPLETE, INVALID_ARGUMENT, OFFLINE, error_of
from .refs import ObjectRef
from .stop import Stop, interruptible

logger = logging.getLogger("libweave")

Results = dict[str, dict[str, tuple[int, int]]]


def sync_offline_data(offline_dir: Any = None, project_name: Optional[str] = None, api_key: Optional[str] = None, *,
                      on_progress: Optional[OnProgress] = None, stop: Optional[Stop] = None,
                      **settings: Any) -> Results:
    """Sends what is stored to the server: `{"entity/project": {"calls": (synced, errors), …}}`.

    What the server has taken is marked, what it has not is kept, and it can be run again at any time. Without
    `project_name` all projects are sent; without `api_key` the one of the environment or netrc file is used. Settings:
    `entity` (for projects that were logged without one), `destination` (`entity/project` for the one that is sent,
    under whatever name it was recorded), `destinations` (such names by recorded names), `open_call_age`,
    `close_interrupted`, `max_sync_time`, `max_sync_bytes`, `max_sync_rate`, `sync_connections`, `sync_wait`,
    `base_url`, `trace_server_url`, `ca_file`, `http_timeout`, `insecure`; times are in seconds.

    Records that the server refused are counted as errors, and their reasons told to the logger `libweave`. Any other
    failure raises, with what was done in `results`; that of a project does so after the others were sent. What else
    failed in a project of which records were refused is told to the logger with their reasons.

    Another thread ends it by a `stop`, and Ctrl-C does too. For that, a sync of the main thread, and its `on_progress`,
    run on a thread of their own.
    """
    arguments = _texts(offline_dir, project_name, api_key)
    results, status, message = _sent("weave_sync", arguments, (), on_progress, settings, stop or Stop())
    if status == INCOMPLETE and _only_refused(results, message):
        logger.warning("%s", message)
    elif status:
        raise error_of(status, message, results)
    return results


def _only_refused(results: Results, message: str) -> bool:
    """Whether an incomplete sync failed at refused records alone. Its text has a line for each project that is not
    whole, with how many records of it were refused: one without any failed otherwise."""
    refused = any(errors for kinds in results.values() for _, errors in kinds.values())
    failed = tuple(f"{project}: 0 not synced;" for project in results)
    return refused and not any(line.startswith(failed) for line in message.splitlines())


def verify_offline_data(offline_dir: Any = None, project_name: Optional[str] = None, api_key: Optional[str] = None, *,
                        put_back: bool = False, on_progress: Optional[OnProgress] = None, stop: Optional[Stop] = None,
                        **settings: Any) -> Results:
    """Asks the server for everything that the receipts of past syncs say it has:
    `{"entity/project": {"calls": (found, asked), …}}`.

    With `put_back`, what is missing is sent by the next sync, from the synced files that are there still. Settings and
    `stop` are those of `sync_offline_data`. When something is missing or could not be asked, it is raised, with what
    was found in `results`.
    """
    arguments = _texts(offline_dir, project_name, api_key)
    results, status, message = _sent("weave_verify", arguments, (put_back,), on_progress, settings, stop or Stop())
    if status:
        raise error_of(status, message, results)
    return results


def list_rejected(offline_dir: Any = None, project_name: Optional[str] = None,
                  kind: Optional[str] = None) -> list[dict[str, Any]]:
    """The records that a server rejected, with its reasons: of one project and one kind (`calls`, `feedback`, …), or of
    all. They are not sent again by themselves."""
    told = _native.answer(_native.library().weave_rejected_list, *_which(offline_dir, project_name, kind))
    rejected: list[dict[str, Any]] = json.loads(told)
    return rejected


def retry_rejected(offline_dir: Any = None, project_name: Optional[str] = None, kind: Optional[str] = None) -> int:
    """Puts rejected records back to those that wait for the next sync; how many."""
    return _native.count(_native.library().weave_rejected_retry, *_which(offline_dir, project_name, kind))


def export_rejected(to_file: Any, offline_dir: Any = None, project_name: Optional[str] = None,
                    kind: Optional[str] = None) -> int:
    """Writes rejected records with their lines to a file that must not exist yet, one JSON object a line; how many."""
    return _native.count(_native.library().weave_rejected_export, *_which(offline_dir, project_name, kind),
                         _native.path(to_file, "to_file"))


def drop_rejected(offline_dir: Any = None, project_name: Optional[str] = None, kind: Optional[str] = None) -> int:
    """Gives rejected records up for good; how many."""
    return _native.count(_native.library().weave_rejected_drop, *_which(offline_dir, project_name, kind))


def _which(offline_dir: Any, project_name: Optional[str], kind: Optional[str]) -> list[Optional[bytes]]:
    return [_native.path(offline_dir, "offline_dir"), _native.text(project_name, "project_name"),
            _native.text(kind, "kind")]


def _texts(offline_dir: Any, project_name: Optional[str], api_key: Optional[str]) -> list[Optional[bytes]]:
    return [_native.path(offline_dir, "offline_dir"), _native.text(project_name, "project_name"),
            _native.text(api_key, "api_key")]


def _sent(function: str, before: list[Optional[bytes]], after: tuple[Any, ...], on_progress: Optional[OnProgress],
          settings: dict[str, Any], stop: Stop) -> tuple[Results, int, str]:
    """Calls what talks to a server; its results, status and message."""
    c, out = _native.library(), c_void_p()
    raised: list[BaseException] = []

    def failed(error: BaseException) -> bool:
        raised.append(error)
        return True

    progress = progress_callback(on_progress, failed) if on_progress is not None else None

    def call() -> tuple[int, str, str]:
        with options(progress=progress, stop=stop, **settings) as handle, Calling(stop.ask):
            status = getattr(c, function)(*before, handle, *after, ctypes.byref(out))
        return status, _native.last_error(status) if status else "", _native.taken(out)

    status, message, told = interruptible(call, stop.ask, goes_on=False)
    results = {project: {kind: tuple(counts) for kind, counts in kinds.items()}
               for project, kinds in json.loads(told or "{}").items()}
    if status == CANCELLED and raised:
        raise raised[0]
    return results, status, message


def directory_stats(offline_dir: Any = None) -> dict[str, Any]:
    """What lies in an offline directory: sizes and counts, in all and of each project and kind."""
    path = _native.path(offline_dir, "offline_dir")
    stats: dict[str, Any] = json.loads(_native.answer(_native.library().weave_directory_stats, path))
    return stats


@dataclass
class RemoteServer:
    """Where a sync sends to, and as whom. What is None comes from the environment."""

    api_key: Optional[str] = field(default=None, repr=False)
    base_url: Optional[str] = None
    trace_server_url: Optional[str] = None


def init_weave_get_server(api_key: Optional[str] = None, should_batch: bool = True, *, base_url: Optional[str] = None,
                          trace_server_url: Optional[str] = None) -> RemoteServer:
    """The server for an `OfflineDataSyncer`. `should_batch` is the official client's; a sync sends batches anyway."""
    return RemoteServer(api_key, base_url, trace_server_url)


class OfflineDataSyncer:
    """Sends an offline directory and cleans it.

    `remote_server` is what `init_weave_get_server` answered, or any object with some of its attributes `api_key`,
    `base_url` and `trace_server_url`; None for the server of the environment.
    """

    def __init__(self, remote_server: Any = None, offline_dir: Any = None) -> None:
        self.remote_server, self.offline_dir = remote_server, offline_dir

    def sync_all(self, **settings: Any) -> Results:
        """Sends every project; see `sync_offline_data`."""
        return self.sync_project(None, **settings)

    def sync_project(self, project_name: Optional[str], **settings: Any) -> Results:
        """Sends one project."""
        for name in ("api_key", "base_url", "trace_server_url"):
            settings.setdefault(name, getattr(self.remote_server, name, None))
        return sync_offline_data(self.offline_dir, project_name, settings.pop("api_key"), **settings)

    def clean_synced_files(self, older_than_days: float = 7) -> int:
        """Deletes files that were sent so many days ago, and file bytes that nothing pending needs; how many."""
        path = _native.path(self.offline_dir, "offline_dir")
        return _native.count(_native.library().weave_clean_synced_files, path, older_than_days)

    def clean_preview(self, older_than_days: float = 7) -> dict[str, Any]:
        """What `clean_synced_files` would delete now: `{"files": [{"path", "bytes"}, …], "bytes": in all}`."""
        path = _native.path(self.offline_dir, "offline_dir")
        told = _native.answer(_native.library().weave_clean_preview, path, older_than_days)
        preview: dict[str, Any] = json.loads(told)
        return preview


_READS = frozenset("""
    actions_execute_batch call_read calls_delete calls_query calls_query_stats calls_query_stream completions_create
    completions_create_stream cost_purge cost_query dataset_list dataset_read evaluate_model evaluation_status
    feedback_purge feedback_query feedback_replace file_content_read files_stats image_create obj_delete obj_read
    objs_query op_delete op_list op_read otel_export project_stats refs_read_batch server_info
    table_create_from_digests table_query table_query_stats table_query_stats_batch table_query_stream table_update
    threads_query_stream
""".split())


class OfflineTraceServer:
    """The writing half of the trace server's interface, recorded into an offline directory.

    A request is a dictionary, or an object with `model_dump()`, in the shape of the server's API; it is checked, and
    recorded as it is. The answers have the attributes of the server's. What needs the server raises `OfflineError`.
    """

    def __init__(self, offline_dir: Any = None, compress: Optional[bool] = None,
                 max_file_size_mb: Optional[float] = None) -> None:
        self._settings = {"offline_dir": offline_dir, "compress": compress, "max_file_size_mb": max_file_size_mb}
        self._clients: dict[str, Client] = {}
        self._open: dict[str, tuple[Call, dict[str, Any]]] = {}
        self._given = threading.local()
        self._lock = threading.Lock()

    def call_start(self, req: Any) -> SimpleNamespace:
        """`{"start": {…}}` → `id`, `trace_id`."""
        start = _fields(_plain(req), "start")
        if not isinstance(start.get("op_name"), str):
            raise error_of(INVALID_ARGUMENT, "start.op_name: missing; give the name or reference of an op")
        call = self._recording(start, lambda client: client.start(
            start["op_name"], None, {key: start.get(key) for key in ("id", "trace_id", "parent_id")}))
        with self._lock:
            self._open[call.id] = call, start
        return SimpleNamespace(id=call.id, trace_id=call.trace_id)

    def call_end(self, req: Any) -> SimpleNamespace:
        """`{"end": {…}}`, of a call that this object started."""
        end = _fields(_plain(req), "end")
        with self._lock:
            call, start = self._open.get(end.get("id", ""), (None, {}))
        if call is None:
            raise error_of(INVALID_ARGUMENT, f"end.id: {end.get('id')!r} is no open call of this object; end a call "
                           "where it was started, or record it whole with calls_complete")
        # By its start's time newer servers find the call faster: it has to be the same.
        own = {"started_at": start["started_at"]} if start.get("started_at") is not None else {}
        self._recording({**end, **own}, lambda client: call.finish())
        with self._lock:
            self._open.pop(call.id, None)
        return SimpleNamespace()

    def call_start_batch(self, req: Any) -> SimpleNamespace:
        """`{"batch": [{"mode": "start" or "end", "req": {…}}]}`."""
        done = []
        for item in _plain(req)["batch"]:
            ends = item.get("mode", "end" if "end" in item["req"] else "start") == "end"
            done.append((self.call_end if ends else self.call_start)(item["req"]))
        return SimpleNamespace(res=done)

    def calls_complete(self, req: Any) -> SimpleNamespace:
        """`{"batch": [{…}]}`: finished calls, of one project or several."""
        by_project: dict[str, list[dict[str, Any]]] = {}
        for call in _plain(req)["batch"]:
            by_project.setdefault(_project(call), []).append(_known(call))
        for project, calls in by_project.items():
            self._client(project).log_calls(calls)
        return SimpleNamespace()

    def call_update(self, req: Any) -> SimpleNamespace:
        """`{"project_id", "call_id", "display_name"}`."""
        update = _plain(req)
        self._client(_project(update)).update_call(update["call_id"], update["display_name"])
        return SimpleNamespace()

    def obj_create(self, req: Any) -> SimpleNamespace:
        """`{"obj": {"project_id", "object_id", "val"}}` → `digest`, `object_id`."""
        obj = _fields(_plain(req), "obj")
        return _version(self._client(_project(obj)).create_object(obj["object_id"], obj["val"]))

    def op_create(self, req: Any) -> SimpleNamespace:
        """`{"project_id", "name", "source_code"}` → `digest`, `object_id`."""
        op = _plain(req)
        return _version(self._client(_project(op)).create_op(op["name"], op["source_code"]))

    def dataset_create(self, req: Any) -> SimpleNamespace:
        """`{"project_id", "name", "description", "rows"}`, the rows being dictionaries → `digest`, `object_id`."""
        dataset = _plain(req)
        client = self._client(_project(dataset))
        return _version(client.create_dataset(dataset["name"], dataset["rows"], dataset.get("description")))

    def table_create(self, req: Any) -> SimpleNamespace:
        """`{"table": {"project_id", "rows"}}` → `digest`, `row_digests`."""
        table = _fields(_plain(req), "table")
        client = self._client(_project(table))
        digest = client.create_table(table["rows"]).digest
        # The library tells the digest of a row by its reference in a dataset; which one is all the same.
        anywhere = f"weave:///{client.project}/object/rows:{'0' * 43}"
        rows = [client.dataset_row_ref(anywhere, row).rpartition("/")[2] for row in table["rows"]]
        return SimpleNamespace(digest=digest, row_digests=rows)

    def file_create(self, req: Any) -> SimpleNamespace:
        """`{"project_id", "name", "content"}` → `digest`."""
        file = _plain(req)
        return SimpleNamespace(digest=self._client(_project(file)).create_file(file["name"], file["content"]))

    def feedback_create(self, req: Any) -> SimpleNamespace:
        """`{"project_id", "weave_ref", "feedback_type", "payload", …}` → `id`. The id is always made here."""
        item = _plain(req)
        names = ("annotation_ref", "runnable_ref", "call_ref", "trigger_ref")
        refs = {name: item[name] for name in names if item.get(name)}
        feedback = self._client(_project(item)).feedback(item["weave_ref"])
        return SimpleNamespace(id=feedback.add(item["feedback_type"], item["payload"], item.get("creator"), **refs),
                               payload=item["payload"])

    def feedback_create_batch(self, req: Any) -> SimpleNamespace:
        """`{"batch": [{…}]}`."""
        return SimpleNamespace(res=[self.feedback_create(item) for item in _plain(req)["batch"]])

    def cost_create(self, req: Any) -> SimpleNamespace:
        """`{"project_id", "costs": {MODEL: {…}}}`. Costs have no ids before a server gives them."""
        given = _plain(req)
        client = self._client(_project(given))
        for model, prices in given["costs"].items():
            client.add_cost(model, **prices)
        return SimpleNamespace(ids=[])

    def ensure_project_exists(self, entity: str, project: str) -> SimpleNamespace:
        """Opens a project; the sync makes it on the server."""
        return SimpleNamespace(project_name=self._client(f"{entity}/{project}").project.partition("/")[2])

    def flush(self, timeout: Optional[float] = None) -> None:
        """Brings everything to the disk for good."""
        for client in list(self._clients.values()):
            client.flush(timeout)

    def close(self, timeout: Optional[float] = None) -> None:
        """Flushes and closes. Calls that were not ended stay open."""
        with self._lock:
            clients, self._clients, self._open = self._clients, {}, {}
        for client in clients.values():
            client.finish(timeout)

    def __enter__(self) -> "OfflineTraceServer":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        if name not in _READS:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

        def refuse(*_: Any, **__: Any) -> Any:
            raise error_of(OFFLINE, f"{name}: not available offline; sync the directory, then ask the server")

        return refuse

    def _client(self, project: str) -> Client:
        with self._lock:
            if project not in self._clients:
                self._clients[project] = Client(project, offline=True, disabled=False, filter=self._as_given,
                                                **self._settings)
            return self._clients[project]

    def _recording(self, given: dict[str, Any], record: Callable[[Client], Any]) -> Any:
        """Makes a record of a live call whose fields become those of the request."""
        client = self._client(_project(given))
        self._given.fields = _known(given)
        try:
            return record(client)
        finally:
            self._given.fields = None

    def _as_given(self, record_type: str, data: dict[str, Any]) -> dict[str, Any]:
        """The filter of its sessions: the record holds what the request said, times and summaries included."""
        fields = getattr(self._given, "fields", None)
        part = {"call_start": "start", "call_end": "end"}.get(record_type)
        if fields and part:
            data[part].update(fields)
        return data


def _plain(req: Any) -> dict[str, Any]:
    return req if isinstance(req, dict) else req.model_dump()


def _fields(req: dict[str, Any], key: str) -> dict[str, Any]:
    inner = req.get(key)
    if inner is None:
        raise error_of(INVALID_ARGUMENT, f"{key}: missing; a request is a dictionary {{\"{key}\": {{…}}}}")
    return _plain(inner)


def _project(fields: dict[str, Any]) -> str:
    project = fields.get("project_id")
    if not isinstance(project, str):
        raise error_of(INVALID_ARGUMENT, "project_id: missing; give it as \"entity/project\"")
    return project


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    """What a record holds of a request's fields. The account is the server's to know, and the rest is for routing."""
    return {key: value.isoformat() if hasattr(value, "isoformat") else value for key, value in fields.items()
            if value is not None and key not in ("project_id", "wb_user_id", "is_eval", "expected_digest")}


def _version(ref: ObjectRef) -> SimpleNamespace:
    return SimpleNamespace(digest=ref.digest, object_id=ref.name)
