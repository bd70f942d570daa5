"""The shortest way: log offline, sync later. Runs with the package weave-offline; else `import libweave as weave`."""
import os

import weave
from weave.trace.offline_sync import OfflineDataSyncer
from weave.trace.weave_init import init_weave_get_server

weave.init(project_name="my-team/my-project", offline=True, offline_dir="./offline_data")


@weave.op
def add(a: int, b: int) -> int:
    return a + b


print("1 + 2 =", add(1, 2))
weave.finish()

# Later, where there is a network:
api_key = os.environ.get("WANDB_API_KEY")
if api_key:
    results = weave.sync_offline_data(offline_dir="./offline_data", project_name="my-team/my-project", api_key=api_key)
    for project, counts in results.items():
        print(project, counts)
    syncer = OfflineDataSyncer(remote_server=init_weave_get_server(api_key), offline_dir="./offline_data")
    print("files deleted:", syncer.clean_synced_files(older_than_days=7))
else:
    print("set WANDB_API_KEY to send ./offline_data")
