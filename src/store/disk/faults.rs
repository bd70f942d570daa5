//! A disk for tests: failures that they order, by the folder in which they are to happen, and what a loss of power would
//! leave of it.
//!
//! A [`Disk`] watches a folder. It can make operations fail, cut writes short, and end the process between two
//! operations: the code under test is unwound and the disk is not changed any more. It remembers which names and which
//! pages of which files are on the disk for certain, so that [`Disk::after_power_loss`] can make a folder as it may be
//! found afterwards: of the changes of names some first part that has all that were synced, of each file any of the
//! pages that were not.

use super::{Operation, ShortWrite};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

const PAGE: usize = 4096;

static DISKS: RwLock<Vec<Arc<Disk>>> = RwLock::new(Vec::new());

thread_local! {
    static BOOT: Cell<Option<[u8; 16]>> = const { Cell::new(None) };
}

/// What this thread takes for the start of the machine; `None`: what the kernel says.
pub fn boot() -> Option<[u8; 16]> {
    BOOT.get()
}

/// Makes this thread believe in a start of the machine.
pub fn set_boot(boot: Option<[u8; 16]>) {
    BOOT.set(boot);
}

/// What the process is unwound with where it is to end.
pub struct Killed;

/// How often operations fail, of a thousand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Faults {
    /// Making files and directories, and writing, with no space left. Writes are cut short.
    pub no_space: u32,
    /// The same, with an error of the device; and renaming, removing and cutting.
    pub broken: u32,
    /// Syncing a file or a directory. The kernel then takes some of the file's pages for written that are not.
    pub sync: u32,
}

/// A watched folder.
pub struct Disk {
    root: PathBuf,
    state: Mutex<State>,
}

struct State {
    random: Random,
    faults: Faults,
    operations: u64,
    kill_at: Option<u64>,
    killed: bool,
    /// Every change of names, of which so many are on the disk for certain.
    changes: Vec<Change>,
    certain: usize,
    names: Names,
    files: Vec<Watched>,
}

#[derive(Debug, Clone)]
enum Change {
    Directory(PathBuf),
    File(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// What stands under each path: a file with its number, or a directory.
type Names = BTreeMap<PathBuf, Option<usize>>;

/// A file, whatever its name is now.
struct Watched {
    file: File,
    /// What is on the disk for certain.
    stable: Vec<u8>,
    /// Pages that the kernel takes for written although it failed to, with what was in them.
    lost: HashMap<usize, Vec<u8>>,
}

/// SplitMix64: the same numbers for the same seed on every machine.
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a bound.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }

    /// True so often of a thousand times.
    pub fn chance(&mut self, of_a_thousand: u32) -> bool {
        self.below(1000) < u64::from(of_a_thousand)
    }
}

impl Disk {
    /// Watches a folder, with what is in it on the disk for certain.
    pub fn watch(root: &Path) -> Arc<Disk> {
        let mut state = State {
            random: Random(0),
            faults: Faults::default(),
            operations: 0,
            kill_at: None,
            killed: false,
            changes: Vec::new(),
            certain: 0,
            names: Names::new(),
            files: Vec::new(),
        };
        state.take_over(root);
        let disk = Arc::new(Disk { root: root.to_path_buf(), state: Mutex::new(state) });
        DISKS.write().unwrap().push(disk.clone());
        disk
    }

    /// Stops watching.
    pub fn forget(&self) {
        DISKS.write().unwrap().retain(|disk| disk.root != self.root);
    }

    /// Decides what is left to chance from now on.
    pub fn seed(&self, seed: u64) {
        self.lock().random = Random(seed);
    }

    /// Makes operations fail from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// Ends the process at the operation that comes after so many others.
    pub fn kill_after(&self, operations: u64) {
        let mut state = self.lock();
        state.kill_at = Some(state.operations + operations);
    }

    /// Whether the process was ended. Until [`Disk::revive`] the disk is not changed any more.
    pub fn is_killed(&self) -> bool {
        self.lock().killed
    }

    /// Another process begins.
    pub fn revive(&self) {
        let mut state = self.lock();
        (state.killed, state.kill_at) = (false, None);
    }

    /// How many operations there were.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Makes in the folder `to` what may be found when the power is lost now.
    pub fn after_power_loss(&self, to: &Path) {
        let mut state = self.lock();
        let State { random, changes, certain, files, .. } = &mut *state;
        let kept = *certain + random.below((changes.len() - *certain) as u64 + 1) as usize;
        let mut names = Names::new();
        changes.iter().take(kept).for_each(|change| change.apply(&mut names));
        for (path, file) in names {
            let there = to.join(path.strip_prefix(&self.root).unwrap());
            match file {
                None => fs::create_dir_all(there).unwrap(),
                Some(file) => fs::write(there, files[file].after_power_loss(random)).unwrap(),
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn take_over(&mut self, path: &Path) {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.change(Change::Directory(path.clone()));
                self.take_over(&path);
            } else {
                self.add_file(&path);
                self.files.last_mut().unwrap().sync();
            }
        }
        self.certain = self.changes.len();
    }

    fn add_file(&mut self, path: &Path) {
        if !self.names.contains_key(path) {
            let file = File::open(path).unwrap();
            self.files.push(Watched { file, stable: Vec::new(), lost: HashMap::new() });
            self.change(Change::File(path.to_path_buf(), self.files.len() - 1));
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    fn file(&mut self, path: &Path) -> Option<&mut Watched> {
        let number = (*self.names.get(path)?)?;
        self.files.get_mut(number)
    }

    /// Counts an operation. The kernel may write pages at any time.
    fn count(&mut self) -> bool {
        self.operations += 1;
        if self.random.chance(50) && !self.files.is_empty() {
            let number = self.random.below(self.files.len() as u64) as usize;
            let State { files, random, .. } = self;
            files[number].write_back(random);
        }
        let is_end = self.kill_at.is_some_and(|at| self.operations > at);
        self.killed |= is_end;
        is_end
    }

    fn dice(&mut self, operation: Operation) -> Option<i32> {
        let Faults { no_space, broken, sync } = self.faults;
        let random = &mut self.random;
        match operation {
            Operation::Sync | Operation::SyncDirectory => random.chance(sync).then_some(libc::EIO),
            Operation::Create | Operation::MakeDirectory if random.chance(no_space) => Some(libc::ENOSPC),
            _ => random.chance(broken).then_some(libc::EIO),
        }
    }
}

impl Change {
    fn apply(&self, names: &mut Names) {
        match self {
            Change::Directory(path) => _ = names.insert(path.clone(), None),
            Change::File(path, number) => _ = names.insert(path.clone(), Some(*number)),
            Change::Remove(path) => names.retain(|there, _| !there.starts_with(path)),
            Change::Rename(from, to) => {
                let moved: Vec<PathBuf> = names.keys().filter(|there| there.starts_with(from)).cloned().collect();
                for path in moved {
                    let below = path.strip_prefix(from).unwrap();
                    let path_there = if below.as_os_str().is_empty() { to.clone() } else { to.join(below) };
                    let what = names.remove(&path).unwrap();
                    names.insert(path_there, what);
                }
            }
        }
    }

    fn is_in(&self, directory: &Path) -> bool {
        let is_in = |path: &Path| path.parent() == Some(directory);
        match self {
            Change::Directory(path) | Change::File(path, _) | Change::Remove(path) => is_in(path),
            Change::Rename(from, to) => is_in(from) || is_in(to),
        }
    }
}

impl Watched {
    fn content(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.file.metadata().unwrap().len() as usize];
        self.file.read_exact_at(&mut bytes, 0).unwrap();
        bytes
    }

    /// The pages that the kernel would still write.
    fn dirty(&self, content: &[u8]) -> Vec<usize> {
        let is_dirty = |number: &usize| {
            let now = page(content, *number);
            now != page(&self.stable, *number) && self.lost.get(number).is_none_or(|lost| lost != now)
        };
        (0..content.len().div_ceil(PAGE)).filter(is_dirty).collect()
    }

    fn write_page(&mut self, content: &[u8], number: usize) {
        let now = page(content, number);
        let end = number * PAGE + now.len();
        if self.stable.len() < end {
            self.stable.resize(end, 0);
        }
        self.stable[number * PAGE..end].copy_from_slice(now);
        self.lost.remove(&number);
    }

    fn sync(&mut self) {
        let content = self.content();
        for number in self.dirty(&content) {
            self.write_page(&content, number);
        }
        self.stable.resize(content.len(), 0);
    }

    fn fail_to_sync(&mut self, random: &mut Random) {
        let content = self.content();
        for number in self.dirty(&content) {
            match random.below(3) {
                0 => _ = self.lost.insert(number, page(&content, number).to_vec()),
                1 => self.write_page(&content, number),
                _ => {}
            }
        }
    }

    fn write_back(&mut self, random: &mut Random) {
        let content = self.content();
        for number in self.dirty(&content) {
            if random.chance(500) {
                self.write_page(&content, number);
            }
        }
    }

    fn after_power_loss(&mut self, random: &mut Random) -> Vec<u8> {
        let content = self.content();
        let (short, long) = (content.len().min(self.stable.len()), content.len().max(self.stable.len()));
        let length = match random.below(3) {
            0 => content.len(),
            1 => self.stable.len(),
            _ => short + random.below((long - short) as u64 + 1) as usize,
        };
        let share = [0, 500, 1000][random.below(3) as usize];
        for number in self.dirty(&content) {
            if random.chance(share) {
                self.write_page(&content, number);
            }
        }
        let mut left = self.stable.clone();
        left.resize(length, 0);
        left
    }
}

fn page(content: &[u8], number: usize) -> &[u8] {
    content.get(number * PAGE..((number + 1) * PAGE).min(content.len())).unwrap_or_default()
}

fn disk_of(path: &Path) -> Option<Arc<Disk>> {
    DISKS.read().unwrap().iter().find(|disk| path.starts_with(&disk.root)).cloned()
}

fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

/// Ends the process, unless that is what is going on.
fn end() -> io::Error {
    if !std::thread::panicking() {
        std::panic::resume_unwind(Box::new(Killed));
    }
    error(libc::EIO)
}

/// Whether an operation is to fail.
pub fn fault(operation: Operation, path: &Path) -> io::Result<()> {
    let Some(disk) = disk_of(path) else { return Ok(()) };
    let mut state = disk.lock();
    if state.killed || state.count() {
        drop(state);
        return Err(end());
    }
    let Some(number) = state.dice(operation) else { return Ok(()) };
    if operation == Operation::Sync {
        let mut random = Random(state.random.number());
        if let Some(file) = state.file(path) {
            file.fail_to_sync(&mut random);
        }
    }
    Err(error(number))
}

/// Whether a write is to end early.
pub fn fault_in_write(path: &Path, length: usize) -> Result<(), ShortWrite> {
    let Some(disk) = disk_of(path) else { return Ok(()) };
    let mut state = disk.lock();
    if state.killed {
        drop(state);
        return Err(ShortWrite { written: 0, cause: end() });
    }
    let short = |state: &mut State, number: i32| {
        let written = if state.random.chance(300) { 0 } else { state.random.below(length as u64) as usize };
        Err(ShortWrite { written, cause: error(number) })
    };
    if state.count() {
        return short(&mut state, libc::EIO); // the next operation unwinds
    }
    let Faults { no_space, broken, .. } = state.faults;
    if state.random.chance(no_space) {
        return short(&mut state, libc::ENOSPC);
    }
    if state.random.chance(broken) {
        return short(&mut state, libc::EIO);
    }
    Ok(())
}

fn see(path: &Path, look: impl FnOnce(&mut State)) {
    if let Some(disk) = disk_of(path) {
        look(&mut disk.lock());
    }
}

/// A file is there, made at this moment or before.
pub fn created(path: &Path) {
    see(path, |state| state.add_file(path));
}

/// A directory was made.
pub fn directory_made(path: &Path) {
    see(path, |state| state.change(Change::Directory(path.to_path_buf())));
}

/// Bytes were written.
pub fn written(path: &Path, offset: u64, bytes: &[u8]) {
    see(path, |state| {
        let Some(file) = state.file(path) else { return };
        let pages = offset as usize / PAGE..(offset as usize + bytes.len()).div_ceil(PAGE);
        file.lost.retain(|number, _| !pages.contains(number));
    });
}

/// A file was synced.
pub fn synced(path: &Path) {
    see(path, |state| state.file(path).into_iter().for_each(Watched::sync));
}

/// A directory was synced, and with it everything before its last change.
pub fn directory_synced(path: &Path) {
    see(path, |state| {
        let last = state.changes.iter().rposition(|change| change.is_in(path));
        state.certain = state.certain.max(last.map_or(0, |last| last + 1));
    });
}

/// A file or directory has another name.
pub fn renamed(from: &Path, to: &Path) {
    see(from, |state| state.change(Change::Rename(from.to_path_buf(), to.to_path_buf())));
}

/// A file was removed, or a directory with what is in it.
pub fn removed(path: &Path) {
    see(path, |state| state.change(Change::Remove(path.to_path_buf())));
}
