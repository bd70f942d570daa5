"""Field research: observations without internet, and one sync at base.

    field_research.py observe DIRECTORY SITE NOTE…
    field_research.py look DIRECTORY
    field_research.py base DIRECTORY

DIRECTORY may lie on a USB stick or a laptop; several teams may carry theirs to base one after the other.
"""
import argparse
import json
import sys

import libweave as weave

PROJECT = "river-survey"
# Plays the model that a laptop in the field runs.
KNOWN = {"heron": 0.94, "otter": 0.88, "kingfisher": 0.91}


@weave.op(kind="llm")
def identify(note: str) -> dict:
    for species, confidence in KNOWN.items():
        if species in note.lower():
            return {"model": "field-model-2b", "species": species, "confidence": confidence,
                    "usage": {"prompt_tokens": len(note.split()), "completion_tokens": 1}}
    raise LookupError(f"no known species in {note!r}")


@weave.op
def observe(site: str, note: str) -> dict:
    found = identify(note)
    return {"site": site, "species": found["species"], "certain": found["confidence"] > 0.9}


def in_the_field(directory, site, notes):
    """Everything is on the disk when this returns, whatever happens to the laptop on the way home."""
    weave.init(PROJECT, offline=True, offline_dir=directory)
    rows = []
    with weave.attributes({"site": site}), weave.thread(f"site-{site}"):
        for note in notes:
            try:
                result, call = observe.call(site, note)
            except LookupError as error:
                print(f"{note}: {error}")
                continue
            print(f"{note}: {result['species']}")
            rows.append({"note": note, **result})
            if not result["certain"]:
                weave.add_note(call, "please check at base")
    if rows:
        weave.publish(weave.Dataset(f"observations-{site}", rows))
    weave.finish()


def look(directory):
    for project, kinds in weave.directory_stats(directory)["projects"].items():
        waiting = sum(kind["pending_bytes"] for kind in kinds.values())
        print(f"{project}: {waiting} bytes wait to be sent")


def at_base(directory):
    """Sends what every team brought, asks the server for it, and only then frees the space of what was sent a month ago."""
    results = weave.sync_offline_data(directory, on_progress=lambda project, kind, synced, errors: print(
        f"  {project} {kind}: {synced} sent, {errors} refused", file=sys.stderr))
    for project, kinds in results.items():
        print(project, json.dumps(kinds))
    weave.verify_offline_data(directory)
    deleted = weave.OfflineDataSyncer(None, directory).clean_synced_files(older_than_days=30)
    print(f"verified; {deleted} old files deleted")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True)
    observe_command = commands.add_parser("observe", help="in the field, as often as you like")
    observe_command.add_argument("directory")
    observe_command.add_argument("site")
    observe_command.add_argument("notes", nargs="+")
    observe_command.set_defaults(run=in_the_field)
    for name, run, help_text in (("look", look, "what lies there"), ("base", at_base, "send it all: needs WANDB_API_KEY")):
        command = commands.add_parser(name, help=help_text)
        command.add_argument("directory")
        command.set_defaults(run=run)
    given = vars(parser.parse_args())
    try:
        given.pop("run")(**given)
    except weave.WeaveError as error:
        sys.exit(f"{error}; nothing is lost, run it again")


if __name__ == "__main__":
    main()
