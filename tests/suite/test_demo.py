"""The tree that the demo prints."""
import re
import sys

from harness import ENTITY, ROOT, client_environment, run


def test_the_tree_shows_names_states_times_tokens_and_counts(shared_server, official, project, tmp_path):
    server = shared_server()
    official("0.54.0").run("official_writer.py", server, f"{ENTITY}/{project}")
    printed = run([sys.executable, ROOT / "scripts/trace_tree.py", project],
                  environment=client_environment(tmp_path, server)).stdout
    assert re.sub(r"\d+\.\d ms", "TIME", printed).splitlines() == [
        f"{ENTITY}/{project}",
        "  warm_up  success  TIME",
        '  agent "Parcel question 📦"  descendant_error  TIME  400 tokens',
        "  ├─ retrieve  success  TIME",
        "  ├─ chat  success  TIME  150 tokens",
        "  ├─ lookup_order  success  TIME",
        '  ├─ track_parcel  error  TIME  TimeoutError: the carrier did not answer',
        "  ├─ read_label  success  TIME",
        "  ├─ check_row  success  TIME",
        "  ├─ echo  success  TIME",
        "  └─ chat  success  TIME  250 tokens",
        "  watch  running",
        "11 calls, 11 ops, 2 objects, 3 feedback items"]
