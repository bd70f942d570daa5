"""The official Weave client with its write-ahead log, whose sender is off: nothing reaches for a network.

Runs in an environment with weave 0.54. The log lies below the home directory, which is the directory given."""
import os
import sys

os.environ.update(HOME=sys.argv[2], WEAVE_ENABLE_WAL="true", WEAVE_DISABLE_WAL_SENDER="true",
                  WEAVE_USE_SERVER_CACHE="false", WANDB_ERROR_REPORTING="false", WEAVE_PRINT_CALL_LINK="false")

import harness
from weave.trace.context.weave_client_context import set_weave_client_global
from weave.trace.weave_client import WeaveClient
from weave.trace_server_bindings.remote_http_trace_server import RemoteHTTPTraceServer


def opened(_):
    # Nobody listens there: everything has to go to the log.
    client = WeaveClient("team", "bench", RemoteHTTPTraceServer("http://127.0.0.1:9"), ensure_project_exists=False)
    set_weave_client_global(client)
    return client


def log(client, op, inputs, output):
    client.finish_call(client.create_call(op, inputs, use_stack=False), output)


def drain(client):
    client.flush()


harness.main(opened, log, drain)
