//! A sync as its users see it: what was stored is on the server, once, under the right names; what went wrong is told,
//! and kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod destinations;
mod kinds;
mod limits;
mod once;
mod parts;
mod plan;
mod troubles;

use common::server::{free_port, Server, KEY};
use serde_json::{json, Value};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use weave::record::call::Call;
use weave::record::digest::{bytes_digest, table_digest, value_digest};
use weave::record::frame::{Body, Record};
use weave::record::ids::Id;
use weave::record::json::Value as Json;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::hop::Members;
use weave::store::layout::{data_files, Access, ProjectDir};
use weave::store::options::QuotaPolicy;
use weave::store::quota::Quota;
use weave::store::{retention, Store, StoreOptions};
use weave::sync::{self, Choices, Connection, Environment, Outcome, Request, Secret, Stop};
use weave::Status;

/// A program that logs, and the directory it logs to.
struct Writer {
    dir: tempfile::TempDir,
    store: Arc<Store>,
    project: String,
}

impl Writer {
    fn new(project: &str) -> Writer {
        Writer::in_directory(project, tempfile::tempdir().unwrap())
    }

    fn in_directory(project: &str, dir: tempfile::TempDir) -> Writer {
        let store = Store::open(&StoreOptions { dir: dir.path().to_path_buf(), ..StoreOptions::default() }).unwrap();
        store.add_project(project, &json!({}), !project.starts_with("offline/")).unwrap();
        Writer { dir, store, project: project.to_string() }
    }

    /// The program ends; the directory stays.
    fn end_of_the_program(self) -> tempfile::TempDir {
        let Writer { store, dir, .. } = self;
        store.close();
        drop(store);
        while std::fs::read_dir(dir.path().join(".weave/journals")).unwrap().count() > 0 {
            std::thread::yield_now();
        }
        dir
    }

    fn record(&self, record_type: RecordType, data: &Value) {
        let body = &data.to_string();
        let record =
            Record { record_type, timestamp: Timestamp::now(), project: &self.project, body: Body::Json(body) };
        self.store.append(&record).unwrap();
    }

    fn call(&self, record_type: RecordType, call: &Call<'_>) {
        let record =
            Record { record_type, timestamp: Timestamp::now(), project: &self.project, body: Body::Call(call) };
        self.store.append(&record).unwrap();
    }

    fn start(&self, id: &str, inputs: &str) {
        let started_at = Some(Timestamp::now());
        let call = Call {
            id: id.as_bytes(),
            trace_id: Some(id.as_bytes()),
            op_name: Some(b"step"),
            started_at,
            attributes: Some(b"{}"),
            inputs: Some(inputs.as_bytes()),
            ..Call::default()
        };
        self.call(RecordType::CallStart, &call);
    }

    fn end(&self, id: &str) {
        let ended_at = Some(Timestamp::now());
        let call =
            Call { id: id.as_bytes(), ended_at, output: Some(b"\"done\""), summary: Some(b"{}"), ..Call::default() };
        self.call(RecordType::CallEnd, &call);
    }

    fn finished_call(&self, inputs: &str) -> String {
        let id = Id::new().to_string();
        self.start(&id, inputs);
        self.end(&id);
        id
    }

    fn flush(&self) {
        self.store.flush(None).unwrap();
    }

    fn sync(&self, server: &str) -> Outcome {
        sync_dir(self.dir.path(), server, KEY, None)
    }

    fn sync_with(&self, server: &str, choices: Choices) -> Outcome {
        sync_with(self.dir.path(), server, choices)
    }

    fn counts(&self, outcome: &Outcome, kind: &str) -> (u64, u64) {
        let results: Value = serde_json::from_str(&outcome.results.to_json()).unwrap();
        let pair = &results[&self.project][kind];
        (pair[0].as_u64().unwrap(), pair[1].as_u64().unwrap())
    }

    fn pending(&self, kind: Kind) -> usize {
        let folder = ProjectDir::new(self.dir.path(), &self.project).kind(kind);
        data_files(&folder).unwrap().iter().filter(|file| !file.synced).count()
    }
}

fn sync_dir(dir: &Path, server: &str, key: &str, project: Option<&str>) -> Outcome {
    try_sync(dir, server, key, project).unwrap()
}

fn connection(server: &str, key: &str) -> Connection {
    let (url, api_key) = (Some(server.to_string()), Some(Secret::new(key)));
    Connection { base_url: url.clone(), trace_server_url: url, api_key, ..Connection::default() }
}

fn try_sync(dir: &Path, server: &str, key: &str, project: Option<&str>) -> weave::Result<Outcome> {
    run(dir, server, key, project, Choices::default(), &mut || {})
}

/// A sync that calls `acknowledged` whenever the server has taken something.
fn run(
    dir: &Path,
    server: &str,
    key: &str,
    project: Option<&str>,
    choices: Choices,
    acknowledged: &mut dyn FnMut(),
) -> weave::Result<Outcome> {
    let connection = connection(server, key);
    let environment = Environment::given(&[], dir, dir);
    let request = Request {
        offline_dir: dir,
        projects: project.as_slice(),
        connection: &connection,
        environment: &environment,
        choices,
        stop: Stop::new(),
    };
    sync::run(&request, &mut |_| {
        acknowledged();
        true
    })
}

fn sync_with(dir: &Path, server: &str, choices: Choices) -> Outcome {
    run(dir, server, KEY, None, choices, &mut || {}).unwrap()
}

/// Calls that run are sent however young they are.
fn at_once() -> Choices {
    Choices { open_after: Duration::ZERO, ..Choices::default() }
}

fn calls(server: &Server, project: &str) -> Vec<Value> {
    let answer = server.post_bytes("/calls/stream_query", &json!({"project_id": project})).unwrap();
    let text = String::from_utf8(answer).unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn most_often_written(server: &Server) -> u64 {
    server.get("/test/writes")[0][2].as_u64().unwrap_or(0)
}
