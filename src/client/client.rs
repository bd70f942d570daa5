//! A session: one project, its settings, and the one way from a checked record into the store.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::batch::GivenCall;
use super::filter::{Filter, FilteredRecord};
use super::online::{self, Online};
use super::options::{Mode, Options, Settings};
use super::sender::{self, Until};
use super::system::System;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::call::{Call, CallFields};
use crate::record::frame::{Body, Record};
use crate::record::ids::Id;
use crate::record::json::{compact, Redact, Value};
use crate::record::kind::RecordType;
use crate::record::names::{check_path_part, split_project};
use crate::record::sink::Sink;
use crate::record::time::Timestamp;
use crate::store::layout::UNBOUND_ENTITY;
use crate::store::process::{lock, PerProcess};
use crate::store::stats::Stats;
use crate::store::Store;
use crate::sync::server::environment::FOREVER;
use crate::sync::Environment;

/// Above this, servers of the older route may store a note in place of the call (protocol, section 8).
const LARGE_CALL: usize = 7 << 19;

const OPEN: u8 = 0;
const FINISHED: u8 = 1;
const BROKEN: u8 = 2;

/// A session for one project. Any thread may use it, any number at a time.
pub struct Client {
    project: String,
    mode: Mode,
    store: Option<Arc<Store>>,
    pub(super) system: System,
    pub(super) redact: Redact,
    sample_rate: f64,
    filter: Option<Arc<Filter>>,
    online: Option<Arc<Online>>,
    state: AtomicU8,
    finishing: PerProcess<Finishing>,
    dropped: AtomicU64,
}

impl Client {
    /// Opens a session for `PROJECT` or `ENTITY/PROJECT`.
    pub fn init(project_name: &str, options: &Options) -> Result<Arc<Client>> {
        let environment = Environment::of_process();
        let settings = options.resolve(&environment)?;
        let (entity, project) = split_project(project_name)?;
        let entity = entity.or(settings.entity.as_deref());
        let (entity, project) = match settings.mode {
            Mode::Online => online::first_contact(entity, project, &options.connection().resolve(&environment)?)?,
            _ => (entity.map(str::to_owned), project.to_owned()),
        };
        if let Some(entity) = &entity {
            check_path_part("entity", entity)?;
        }
        check_path_part("project", &project)?;
        let bound = entity.is_some();
        let project = format!("{}/{project}", entity.as_deref().unwrap_or(UNBOUND_ENTITY));
        let store = match settings.mode {
            Mode::Disabled => None,
            _ => {
                let store = Store::open(&settings.store)?;
                store.add_project(&project, &writer(&settings), bound)?;
                Some(store)
            }
        };
        let system = System::new(&settings.source, settings.attributes.as_deref())?;
        let online = match (settings.mode, &store) {
            (Mode::Online, Some(store)) => {
                let online = Online::new(&project, settings.send_interval, store.clone(), options, &environment)?;
                let online = Arc::new(online);
                online.watch()?;
                Some(online)
            }
            _ => None,
        };
        Ok(Arc::new(Client {
            project,
            mode: settings.mode,
            store,
            system,
            redact: settings.redact,
            sample_rate: settings.sample_rate,
            filter: options.filter.clone(),
            online,
            state: AtomicU8::new(OPEN),
            finishing: PerProcess::new(),
            dropped: AtomicU64::new(0),
        }))
    }

    /// `entity/project` as it is recorded.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Where records are stored; nowhere when disabled.
    pub fn offline_dir(&self) -> Option<&Path> {
        self.store.as_ref().map(|store| store.dir())
    }

    /// How many records the program's filter dropped.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// What became of the records that this process logged into the offline directory.
    pub fn stats(&self) -> Stats {
        self.store.as_ref().map(|store| store.stats()).unwrap_or_default()
    }

    /// Brings everything accepted so far to the disk and, online, to the server. Answers how many records are not on the
    /// disk yet: 0 unless the time limit was reached.
    pub fn flush(&self, limit: Option<Duration>) -> Result<u64> {
        self.check_open()?;
        self.settle(limit, false)
    }

    /// The same, and then closes the session: later calls answer [`Status::Closed`]. To finish again is fine; while another
    /// thread finishes it, that is waited for.
    pub fn finish(&self, limit: Option<Duration>) -> Result<u64> {
        let began = Instant::now();
        // A progress function that finishes must not wait for who waits for it.
        let patience = if sender::is_own() { Some(Duration::ZERO) } else { limit };
        let Some(_turn) = self.finishing.get().begin(patience) else {
            return Err(Error::new(Status::Timeout, "another thread finishes the client, and was not done in time"));
        };
        let was = self.state.compare_exchange(OPEN, FINISHED, Ordering::AcqRel, Ordering::Acquire);
        let left = match was {
            Ok(_) => self.settle(limit.map(|limit| limit.saturating_sub(began.elapsed())), true),
            Err(FINISHED) => return Ok(0),
            Err(_) => self.check_open().map(|()| 0),
        };
        if let Some(online) = &self.online {
            sender::leave(online, sender::LEAVE_LIMIT);
        }
        if let Some(store) = self.store.as_ref().filter(|_| was.is_ok()) {
            store.close();
        }
        left
    }

    /// Closes the session as [`Client::finish`] does, but neither reaches for the network nor waits for it.
    pub fn close(&self, limit: Duration) {
        if let Some(online) = &self.online {
            sender::leave(online, Duration::ZERO);
        }
        if self.state.compare_exchange(OPEN, FINISHED, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        if let Some(Err(error)) = self.store.as_ref().map(|store| store.flush(Some(limit))) {
            log::write(log::Level::Error, || format!("flushing when the client was let go: {error}"));
        }
        if let (Some(_), Some(store)) = (&self.online, &self.store) {
            // The sender may still have it in hand.
            store.close();
        }
    }

    /// Reads data of the server: `path` and the JSON of a request, the answer's text.
    pub fn query(&self, path: &str, request: &[u8]) -> Result<String> {
        self.check_open()?;
        match &self.online {
            Some(online) => online.query(path, request),
            None => Err(Error::new(
                Status::Offline,
                format!(
                    "{path}: data of the server is not available offline; open the session without offline, or sync"
                ),
            )),
        }
    }

    /// Refuses all further work, after a fault inside the library.
    pub fn break_off(&self) {
        self.state.store(BROKEN, Ordering::Release);
    }

    #[inline]
    pub(super) fn check_open(&self) -> Result<()> {
        match self.state.load(Ordering::Acquire) {
            OPEN => Ok(()),
            FINISHED => Err(Error::new(Status::Closed, "the client is finished; open another with init")),
            _ => Err(Error::new(
                Status::Panic,
                "a fault inside the library was caught on this client, which takes nothing more; what it accepted is kept",
            )),
        }
    }

    /// Whether anything is kept at all. When not, nothing is checked either.
    pub(super) fn is_disabled(&self) -> bool {
        self.mode == Mode::Disabled
    }

    /// Whether a trace is kept: the same answer for each of its calls, in every process of the same rate.
    #[inline]
    pub(super) fn samples(&self, trace_id: &Id) -> bool {
        let place = || f64::from(crc32fast::hash(trace_id.as_bytes())) / (f64::from(u32::MAX) + 1.0);
        self.sample_rate >= 1.0 || place() < self.sample_rate
    }

    /// Keeps a part of a call, logged at a time. Answers false when the program's filter dropped it.
    #[inline]
    pub(super) fn keep_call(&self, record_type: RecordType, call: &Call<'_>, time: Timestamp) -> Result<bool> {
        let Some(filter) = &self.filter else {
            return self.append(record_type, Body::Call(call), time).map(|()| true);
        };
        let mut data = Vec::new();
        let encoded = Sink::collect(call.encoded_length(), |out| call.encode(out));
        if let Some(fields) = CallFields::decode(&encoded) {
            fields.render(record_type, &self.project, &mut data);
        }
        let data = String::from_utf8_lossy(&data);
        match FilteredRecord::ask(filter.as_ref(), record_type, data)? {
            None => {
                self.dropped.fetch_add(1, Ordering::Relaxed);
                Ok(false)
            }
            Some((_, false)) => self.append(record_type, Body::Call(call), time).map(|()| true),
            Some((data, true)) => {
                let changed = GivenCall::of_record(record_type, &data, self, call)?;
                self.append(record_type, Body::Call(&changed.as_call()), time).map(|()| true)
            }
        }
    }

    /// What is to be kept of a record after the program's filter: the body, and its text. `None`: it dropped the record.
    /// A changed body must still be of this project.
    pub(super) fn filtered(&self, record_type: RecordType, body: Value) -> Result<Option<Value>> {
        let Some(filter) = &self.filter else { return Ok(Some(body)) };
        let text = compact(&body);
        let Some((text, changed)) = FilteredRecord::ask(filter.as_ref(), record_type, Cow::Borrowed(&text))? else {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(None);
        };
        if !changed {
            return Ok(Some(body));
        }
        let changed = Value::parse(&text).map_err(|fault| fault.in_field("record"))?;
        for key in ["project_id", "id", "call_id", "object_id", "digest", "size", "weave_ref"] {
            if member(&changed, key) != member(&body, key) {
                return Err(Error::new(
                    Status::Rejected,
                    format!(
                        "record.{key}: the filter changed it, but it is known elsewhere already; leave it as it was"
                    ),
                ));
            }
        }
        Ok(Some(changed))
    }

    /// Keeps a record that is no part of a call.
    pub(super) fn keep_json(&self, record_type: RecordType, body: &Value) -> Result<()> {
        self.append(record_type, Body::Json(&compact(body)), Timestamp::now())
    }

    /// Keeps the bytes of a file.
    pub(super) fn keep_bytes(&self, digest: &str, bytes: &[u8]) -> Result<()> {
        match &self.store {
            Some(store) => store.put_file(&self.project, digest, bytes),
            None => Ok(()),
        }
    }

    #[inline]
    fn append(&self, record_type: RecordType, body: Body<'_>, timestamp: Timestamp) -> Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let record = Record { record_type, timestamp, project: &self.project, body };
        let length = store.append(&record)?;
        if let Some(online) = &self.online {
            online.watch_quietly();
        }
        if length > LARGE_CALL && matches!(body, Body::Call(_)) {
            log::write(log::Level::Warning, || {
                format!(
                    "{}: {length} bytes; servers may not show values of a call over {LARGE_CALL} bytes; keep the large \
                     part in a file",
                    record_type.name()
                )
            });
        }
        Ok(())
    }

    /// `close` lets a sync of another process take the files whole.
    fn settle(&self, limit: Option<Duration>, close: bool) -> Result<u64> {
        let Some(store) = &self.store else { return Ok(0) };
        let until = match limit.and_then(|limit| Instant::now().checked_add(limit)) {
            Some(time) => Until::Time(time),
            None if close => Until::Silence,
            None => Until::Done,
        };
        let left = if close { store.seal(limit)? } else { store.flush(limit)? };
        match &self.online {
            Some(online) if left == 0 => sender::send_now(online, until).map(|()| 0),
            _ => Ok(left),
        }
    }
}

/// Threads that finish a session do so one after the other.
#[derive(Default)]
struct Finishing {
    is_busy: Mutex<bool>,
    ended: Condvar,
}

/// A thread's turn to finish.
struct Turn<'f>(&'f Finishing);

impl Finishing {
    /// Waits for the turn of this thread; `None` when the time is over.
    fn begin(&self, limit: Option<Duration>) -> Option<Turn<'_>> {
        let began = Instant::now();
        let mut is_busy = lock(&self.is_busy);
        while *is_busy {
            let left = limit.map_or(FOREVER, |limit| limit.saturating_sub(began.elapsed()));
            if left.is_zero() {
                return None;
            }
            is_busy = self.ended.wait_timeout(is_busy, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        *is_busy = true;
        Some(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *lock(&self.0.is_busy) = false;
        self.0.ended.notify_all();
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close(Duration::ZERO);
    }
}

/// What the store notes of who writes.
fn writer(settings: &Settings) -> serde_json::Value {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    serde_json::json!({
        "source": settings.source,
        "library_version": env!("CARGO_PKG_VERSION"),
        "host": host.trim(),
        "pid": std::process::id(),
    })
}

/// A member of a body, or of the one object in it.
fn member<'v>(body: &'v Value, key: &str) -> Option<&'v Value> {
    body.get(key).or_else(|| ["obj", "table"].iter().find_map(|inner| body.get(inner)?.get(key)))
}
