"""Offline tracing for W&B Weave: `import libweave as weave`.

    weave.init(project_name="team/project", offline=True, offline_dir="traces")

    @weave.op
    def answer(question): ...

    weave.finish()
    weave.sync_offline_data("traces", api_key=…)   # later, where there is a network
"""
from ._api import (add_feedback, add_note, add_reaction, finish, flush, get, get_client, init, library_version,
                   log_call, publish, ref, require_client)
from ._context import ThreadContext, attributes, get_current_call, require_current_call, thread
from ._op import op
from ._version import __version__
from .call import Call
from .client import Client
from .errors import ClosedError, InvalidError, OfflineError, ServerError, StorageError, WeaveError
from .feedback import Feedback
from .media import Audio, Content, Dataset, Image
from .offline import (OfflineDataSyncer, OfflineTraceServer, RemoteServer, directory_stats, drop_rejected,
                      export_rejected, init_weave_get_server, list_rejected, retry_rejected, sync_offline_data,
                      verify_offline_data)
from .raw_json import RawJSON
from .refs import ObjectRef
from .stop import Stop
from .threads import ContextAwareThread, ContextAwareThreadPoolExecutor, Thread, ThreadPoolExecutor

__all__ = [
    "Audio", "Call", "Client", "ClosedError", "Content", "ContextAwareThread", "ContextAwareThreadPoolExecutor",
    "Dataset", "Feedback", "Image", "InvalidError", "ObjectRef", "OfflineDataSyncer", "OfflineError",
    "OfflineTraceServer", "RawJSON", "RemoteServer", "ServerError", "Stop", "StorageError", "Thread", "ThreadContext",
    "ThreadPoolExecutor", "WeaveError", "__version__", "add_feedback", "add_note", "add_reaction", "attributes",
    "directory_stats", "drop_rejected", "export_rejected", "finish", "flush", "get", "get_client", "get_current_call",
    "init", "init_weave_get_server", "library_version", "list_rejected", "log_call", "op", "publish", "ref",
    "require_client", "require_current_call", "retry_rejected", "sync_offline_data", "thread", "verify_offline_data",
]
