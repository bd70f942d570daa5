"""The long run: `python -m killing KILLS [SEED [FROM]]` in tests/suite, or `make soak KILLS=… SEED=… FROM=…`."""
import sys
import tempfile

import campaigns
from killing.campaign import Campaign

if __name__ == "__main__":
    sys.exit(campaigns.main(Campaign, sys.argv[1:], tempfile.mkdtemp(prefix="weave-kills-")))
