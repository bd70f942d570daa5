"""The library from Python, beside json.dumps of the same values where one thread logs at a pace."""
import json
import sys

import harness
import libweave as weave


def dumps(_, inputs, output):
    json.dumps(inputs)
    json.dumps(output)


harness.main(
    opened=lambda directory: weave.Client("team/bench", offline=True, offline_dir=directory),
    log=lambda client, op, inputs, output: client.log_call(op, inputs, output),
    drain=lambda client: client.flush(),
    beside=dumps if sys.argv[3].startswith("every") and sys.argv[4] == "1" else None)
