"""The long run: `python -m killing KILLS [SEED [FROM]]` in tests/suite, or `make soak KILLS=… SEED=… FROM=…`."""
import random
import sys
import tempfile

from killing.campaign import REPORT, Campaign


def main():
    kills, seed, first = [int(text) if text else None for text in (*sys.argv[1:], "", "")][:3]
    seed = random.randrange(1 << 32) if seed is None else seed
    directory = tempfile.mkdtemp(prefix="weave-kills-")
    print(f"{kills} kills, SEED={seed} FROM={first or 0}, in {directory}", flush=True)
    done = Campaign(kills, seed, directory, first or 0, lambda text: print(text, flush=True))
    print("\n".join([*done.report(), f"written to {REPORT}"]))
    for kind, texts in done.problems.items():
        print(*(f"{kind}: {text}" for text in texts[:20]), sep="\n")
    return 1 if any(done.problems.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
