//! Asking a server what it has, with as little transfer as its routes allow.

use super::server::answer::Answer;
use super::server::failure::{Failure, FailureKind};
use super::server::retry::{Retry, RetryId};
use super::server::transport::Transport;
use crate::error::{Error, Result, Status};
use serde::de::DeserializeOwned;
use serde::Deserialize;
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// How many ids one question may name (protocol, section 6.9).
pub(super) const MOST_IDS: usize = 1000;

/// What the server knows of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    /// It is there.
    Found,
    /// It is not there, or not as it was sent.
    Missing,
    /// It was there, and somebody has deleted it.
    Deleted,
    /// It did not come within the time that it may take, from a server that answers otherwise.
    Late,
}

/// A project on a server, asked for what it holds.
pub(super) struct Lookup<'a> {
    pub(super) transport: &'a Transport,
    pub(super) retry: Retry<'a>,
    /// `entity/project`.
    pub(super) project: &'a str,
}

#[derive(Deserialize)]
struct CallRow {
    id: String,
    #[serde(default)]
    ended_at: Option<String>,
}

#[derive(Deserialize)]
struct Row {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Feedback {
    result: Vec<Row>,
}

#[derive(Deserialize)]
struct Prices {
    results: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Tables {
    tables: Vec<Table>,
}

#[derive(Deserialize)]
struct Table {
    digest: String,
}

#[derive(Deserialize)]
struct TableRows {
    rows: Vec<serde::de::IgnoredAny>,
}

/// The digest of a table without rows, which a server may or may not say that it has.
const NO_ROWS: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

impl Lookup<'_> {
    /// Fails when the project is closed to the key or not there: then nothing can be said of what it holds.
    pub(super) fn check_open(&self) -> Result<()> {
        let question = json!({"project_id": self.project, "limit": 1, "columns": ["id"]});
        self.lines::<CallRow>("/calls/stream_query", &question).map(|_| ()).map_err(|closed| match closed.kind() {
            // Of the project alone, unlike other failures of a server.
            FailureKind::NotFound => Error::new(Status::Forbidden, closed.to_string()).context(self.project),
            _ => self.told(closed),
        })
    }

    /// Which calls are there, and whether they have ended. At most [`MOST_IDS`].
    pub(super) fn calls(&self, ids: &[&str]) -> std::result::Result<HashMap<String, bool>, Failure> {
        let question = json!({"project_id": self.project, "filter": {"call_ids": ids}, "columns": ["id", "ended_at"]});
        let rows = self.lines::<CallRow>("/calls/stream_query", &question)?;
        Ok(rows.into_iter().map(|row| (row.id, row.ended_at.is_some())).collect())
    }

    /// Which feedback is there. At most [`MOST_IDS`].
    pub(super) fn feedback(&self, ids: &[&str]) -> std::result::Result<HashSet<String>, Failure> {
        let answer: Feedback = self.ask("/feedback/query", &self.by_id(ids))?;
        Ok(answer.result.into_iter().filter_map(|row| row.id).collect())
    }

    /// The prices of a model that are there.
    pub(super) fn prices(&self, model: &str) -> std::result::Result<Vec<serde_json::Value>, Failure> {
        let query = json!({"$expr": {"$eq": [{"$getField": "llm_id"}, {"$literal": model}]}});
        let Prices { mut results } = self.ask("/cost/query", &json!({"project_id": self.project, "query": query}))?;
        results.retain(|price| price.get("llm_id").and_then(serde_json::Value::as_str) == Some(model));
        Ok(results)
    }

    /// Which tables are there. At most [`MOST_IDS`].
    pub(super) fn tables(&self, digests: &[&str]) -> Result<HashSet<String>> {
        let question = json!({"project_id": self.project, "digests": digests});
        match self.ask::<Tables>("/table/query_stats_batch", &question) {
            Ok(answer) => Ok(answer.tables.into_iter().map(|table| table.digest).collect()),
            Err(failure) if failure.kind() == FailureKind::RouteMissing => self.tables_of_older(digests),
            Err(failure) => Err(self.told(failure)),
        }
    }

    /// An older server tells a table by its rows alone.
    fn tables_of_older(&self, digests: &[&str]) -> Result<HashSet<String>> {
        let mut found = HashSet::new();
        for digest in digests {
            let question = json!({"project_id": self.project, "digest": digest, "limit": 1});
            match self.ask::<TableRows>("/table/query", &question) {
                Ok(answer) if answer.rows.is_empty() && *digest != NO_ROWS => {}
                Ok(_) => drop(found.insert((*digest).to_string())),
                Err(failure) if failure.kind() == FailureKind::NotFound => {}
                Err(failure) => return Err(self.told(failure)),
            }
        }
        Ok(found)
    }

    /// Whether an object or op is there. The project must be known to be open.
    pub(super) fn object(&self, name: &str, digest: &str) -> Result<Known> {
        let mut question = json!({"project_id": self.project, "object_id": name, "digest": digest,
                                  "metadata_only": true});
        let place = "/obj/read";
        let mut answer = self.post(place, &question);
        // An older server does not know that its value may be left out.
        if answer.as_ref().is_err_and(|failure| failure.kind() == FailureKind::Invalid) {
            question.as_object_mut().map(|fields| fields.remove("metadata_only"));
            answer = self.post(place, &question);
        }
        self.known(answer.map(|_| true))
    }

    /// Whether a file is there with the bytes that its digest stands for. The project must be known to be open.
    pub(super) fn file(&self, digest: &str) -> Result<Known> {
        let place = "/file/content";
        let question = json!({"project_id": self.project, "digest": digest}).to_string();
        let ask = |id: &RetryId| match self.transport.post_for_digest(place, question.as_bytes(), id) {
            // Asked for again, it would take as long again.
            Err(late) if late.is_late() => Ok(None),
            answer => answer.map(Some),
        };
        match self.retry.run(place, ask) {
            Ok(None) => self.check_open().map(|()| Known::Late),
            answer => self.known(answer.map(|found| found.as_deref() == Some(digest))),
        }
    }

    fn known(&self, answer: std::result::Result<bool, Failure>) -> Result<Known> {
        match answer {
            Ok(true) => Ok(Known::Found),
            Ok(false) => Ok(Known::Missing),
            Err(failure) if failure.kind() == FailureKind::NotFound => Ok(Known::Missing),
            Err(failure) if failure.kind() == FailureKind::Gone => Ok(Known::Deleted),
            Err(failure) => Err(self.told(failure)),
        }
    }

    fn by_id(&self, ids: &[&str]) -> serde_json::Value {
        let ids: Vec<_> = ids.iter().map(|id| json!({"$literal": id})).collect();
        let query = json!({"$expr": {"$in": [{"$getField": "id"}, ids]}});
        json!({"project_id": self.project, "fields": ["id"], "query": query})
    }

    fn ask<T: DeserializeOwned>(&self, place: &str, question: &serde_json::Value) -> std::result::Result<T, Failure> {
        self.post(place, question)?.json()
    }

    fn lines<T: DeserializeOwned>(
        &self,
        place: &str,
        question: &serde_json::Value,
    ) -> std::result::Result<Vec<T>, Failure> {
        let body = question.to_string();
        self.retry.run(place, |id| self.transport.post_query(place, body.as_bytes(), id))?.json_lines()
    }

    fn post(&self, place: &str, question: &serde_json::Value) -> std::result::Result<Answer, Failure> {
        let body = question.to_string();
        self.retry.run(place, |id| self.transport.post_json(place, body.as_bytes(), id))
    }

    pub(super) fn told(&self, failure: Failure) -> Error {
        Error::from(failure).context(format!("project {}", self.project))
    }
}
