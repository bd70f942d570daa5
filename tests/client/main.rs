//! What a session records: each test logs through the client and reads the data files back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod filter;
mod kinds;
mod taken;

use std::path::Path;
use std::sync::Arc;

use serde_json::{json, Value};
use tempfile::TempDir;
use weave::client::{exception_text, CallOptions, Client, Context, Decision, Options, Parent};
use weave::record::kind::Kind;
use weave::record::time::Timestamp;
use weave::store::layout::{data_files, ProjectDir};
use weave::store::reader::Reader;
use weave::Status;

struct Session {
    dir: TempDir,
    client: Arc<Client>,
}

fn session() -> Session {
    session_with(Options::default())
}

fn session_with(options: Options) -> Session {
    let dir = TempDir::new().unwrap();
    let client = open("team/demo", dir.path(), options);
    Session { dir, client }
}

fn open(project: &str, dir: &Path, options: Options) -> Arc<Client> {
    let options = Options { offline: Some(true), offline_dir: Some(dir.to_owned()), ..options };
    Client::init(project, &options).unwrap()
}

impl Session {
    fn log(&self, op_name: &str, output: &str, options: &CallOptions) -> String {
        self.client.log_call(op_name, None, Some(output.as_bytes()), options).unwrap().to_string()
    }

    fn records(&self, kind: Kind) -> Vec<Value> {
        self.client.flush(None).unwrap();
        records(self.dir.path(), self.client.project(), kind)
    }

    /// The data of every call, with starts and ends that were joined.
    fn calls(&self) -> Vec<Value> {
        self.records(Kind::Calls).into_iter().map(|mut line| line["data"].take()).collect()
    }

    /// The one call of this op.
    fn call(&self, op_name: &str) -> Value {
        let mut found: Vec<Value> = self.calls().into_iter().filter(|call| call["op_name"] == op_name).collect();
        assert_eq!(found.len(), 1, "{op_name}: {found:?}");
        found.remove(0)
    }
}

fn records(dir: &Path, project: &str, kind: Kind) -> Vec<Value> {
    let mut lines = Vec::new();
    for file in data_files(&ProjectDir::new(dir, project).kind(kind)).unwrap() {
        let mut reader = Reader::open(&file.path).unwrap();
        let mut line = Vec::new();
        while reader.next_line(&mut line).unwrap().is_some() {
            lines.push(serde_json::from_slice(&line).unwrap());
        }
    }
    lines
}

fn below(parent: Parent) -> CallOptions {
    CallOptions { parent: Some(parent), ..CallOptions::default() }
}

fn in_thread(thread: &str) -> CallOptions {
    CallOptions { thread_id: Some(thread.into()), ..CallOptions::default() }
}

fn filtering(filter: impl Fn(&mut weave::client::FilteredRecord<'_>) -> Decision + Send + Sync + 'static) -> Session {
    session_with(Options { filter: Some(Arc::new(filter)), ..Options::default() })
}

const ANSWER: &str = r#"{"model":"gpt","usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
