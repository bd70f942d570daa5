"""In which state a process was killed, judged from the disk before it started and after it was gone."""
from killing import journals
from stored import content, data_files, is_locked, members
from stored import journals as journals_in

#: Every state, with what shows it. A kill can show several: a writer's own threads and its packer are killed together.
STATES = {
    "starting: no journal": "nothing of the process is there",
    "starting: unborn journal": "its journal has no final name yet",
    "logging: records wait": "its journal has records that are not in data files",
    "logging: part is freed": "the beginning of its journal was given back",
    "packing: torn member": "a data file ends in the middle of a member or a line",
    "packing: between folders": "of one batch some folders have their records and others do not",
    "packing: packed, not freed": "everything in its journal is in data files",
    "rotation: empty file": "the newest data file of a folder is empty, beside a full one",
    "rotation: first file": "the only data file of a folder is empty",
    "finishing: journal there": "killed in weave_finish, the journal is there",
    "finishing: journal half gone": "the journal is there without its records' files",
    "finishing: journal gone": "killed in weave_finish or behind it, the journal is removed",
    "recovery: not begun": "a recoverer was killed and the journals that it found are as they were",
    "recovery: under way": "some of what it found is packed or removed",
    "recovery: torn member": "and a data file ends in the middle of a member or a line",
    "recovery: journal half gone": "a journal that it found is there without its records' files",
    "recovery: done": "every journal that it found is removed",
}


class Look:
    """An offline directory at one instant."""

    _whole = {}  # (path, size) → whether it ends with a whole member

    def __init__(self, directory):
        self.directory = directory
        found = [path for path in journals_in(directory) if path.is_dir()]
        self.journals = {path for path in found if not path.name.startswith(".")}
        self.abandoned = {path for path in self.journals if not is_locked(path / "lock")}
        self.unborn = {path for path in found if path.name.startswith(".") and not is_locked(path / "lock")}
        self.files = {}
        for path in data_files(directory):
            try:
                self.files[path] = path.stat().st_size
            except FileNotFoundError:
                pass
        self.covered = journals.covered(directory) if self.abandoned else {}

    def torn(self):
        """The files that end in the middle of something and that nobody writes."""
        return {path for path, size in self.files.items() if not self._is_whole(path, size) and not is_locked(path)}

    def empty(self):
        """The empty files that nobody writes."""
        return {path for path, size in self.files.items() if size == 0 and not is_locked(path)}

    def _is_whole(self, path, size):
        if (path, size) not in self._whole:
            data = content(path)
            whole = members(data)[1] == len(data) if path.suffix == ".gz" else data[-1:] in (b"", b"\n")
            if is_locked(path):
                return True
            self._whole[path, size] = whole
        return self._whole[path, size]


def judge(before, after, told):
    """The states of one kill. `told` is what the process said on its output."""
    states, torn = set(), after.torn() - before.torn()
    if torn:
        states.add("packing: torn member")
    for path in after.empty() - before.empty():
        alone = not any(other.parent == path.parent and other != path for other in after.files)
        states.add("rotation: first file" if alone else "rotation: empty file")
    own = after.abandoned - before.journals
    finishing = "F" in told
    for journal in own:
        states |= _own(journal, after.covered)
        if finishing and "G" not in told:
            states.add("finishing: journal there")
    if not own and finishing:
        states.add("finishing: journal gone")
    elif not own and not told:
        states.add("starting: unborn journal" if after.unborn - before.unborn else "starting: no journal")
    if before.abandoned and not told:
        states |= _recovery(before, after)
        if torn:
            states.add("recovery: torn member")
    return states


def _own(journal, covered):
    streams = journals.streams(journal)
    if not streams:
        return {"finishing: journal half gone"}
    states = set()
    for stream, freed, frames in streams:
        waiting = [end for end, kind in frames if end > covered[stream, kind]]
        top = max((to for (of, _), to in covered.items() if of == stream), default=0)
        states |= {"logging: records wait"} if waiting else set()
        states |= {"logging: part is freed"} if freed else set()
        states |= {"packing: between folders"} if any(end <= top for end in waiting) else set()
        states |= {"packing: packed, not freed"} if frames and not waiting else set()
    return states


def _recovery(before, after):
    left = before.abandoned & after.journals
    if not left:
        return {"recovery: done"}
    if any(not journals.parts(journal, ".log") + journals.parts(journal, ".ring") for journal in left):
        return {"recovery: journal half gone"}
    names = {journal.name[:28] for journal in before.abandoned}

    def packed(look):
        return {key: to for key, to in look.covered.items() if key[0].hex()[:28] in names and to}

    begun = left != before.abandoned or packed(before) != packed(after)
    return {"recovery: under way" if begun else "recovery: not begun"}
