"""The long run: `python -m syncing KILLS [SEED [FROM]]` in tests/suite, or `make soak-sync KILLS=… SEED=… FROM=…`."""
import sys
import tempfile

import campaigns
from syncing.campaign import Campaign

if __name__ == "__main__":
    sys.exit(campaigns.main(Campaign, sys.argv[1:], tempfile.mkdtemp(prefix="weave-sync-kills-")))
