//! The store: what is kept in the offline directory, and how.
//!
//! A record goes into the journal of its process ([`journal`]); one thread a process ([`packer`]) moves it into data
//! files ([`data_file`], [`member`]); a later start does the same for journals whose process is gone ([`recovery`]).
//! [`reader`] reads data files, also those of other writers.
//!
//! Touches the disk, and nothing of the network.

pub mod bodies;
mod control;
pub mod coverage;
pub mod damaged;
pub mod data_file;
pub mod disk;
pub mod file_record;
pub mod held;
pub mod hop;
pub mod journal;
pub mod layout;
pub mod limits;
pub mod lock;
pub mod member;
#[cfg(all(test, not(loom)))]
mod model_tests;
pub mod needed;
pub mod options;
pub mod packer;
pub mod process;
pub mod quota;
pub mod reader;
pub mod recovery;
pub mod retention;
mod session;
pub mod stats;
pub mod survey;
pub mod usage;

use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::frame::{Body, Record};
use crate::record::kind::{Kind, RecordType};
use crate::record::time::Timestamp;
use data_file::FileOptions;
use held::HeldFile;
use layout::ProjectDir;
use once_cell::race::OnceBox;
pub use options::StoreOptions;
use process::{lock, PerProcess};
use session::Session;
use stats::Stats;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An offline directory, open for writing. Any thread may use it; those that open the same directory share its journal,
/// with the choices of the first.
pub struct Store {
    shared: Arc<Shared>,
    options: StoreOptions,
    closed: AtomicBool,
}

struct Shared {
    options: StoreOptions,
    /// Stores that were opened on it and not closed, and what it took over from; changed only while the open
    /// directories are locked.
    handles: AtomicUsize,
    /// One for each process: a thread that a child does not have may be starting.
    starting: PerProcess<Mutex<()>>,
    session: OnceBox<Arc<Session>>,
    /// What takes over when the session cannot go on: in the child of a fork, and when the directory was removed.
    successor: OnceBox<Arc<Shared>>,
    /// The projects that were added: how their files are written, and the records that introduce them.
    projects: Mutex<HashMap<String, Project>>,
}

#[derive(Clone)]
struct Project {
    files: FileOptions,
    introduction: [(RecordType, String); 2],
}

/// The directories that are open in this process.
static OPEN: PerProcess<Mutex<Vec<Arc<Shared>>>> = PerProcess::new();

impl Store {
    /// Opens an offline directory: makes it if needed, packs abandoned journals, starts a journal.
    pub fn open(options: &StoreOptions) -> Result<Arc<Store>> {
        let access = options.access();
        if !options.dir.is_dir() {
            access.make_directory(&options.dir)?;
        }
        let dir = fs::canonicalize(&options.dir).map_err(|cause| Error::io("cannot use", &options.dir, &cause))?;
        let options = StoreOptions { dir, ..options.clone() };
        let there = |open: &[Arc<Shared>]| open.iter().find(|shared| shared.options.dir == options.dir).cloned();
        // First, since what is packed may give the room that the journal needs.
        if there(&lock(OPEN.get())).is_none() {
            if let Err(error) = recover(&options) {
                log::write(log::Level::Warning, || format!("{error}; it is tried again at the next start"));
            }
        }
        let mut open = lock(OPEN.get());
        let shared = match there(&open) {
            Some(shared) => shared,
            None => {
                let shared = Arc::new(Shared::new(&options, HashMap::new()));
                shared.start()?;
                open.push(shared.clone());
                shared
            }
        };
        shared.handles.fetch_add(1, Ordering::AcqRel);
        drop(open);
        Ok(Arc::new(Store { shared, options, closed: AtomicBool::new(false) }))
    }

    /// Lets go of the directory. When nobody else of this process has it open, what is left is packed and the journal
    /// removed; records are refused from then on. What cannot be packed now stays in the journal for the next start.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.shared.let_go();
    }

    /// The offline directory.
    pub fn dir(&self) -> &Path {
        &self.shared.options.dir
    }

    /// Says who writes to a project, before anything else of it, and waits until that is on the disk.
    ///
    /// `writer` is what the caller wants to say of itself (a JSON object); `bound` tells whether the entity is a real
    /// one or stands for an unknown one.
    pub fn add_project(&self, project: &str, writer: &serde_json::Value, bound: bool) -> Result<()> {
        let mut identity = serde_json::json!({"format_version": limits::FORMAT_VERSION, "project_id": project});
        if let (Some(identity), Some(writer)) = (identity.as_object_mut(), writer.as_object()) {
            identity.extend(writer.clone());
        }
        let (entity, name) = project.split_once('/').unwrap_or((layout::UNBOUND_ENTITY, project));
        let about = serde_json::json!({"project_id": project, "entity": entity, "project": name, "bound": bound});
        let introduction = [(RecordType::Writer, identity.to_string()), (RecordType::Project, about.to_string())];
        let added = Project { files: self.options.files(), introduction };
        let shared = self.shared.current()?;
        let session = shared.start()?;
        session.set_options(project, added.files.clone());
        if lock(&shared.projects).insert(project.to_string(), added.clone()).is_some() {
            return Ok(());
        }
        let introduced =
            added.introduce(project, session).and_then(|()| session.flush(Some(Duration::from_secs(5)), false));
        if introduced.is_err() {
            lock(&shared.projects).remove(project); // so that the next attempt introduces it
        }
        introduced.map(|_| ())
    }

    /// Keeps a record, and answers its length as kept. When this returns, the record survives the death of the process.
    #[inline]
    pub fn append(&self, record: &Record<'_>) -> Result<usize> {
        match self.shared.session.get() {
            Some(session) if session.is_current() => session.append(record),
            _ => self.shared.current()?.start()?.append(record),
        }
    }

    /// Stores the bytes of a file under its digest, once per content; they are on the disk when this returns.
    pub fn put_file(&self, project: &str, digest: &str, bytes: &[u8]) -> Result<()> {
        self.shared.current()?.start()?.check_room()?;
        put_file(&self.shared.options, project, digest, bytes)
    }

    /// Waits until everything accepted so far is in data files on the disk; returns how many records
    /// are not when the time is over (they are kept).
    pub fn flush(&self, limit: Option<Duration>) -> Result<u64> {
        self.shared.current()?.start()?.flush(limit, false)
    }

    /// What became of the records of this process.
    pub fn stats(&self) -> Stats {
        let Ok(shared) = self.shared.current() else { return Stats::default() };
        shared.session.get().map(|session| session.stats()).unwrap_or_default()
    }

    /// Like [`Store::flush`], and closes the data files, so that a sync can send them whole.
    pub fn seal(&self, limit: Option<Duration>) -> Result<u64> {
        self.shared.seal(limit)
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl Project {
    fn introduce(&self, project: &str, session: &Session) -> Result<()> {
        self.introduction.iter().try_for_each(|(record_type, data)| {
            let (record_type, body) = (*record_type, Body::Json(data));
            session.append_own(&Record { record_type, timestamp: Timestamp::now(), project, body })
        })
    }
}

impl Shared {
    fn new(options: &StoreOptions, projects: HashMap<String, Project>) -> Self {
        Shared {
            options: options.clone(),
            handles: AtomicUsize::new(0),
            starting: PerProcess::new(),
            session: OnceBox::new(),
            successor: OnceBox::new(),
            projects: Mutex::new(projects),
        }
    }

    /// Itself, or what took over from it.
    fn current(self: &Arc<Self>) -> Result<Arc<Shared>> {
        match self.session.get() {
            Some(session) if !session.is_current() => self.successor(session).current(),
            _ => Ok(self.clone()),
        }
    }

    /// What takes over from it, made if there is none yet.
    fn successor(&self, session: &Session) -> &Arc<Shared> {
        if let Some(successor) = self.successor.get() {
            return successor;
        }
        let mut open = lock(OPEN.get());
        self.successor.get_or_init(|| {
            // In the child of a fork another thread of the parent may have held the lock, which is never given back.
            let projects = self.projects.try_lock().map(|projects| projects.clone()).unwrap_or_default();
            let successor = Arc::new(Shared::new(&self.options, projects));
            successor.handles.store(1, Ordering::Release);
            // Who looks for the directory in this process finds its first one. In the child of a fork that is this one.
            if !session.is_of_this_process() {
                open.push(successor.clone());
            }
            Box::new(successor)
        })
    }

    /// One who had it open has let go. The last one stops it.
    fn let_go(self: &Arc<Self>) {
        let mut open = lock(OPEN.get());
        let is_last = self.handles.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_last {
            open.retain(|shared| !Arc::ptr_eq(shared, self));
        }
        drop(open);
        if is_last {
            self.stop();
        }
    }

    /// The session, started if there is none yet.
    fn start(&self) -> Result<&Arc<Session>> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        // One thread starts it: a second session would keep its journal for ever.
        let _starting = lock(self.starting.get());
        self.session.get_or_try_init(|| {
            let session = Session::start(&self.options)?;
            let introduced = lock(&self.projects).iter().try_for_each(|(name, project)| {
                session.set_options(name, project.files.clone());
                project.introduce(name, &session)
            });
            if let Err(error) = introduced {
                session.stop(limits::STOP_LIMIT);
                return Err(error);
            }
            Ok(Box::new(session))
        })
    }

    fn seal(self: &Arc<Self>, limit: Option<Duration>) -> Result<u64> {
        self.current()?.start()?.flush(limit, true)
    }

    fn stop(&self) {
        if let Some(session) = self.session.get().filter(|session| session.is_of_this_process()) {
            session.stop(limits::STOP_LIMIT);
        }
        if let Some(successor) = self.successor.get() {
            successor.let_go();
        }
    }
}

/// Stores the bytes of a file under its digest.
fn put_file(options: &StoreOptions, project: &str, digest: &str, bytes: &[u8]) -> Result<()> {
    let (access, place) = (options.access(), ProjectDir::new(&options.dir, project));
    let (folder, path) = (place.kind(Kind::Files), place.file_body(digest));
    // One that is there already counts as just written, so that it is not deleted as long since sent. Who deletes it
    // has it locked, and looks how old it is when nobody else has.
    let there = lock::hold(&path, limits::BODY_LOCK_LIMIT)?;
    if there.as_ref().is_some_and(|there| there.touch().is_ok()) {
        // Who stored it may have been killed before its name was on the disk.
        return disk::sync_directory(&folder);
    }
    access.make_directory(&folder)?;
    let temporary = folder.join(format!(".{digest}.{}", crate::record::ids::Id::new()));
    let failed = |cause| Error::io("cannot write the file", &path, &cause);
    let written = HeldFile::create(&temporary, access).and_then(|file| {
        file.append(bytes)?;
        file.sync()
    });
    // Another process may have stored it meanwhile; and only its owner may make a file look new.
    let named = written.and_then(|()| disk::rename(&temporary, &path));
    let _ = disk::remove_file(&temporary);
    named.map_err(failed)?;
    disk::sync_directory(&folder)
}

/// Closes the data files that this process writes in an offline directory, so that a sync can send them whole.
pub fn seal_own_files(dir: &Path) -> Result<()> {
    let Ok(dir) = fs::canonicalize(dir) else { return Ok(()) };
    let open: Vec<_> = lock(OPEN.get()).iter().filter(|shared| shared.options.dir == dir).cloned().collect();
    open.iter().try_for_each(|shared| match shared.seal(Some(Duration::from_secs(60))) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::new(Status::Timeout, "the records of this process could not be packed in a minute")),
        Err(error) if error.status() == Status::Closed => Ok(()), // closed meanwhile, so sealed
        Err(error) => Err(error),
    })
}

/// Packs the journals in an offline directory whose process is gone.
pub fn recover(options: &StoreOptions) -> Result<()> {
    recovery::recover(&options.dir, options.access(), &options.files(), limits::Sizes::USUAL)
}
