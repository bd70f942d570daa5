"""In which step a syncer was killed, judged from the server's log and from the disk when it was gone."""
import json

from syncing.syncer import LOOKING_UP, purpose

#: The kinds of requests that bring records.
KINDS = ["files", "objects", "calls", "call updates", "feedback", "costs"]

#: Every step, with what shows it. A kill can show several.
STATES = {
    "connecting: nothing asked": "no request of the process reached the server",
    "connecting: about the project": "no request but those that find and make the project",
    "looking up: before it": "records of an earlier run may be under way, and only the project was asked for",
    "looking up: asked": "a request that looks up what is there is under way, or was the last one",
    **{f"{kind}: {part}": meaning for kind in KINDS for part, meaning in {
        "sent, not answered": "such a request is under way at the server",
        "answered": "such a request was answered last, whether that is noted or not"}.items()},
    "waiting: to try again": "the last request failed or was cut, and none is under way",
    "setting aside: a record": "rejected.jsonl grew in this run",
    "renaming: receipt alone": "a receipt is there for a file that is not renamed",
    "renaming: since the last request": "a file was renamed and no request came after that",
}


class Log:
    """The server's log, with the place in the file at which each line begins."""

    def __init__(self, path):
        self.lines, at = [], 0
        for line in path.read_bytes().splitlines(keepends=True) if path.exists() else ():
            self.lines.append((at, json.loads(line)))
            at += len(line)

    def of(self, kill, until):
        """The requests of a killed process, answered ones and those under way. They came before `until`, when the next
        process began; the server may have taken up the last one after the kill."""
        own = [(at, line) for at, line in self.lines if kill.began <= line["time"] < until]
        return ([line for at, line in own if at < kill.logged], [line for at, line in own if at >= kill.logged])


def states(kills, begins, log):
    """The steps of each kill. `begins`: when each process began, those too that ended by themselves, and when the next
    one did."""
    found, before = [], 0
    for kill in kills:
        until = min(begin for begin in begins if begin > kill.began)
        found.append(judge(kill, *log.of(kill, until), kill.disk.set_aside > before))
        before = kill.disk.set_aside
    return found


def judge(kill, answered, under_way, set_aside):
    """The steps of one kill."""
    asked = [purpose(line["path"]) for line in [*answered, *under_way]]
    found = {f"{kind}: sent, not answered" for kind in map(purpose, (line["path"] for line in under_way))
             if kind in KINDS}
    if not asked:
        found.add("connecting: nothing asked")
    elif set(asked) == {"the project"}:
        found.add("looking up: before it" if kill.disk.unknown else "connecting: about the project")
    if LOOKING_UP in asked[-1:]:
        found.add("looking up: asked")
    if answered and not under_way:
        found |= _behind(answered[-1])
    if set_aside:
        found.add("setting aside: a record")
    if kill.disk.unnamed:
        found.add("renaming: receipt alone")
    if kill.disk.renamed > max([kill.began, *(line["time"] for line in [*answered, *under_way])]):
        found.add("renaming: since the last request")
    return sorted(found)


def _behind(last):
    """Where a process is whose last request was answered."""
    if last["fault"] or last["status"] != 200:
        return {"waiting: to try again"}
    return {f"{kind}: answered" for kind in KINDS if kind == purpose(last["path"])}
