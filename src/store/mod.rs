//! The store: what is kept in the offline directory, and how.
//!
//! A record goes into the journal of its process ([`journal`]); one packer thread a process and directory
//! (`session`) moves it into data files ([`output`], [`data_file`], [`member`]); a later start does the same for
//! journals whose process is gone ([`recovery`]). [`reader`] reads data files, also those of other writers.
//!
//! Touches the disk, and nothing of the network.

pub mod data_file;
pub mod journal;
pub mod layout;
pub mod limits;
pub mod lock;
pub mod member;
pub mod needed;
pub mod options;
pub mod output;
pub mod process;
pub mod quota;
pub mod reader;
pub mod recovery;
pub mod retention;
mod session;
pub mod stats;
pub mod usage;

use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::frame::{Body, Record};
use crate::record::kind::{Kind, RecordType};
use crate::record::time::Timestamp;
use data_file::FileOptions;
use layout::{Access, ProjectDir};
use once_cell::race::OnceBox;
pub use options::StoreOptions;
use parking_lot::Mutex;
use session::Session;
use stats::Stats;
use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An offline directory, open for writing. Any thread may use it; those that open the same directory share its journal.
pub struct Store {
    shared: Arc<Shared>,
    options: StoreOptions,
    closed: AtomicBool,
}

struct Shared {
    dir: PathBuf,
    access: Access,
    /// Stores that were opened on it and not closed; changed only while `OPEN` is held.
    handles: AtomicUsize,
    starting: Mutex<()>,
    session: OnceBox<Arc<Session>>,
    /// In the child of a fork: the child's own session. The parent's must not be touched there.
    child: OnceBox<Arc<Shared>>,
    /// How the files of each project that was added are written.
    projects: Mutex<HashMap<String, FileOptions>>,
    /// The same of projects that a parent process added.
    inherited: HashMap<String, FileOptions>,
}

/// The directories that are open in this process.
static OPEN: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

impl Store {
    /// Opens an offline directory: makes it if needed, packs abandoned journals, starts a journal.
    pub fn open(options: &StoreOptions) -> Result<Arc<Store>> {
        let access = options.access();
        if !options.dir.is_dir() {
            access.make_directory(&options.dir)?;
        }
        let dir = fs::canonicalize(&options.dir).map_err(|cause| Error::io("cannot use", &options.dir, &cause))?;
        let mut open = OPEN.lock();
        let there = open.iter().find(|shared| shared.dir == dir).cloned();
        let is_first = there.is_none();
        let shared = match there {
            Some(shared) => shared,
            None => {
                let shared = Arc::new(Shared::new(&dir, access, HashMap::new()));
                shared.session()?;
                open.push(shared.clone());
                shared
            }
        };
        shared.handles.fetch_add(1, Ordering::AcqRel);
        drop(open);
        if is_first {
            if let Err(error) = recover(&StoreOptions { dir, ..options.clone() }) {
                log::write(log::Level::Warning, || format!("{error}; it is tried again at the next start"));
            }
        }
        Ok(Arc::new(Store { shared, options: options.clone(), closed: AtomicBool::new(false) }))
    }

    /// Lets go of the directory. When nobody else of this process has it open, what is left is packed and the journal
    /// removed; records are refused from then on. What cannot be packed now stays in the journal for the next start.
    pub fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut open = OPEN.lock();
        let is_last = self.shared.handles.fetch_sub(1, Ordering::AcqRel) == 1;
        if is_last {
            open.retain(|shared| !Arc::ptr_eq(shared, &self.shared));
        }
        drop(open);
        if is_last {
            self.shared.stop();
        }
    }

    /// The offline directory.
    pub fn dir(&self) -> &Path {
        &self.shared.dir
    }

    /// Says who writes to a project, before anything else of it, and waits until that is on the disk.
    ///
    /// `writer` is what the caller wants to say of itself (a JSON object); `bound` tells whether the entity is a real
    /// one or stands for an unknown one.
    pub fn add_project(&self, project: &str, writer: &serde_json::Value, bound: bool) -> Result<()> {
        let shared = self.shared.current()?;
        let session = shared.session()?;
        session.set_options(project, self.options.files());
        if shared.projects.lock().insert(project.to_string(), self.options.files()).is_some() {
            return Ok(());
        }
        let mut identity = serde_json::json!({"format_version": limits::FORMAT_VERSION, "project_id": project});
        if let (Some(identity), Some(writer)) = (identity.as_object_mut(), writer.as_object()) {
            identity.extend(writer.clone());
        }
        let (entity, name) = project.split_once('/').unwrap_or((layout::UNBOUND_ENTITY, project));
        let about = serde_json::json!({"project_id": project, "entity": entity, "project": name, "bound": bound});
        for (record_type, data) in [(RecordType::Writer, identity), (RecordType::Project, about)] {
            let body = Body::Json(&data.to_string());
            session.append(&Record { record_type, timestamp: Timestamp::now(), project, body })?;
        }
        session.flush(Some(Duration::from_secs(5)), false).map(|_| ())
    }

    /// Keeps a record. When this returns, the record survives the death of the process.
    pub fn append(&self, record: &Record<'_>) -> Result<()> {
        self.shared.current()?.session()?.append(record)
    }

    /// Stores the bytes of a file under its digest, once per content; they are on the disk when this returns.
    pub fn put_file(&self, project: &str, digest: &str, bytes: &[u8]) -> Result<()> {
        let place = ProjectDir::new(&self.shared.dir, project);
        let path = place.file_body(digest);
        // One that is there already counts as just written, so that it is not deleted as long since sent.
        if fs::File::options().append(true).open(&path).is_ok_and(|file| file.set_modified(SystemTime::now()).is_ok()) {
            return Ok(());
        }
        let folder = place.kind(Kind::Files);
        self.shared.access.make_directory(&folder)?;
        let temporary = folder.join(format!(".{digest}.{}", crate::record::ids::Id::new()));
        let failed = |cause| Error::io("cannot write the file", &path, &cause);
        let written = self.shared.access.create_file(&temporary).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_data()
        });
        let named = written.and_then(|()| match process::rename_new(&temporary, &path) {
            Err(cause) if cause.kind() != ErrorKind::AlreadyExists => Err(cause),
            _ => Ok(()),
        });
        let _ = fs::remove_file(&temporary);
        named.map_err(failed)?;
        layout::sync_directory(&folder)
    }

    /// Waits until everything accepted so far is in data files on the disk; returns how many records
    /// are not when the time is over (they are kept).
    pub fn flush(&self, limit: Option<Duration>) -> Result<u64> {
        self.shared.current()?.session()?.flush(limit, false)
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

impl Shared {
    fn new(dir: &Path, access: Access, inherited: HashMap<String, FileOptions>) -> Self {
        Shared {
            dir: dir.to_path_buf(),
            access,
            handles: AtomicUsize::new(0),
            starting: Mutex::new(()),
            session: OnceBox::new(),
            child: OnceBox::new(),
            projects: Mutex::new(HashMap::new()),
            inherited,
        }
    }

    /// For the child of a fork, where a lock that another thread of the parent held is never given back.
    fn for_child(&self) -> Self {
        let mut inherited = self.inherited.clone();
        if let Some(projects) = self.projects.try_lock() {
            inherited.extend(projects.clone());
        }
        Shared::new(&self.dir, self.access, inherited)
    }

    /// What belongs to this process: in the child of a fork, something made for the child.
    fn current(self: &Arc<Self>) -> Result<Arc<Shared>> {
        match self.session.get() {
            Some(session) if !session.is_of_this_process() => {
                self.child.get_or_init(|| Box::new(Arc::new(self.for_child()))).current()
            }
            _ => Ok(self.clone()),
        }
    }

    fn session(&self) -> Result<&Arc<Session>> {
        if let Some(session) = self.session.get() {
            return Ok(session);
        }
        // One thread starts it: a second session would keep its thread and journal for ever.
        let _starting = self.starting.lock();
        self.session.get_or_try_init(|| {
            let session = Session::start(&self.dir, self.access)?;
            self.inherited.iter().for_each(|(project, options)| session.set_options(project, options.clone()));
            Ok(Box::new(session))
        })
    }

    fn seal(self: &Arc<Self>, limit: Option<Duration>) -> Result<u64> {
        self.current()?.session()?.flush(limit, true)
    }

    fn stop(&self) {
        match (self.session.get(), self.child.get()) {
            (Some(session), _) if session.is_of_this_process() => session.stop(limits::STOP_LIMIT),
            (_, Some(child)) => child.stop(),
            _ => {}
        }
    }
}

/// Closes the data files that this process writes in an offline directory, so that a sync can send them whole.
pub fn seal_own_files(dir: &Path) -> Result<()> {
    let Ok(dir) = fs::canonicalize(dir) else { return Ok(()) };
    let Some(shared) = OPEN.lock().iter().find(|shared| shared.dir == dir).cloned() else { return Ok(()) };
    match shared.seal(Some(Duration::from_secs(60))) {
        Ok(0) => Ok(()),
        Ok(_) => Err(Error::new(Status::Timeout, "the records of this process could not be packed in a minute")),
        Err(error) if error.status() == Status::Closed => Ok(()), // closed meanwhile, so sealed
        Err(error) => Err(error),
    }
}

/// Packs the journals in an offline directory whose process is gone.
pub fn recover(options: &StoreOptions) -> Result<()> {
    recovery::recover(&options.dir, options.access(), &options.files())
}
