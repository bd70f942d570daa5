//! The part of a session that reaches for the network: the first contact when it opens, a pass that sends what is stored,
//! and reading. Passes run on the sender's thread ([`super::sender`]).

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;

use super::options::{Options, ProgressFn};
use super::sender;
use crate::error::{Error, Result, Status};
use crate::log;
use crate::record::json::{accept, Rules};
use crate::store::process::{self, lock, PerProcess};
use crate::store::Store;
use crate::sync::server::connection::Destination;
use crate::sync::server::project;
use crate::sync::server::retry::{Retry, RetryPolicy};
use crate::sync::server::transport::Transport;
use crate::sync::Connection;
use crate::sync::Environment;
use crate::sync::Secret;
use crate::sync::{Choices, Request, Stop, Update};

/// How long opening a session waits for the server, in all.
const CONTACT_LIMIT: Duration = Duration::from_secs(3);

/// How long a pass waits for the packer. It sends what is in data files then, and the rest the next time.
const PACK_LIMIT: Duration = Duration::from_secs(10);

static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// A session's way to the server.
pub(super) struct Online {
    /// Tells sessions apart.
    pub id: u64,
    /// `entity/project` as recorded.
    pub project: String,
    /// How long what was logged may wait while the line is good.
    pub interval: Duration,
    pub store: Arc<Store>,
    connection: Connection,
    environment: Environment,
    choices: Choices,
    progress: Option<Arc<ProgressFn>>,
    /// The generation of the process whose sender knows of this session.
    watched: AtomicU32,
    /// The program's progress function is not to be called any more.
    hushed: AtomicBool,
    /// Held while it runs.
    telling: PerProcess<Mutex<()>>,
    begun: Instant,
    /// When the server last took or refused something, in milliseconds since `begun`.
    heard: AtomicU64,
    /// Finishing without a limit gives up when the server has taken nothing for so long.
    pub patience: Duration,
    /// What queries go through. A child of a fork has connections of its own.
    queries: PerProcess<OnceBox<(Transport, RetryPolicy)>>,
}

impl Options {
    /// What the options say of the way to the server.
    pub fn connection(&self) -> Connection {
        Connection {
            base_url: self.base_url.clone(),
            trace_server_url: self.trace_server_url.clone(),
            api_key: self.api_key.as_deref().map(Secret::new),
            ca_file: self.ca_file.clone(),
            insecure: self.insecure,
            timeout: self.http_timeout,
        }
    }
}

/// Finds the account's entity, and sees to it that the project exists: both names as the server has them. What cannot be
/// known, since the server does not answer or fails, stays as it was given. A refused key is an error.
pub(super) fn first_contact(
    entity: Option<&str>,
    name: &str,
    destination: &Destination,
) -> Result<(Option<String>, String)> {
    let stop = Stop::new().at(Instant::now().checked_add(CONTACT_LIMIT));
    let transport = Transport::new(destination, &stop)?;
    let policy = RetryPolicy { max_attempts: 1, ..destination.retry.clone() };
    let retry = Retry { policy: &policy, stop: &stop };
    let found = match entity {
        Some(entity) => Ok(entity.to_owned()),
        None => project::default_entity(&transport, &retry),
    };
    let mut known = entity.map(str::to_owned);
    let made = found.and_then(|entity| {
        let entity = known.insert(entity);
        project::ensure(&transport, &retry, entity, name)
    });
    match made {
        Ok(name) => Ok((known, name)),
        Err(error) if matches!(error.status(), Status::Network | Status::Server | Status::Cancelled) => {
            log::write(log::Level::Warning, || {
                format!("{error}; the session is opened all the same, and what it logs is sent when the server answers")
            });
            Ok((known, name.to_owned()))
        }
        Err(error) => Err(error),
    }
}

impl Online {
    pub(super) fn new(
        project: &str,
        interval: Duration,
        store: Arc<Store>,
        options: &Options,
        environment: &Environment,
    ) -> Result<Online> {
        let connection = options.connection();
        // A request that ran out of time, and one more.
        let patience = connection.resolve(environment)?.timeout.saturating_mul(2);
        // A pass has no budget and sends to where the session was opened; open files go on.
        let choices = Choices {
            destination: None,
            destinations: Vec::new(),
            max_time: None,
            max_bytes: None,
            wait: Duration::ZERO,
            seal: false,
            ..options.choices(environment)?
        };
        Ok(Online {
            id: SESSIONS.fetch_add(1, Ordering::Relaxed),
            project: project.to_owned(),
            interval,
            store,
            connection,
            environment: environment.clone(),
            progress: options.progress.clone(),
            watched: AtomicU32::new(0),
            hushed: AtomicBool::new(false),
            telling: PerProcess::new(),
            begun: Instant::now(),
            heard: AtomicU64::new(0),
            patience,
            queries: PerProcess::new(),
            choices,
        })
    }

    /// Sees to it that this process sends what is logged. Without the thread for it there is no session.
    pub(super) fn watch(self: &Arc<Self>) -> Result<()> {
        self.watched.store(process::generation(), Ordering::Relaxed);
        sender::watch(self)
    }

    /// The same with the first record that a child of a fork logs; it is kept in any case.
    #[inline]
    pub(super) fn watch_quietly(self: &Arc<Self>) {
        if self.watched.load(Ordering::Relaxed) != process::generation() {
            self.watch_from_now();
        }
    }

    #[cold]
    fn watch_from_now(self: &Arc<Self>) {
        // Not tried again with each record when there can be no thread: a flush does that.
        if let Err(error) = self.watch() {
            log::write(log::Level::Warning, || error.text().to_owned());
        }
    }

    /// How old a call must be that has not ended to be sent as one that runs.
    pub(super) fn open_after(&self) -> Duration {
        self.choices.open_after
    }

    /// Brings what was logged into data files, and sends what the project has there. What could not be sent stays stored.
    /// Answers whether everything that was logged before was tried.
    pub(super) fn pass(&self, stop: &Stop) -> Result<bool> {
        // When that fails, as on a full disk, what is in files can be sent all the same.
        let packed = self.store.flush(Some(PACK_LIMIT));
        let request = Request {
            offline_dir: self.store.dir(),
            projects: &[self.project.as_str()],
            connection: &self.connection,
            environment: &self.environment,
            choices: self.choices.clone(),
            stop: stop.clone(),
        };
        match crate::sync::run(&request, &mut |told: &Update<'_>| self.tell(told))?.error() {
            None => packed.map(|left| left == 0),
            Some(error) => Err(error),
        }
    }

    /// When the server last took or refused something of this session; else when that began.
    pub(super) fn heard(&self) -> Instant {
        self.begun + Duration::from_millis(self.heard.load(Ordering::Relaxed))
    }

    fn tell(&self, told: &Update<'_>) -> bool {
        let now = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.heard.store(now, Ordering::Relaxed);
        let Some(progress) = &self.progress else { return true };
        let _telling = lock(self.telling.get());
        !self.hushed.load(Ordering::Relaxed) && progress(told)
    }

    /// The program's progress function is not called any more, since what it uses may be gone. Waits for one that runs,
    /// unless it is the caller.
    pub(super) fn hush(&self, is_own: bool) {
        self.hushed.store(true, Ordering::Relaxed);
        if !is_own {
            drop(lock(self.telling.get()));
        }
    }

    /// Reads data of the server.
    pub(super) fn query(&self, path: &str, request: &[u8]) -> Result<String> {
        if !path.starts_with('/') {
            return Err(Error::new(
                Status::InvalidArgument,
                format!(
                    "path: \"{path}\" is not the path of a request; begin it with '/', such as /calls/stream_query"
                ),
            ));
        }
        let request = accept(request, "request", &Rules { object: true, ..Rules::default() })?;
        let stop = Stop::new();
        let (transport, policy) = self.queries.get().get_or_try_init(|| {
            let destination = self.connection.resolve(&self.environment)?;
            Ok::<_, Error>(Box::new((Transport::new(&destination, &stop)?, destination.retry)))
        })?;
        let retry = Retry { policy, stop: &stop };
        let answer = retry.run(path, |id| transport.post_query(path, request.as_bytes(), id)).map_err(Error::from)?;
        String::from_utf8(answer.body().to_vec())
            .map_err(|_| Error::new(Status::Server, format!("{path}: the server's answer is not text")))
    }
}
