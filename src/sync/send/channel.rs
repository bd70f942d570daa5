//! Requests for one project: their paths, their repetition, and what the project has already.

use crate::error::{Error, Result, Status};
use crate::sync::line::plain_text;
use crate::sync::lookup::Lookup;
use crate::sync::server::address::escape;
use crate::sync::server::answer::Answer;
use crate::sync::server::failure::{Failure, FailureKind};
use crate::sync::server::retry::{Retry, RetryId, RetryPolicy};
use crate::sync::server::stop::Stop;
use crate::sync::server::transport::Transport;
use serde_json::{json, Value};
use std::sync::atomic::AtomicBool;

/// The way to one project on the server. Several threads may use it.
pub struct Channel<'a> {
    /// The way to the server.
    pub transport: &'a Transport,
    /// How often a request is tried.
    pub policy: &'a RetryPolicy,
    /// The same for what is tried again as a part of something larger.
    pub brief: RetryPolicy,
    /// Whether the caller wants an end.
    pub stop: Stop,
    /// The `entity/project` that is written to.
    pub target: String,
    /// The server does not know complete calls.
    pub without_complete_calls: AtomicBool,
    /// The server takes feedback one at a time.
    pub without_feedback_batches: AtomicBool,
}

impl Channel<'_> {
    /// Posts JSON to the trace server, again and again: for requests that may be repeated.
    pub fn post(&self, path: &str, body: &[u8]) -> std::result::Result<Answer, Failure> {
        self.attempt(path, |id| self.transport.post_json(path, body, id))
    }

    /// Posts JSON to the trace server, once.
    pub fn post_once(&self, path: &str, body: &[u8]) -> std::result::Result<Answer, Failure> {
        self.transport.post_json(path, body, &RetryId::random())
    }

    /// Makes a request, with retries.
    pub fn attempt<T>(
        &self,
        what: &str,
        request: impl FnMut(&RetryId) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        Retry { policy: self.policy, stop: &self.stop }.run(what, request)
    }

    /// The path of a route under the project.
    pub fn route(&self, rest: &str) -> String {
        let (entity, project) = self.target.split_once('/').unwrap_or(("", &self.target));
        format!("/v2/{}/{}/{rest}", escape(entity), escape(project))
    }

    /// The way to ask for what the project has.
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup {
            transport: self.transport,
            retry: Retry { policy: &self.brief, stop: &self.stop },
            project: &self.target,
        }
    }

    /// A refusal that would meet every record is not the fault of one: an error when the project is closed to the key,
    /// or the server fails for a simple question about it too.
    pub fn check_is_open(&self, failure: &Failure) -> Result<()> {
        let of_all = |kind| matches!(kind, FailureKind::Forbidden | FailureKind::NotFound | FailureKind::ServerError);
        if !of_all(failure.kind()) {
            return Ok(());
        }
        match self.ask_for_little() {
            Err(closed) if matches!(closed.kind(), FailureKind::Forbidden | FailureKind::NotFound) => {
                Err(Error::new(Status::Forbidden, closed.to_string()).context(format!("project {}", self.target)))
            }
            Err(failing) if of_all(failing.kind()) || failing.is_transient() => {
                Err(Error::from(failing).context(format!("project {}", self.target)))
            }
            Err(stopped) if stopped.kind() == FailureKind::Cancelled => Err(stopped.into()),
            _ => Ok(()),
        }
    }

    /// Fails when nothing can be connected any more.
    pub fn is_reachable(&self) -> std::result::Result<(), Failure> {
        match self.ask_for_little() {
            Err(gone) if gone.is_dead_link() || gone.is_silence() => Err(gone),
            _ => Ok(()),
        }
    }

    fn ask_for_little(&self) -> std::result::Result<Answer, Failure> {
        let question = json!({"project_id": self.target, "limit": 1, "columns": ["id"]}).to_string();
        let (place, retry) = ("/calls/stream_query", Retry { policy: &self.brief, stop: &self.stop });
        retry.run(place, |id| self.transport.post_query(place, question.as_bytes(), id))
    }
}

/// The id of a call or of feedback, of its text as it is sent.
pub fn id_of(text: &str) -> String {
    let parsed = || serde_json::from_str::<Value>(text).ok()?.get("id")?.as_str().map(str::to_string);
    plain_text(text, "id").map(str::to_string).or_else(parsed).unwrap_or_default()
}
