//! An offline directory as programs and syncs leave it, with the receipts of what was sent.

use super::server::KEY;
use serde_json::{json, Value};
use std::path::Path;
use std::sync::Arc;
use weave::record::digest::bytes_digest;
use weave::record::frame::{Body, Record};
use weave::record::ids::Id;
use weave::record::kind::{Kind, RecordType};
use weave::record::time::Timestamp;
use weave::store::layout::{data_files, Access, ProjectDir};
use weave::store::reader::Reader;
use weave::store::{Store, StoreOptions};
use weave::sync::receipt_ids::Namer;
use weave::sync::receipts::{self, About, Builder};
use weave::sync::verify::{self, Verification};
use weave::sync::{self, Choices, Connection, Environment, Request, Secret, Stop};

/// A project of a program that logs.
pub struct Offline {
    pub dir: tempfile::TempDir,
    pub project: String,
    store: Arc<Store>,
}

impl Offline {
    pub fn new(project: &str) -> Offline {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions { dir: dir.path().to_path_buf(), ..StoreOptions::default() }).unwrap();
        store.add_project(project, &json!({}), true).unwrap();
        Offline { dir, project: project.to_string(), store }
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn folder(&self) -> ProjectDir {
        ProjectDir::new(self.root(), &self.project)
    }

    pub fn log(&self, record_type: RecordType, data: &Value) {
        let (project, body) = (self.project.as_str(), &data.to_string());
        let record = Record { record_type, timestamp: Timestamp::now(), project, body: Body::Json(body) };
        self.store.append(&record).unwrap();
    }

    /// Writes a finished call as another writer would, and answers the line.
    pub fn call_line(&self, op_name: &str) -> (String, String) {
        let (id, now) = (Id::new().to_string(), Timestamp::now().to_string());
        let data = json!({"project_id": self.project, "id": id, "trace_id": id, "op_name": op_name, "started_at": now,
                          "ended_at": now, "attributes": {}, "inputs": {"n": 1}, "summary": {}});
        let line = json!({"type": "call_complete", "timestamp": now, "data": data}).to_string();
        (id, line)
    }

    /// Puts lines into a pending file of a kind.
    pub fn write_file(&self, kind: Kind, number: u64, lines: &[String]) {
        let folder = self.folder().kind(kind);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("20260101_{number:04}.jsonl")), lines.join("\n") + "\n").unwrap();
    }

    pub fn object(&self, name: &str, value: &Value) {
        let object = json!({"obj": {"project_id": self.project, "object_id": name, "val": value}});
        self.log(RecordType::ObjCreate, &object);
    }

    pub fn file(&self, bytes: &[u8]) -> String {
        let digest = bytes_digest(bytes);
        self.store.put_file(&self.project, &digest, bytes).unwrap();
        let data = json!({"project_id": self.project, "name": "x", "digest": digest, "size": bytes.len()});
        self.log(RecordType::FileCreate, &data);
        digest
    }

    pub fn feedback(&self, call: &str, note: &str) -> String {
        let id = Id::new().to_string();
        let weave_ref = format!("weave:///{}/call/{call}", self.project);
        let data = json!({"project_id": self.project, "id": id, "weave_ref": weave_ref,
                          "feedback_type": "wandb.note.1", "payload": {"note": note}});
        self.log(RecordType::FeedbackCreate, &data);
        id
    }

    /// A sync, and receipts for what it marked.
    pub fn sync(&self, server: &str) -> sync::Outcome {
        self.sync_with(server, Choices::default())
    }

    pub fn sync_with(&self, server: &str, choices: Choices) -> sync::Outcome {
        let (connection, environment) = (connection(server), self.environment());
        let request = Request {
            offline_dir: self.root(),
            projects: &[],
            connection: &connection,
            environment: &environment,
            choices,
            stop: Stop::new(),
        };
        let outcome = sync::run(&request, &mut |_| true).unwrap();
        self.make_receipts(server);
        outcome
    }

    pub fn verify(&self, server: &str, put_back: bool) -> (verify::Outcome, Vec<String>) {
        self.verify_over(&connection(server), put_back)
    }

    pub fn verify_over(&self, connection: &Connection, put_back: bool) -> (verify::Outcome, Vec<String>) {
        let environment = self.environment();
        let verification = Verification {
            offline_dir: self.root(),
            projects: &[],
            connection,
            environment: &environment,
            stop: Stop::new(),
            put_back,
        };
        let mut missing = Vec::new();
        let outcome = verify::run(&verification, &mut |_| true, &mut |one| missing.push(one.id.to_string())).unwrap();
        (outcome, missing)
    }

    pub fn pending(&self, kind: Kind) -> usize {
        data_files(&self.folder().kind(kind)).unwrap().iter().filter(|file| !file.synced).count()
    }

    fn environment(&self) -> Environment {
        Environment::given(&[], self.root(), self.root())
    }

    pub fn flush(&self) {
        self.store.flush(None).unwrap();
    }

    /// Ends the program that logs.
    pub fn close(&self) {
        self.store.close();
        while std::fs::read_dir(self.root().join(".weave/journals")).unwrap().count() > 0 {
            std::thread::yield_now();
        }
    }

    /// Makes the receipts that are not there yet, for files that were sent as they are recorded.
    pub fn make_receipts(&self, server: &str) {
        let project = self.folder();
        let namer = Namer::new(&project, server, &self.project, Access::Owner).unwrap();
        for kind in Kind::ALL {
            for file in data_files(&project.kind(kind)).unwrap().into_iter().filter(|file| file.synced) {
                if receipts::path_of(&project, kind.folder(), &file).exists() {
                    continue;
                }
                let key = file.path.file_name().unwrap().to_str().unwrap().replace(".synced", "");
                let mut builder = Builder::new(&project, kind.folder(), &file, Access::Owner).unwrap();
                let (mut reader, mut line, mut records) = (Reader::open(&file.path).unwrap(), Vec::new(), 0);
                while let Some(index) = reader.next_line(&mut line).unwrap() {
                    let names = namer.of_line(&format!("{}/{key}#{index}", kind.folder()), &line);
                    names.id.iter().for_each(|id| builder.add(id.as_deref()).unwrap());
                    records = index + 1;
                }
                let about =
                    About { records, rejected: 0, elsewhere: 0, server, to: &self.project, server_version: None };
                builder.finish(&file.path, &about).unwrap();
            }
        }
    }
}

pub fn connection(server: &str) -> Connection {
    let url = Some(server.to_string());
    Connection {
        base_url: url.clone(),
        trace_server_url: url,
        api_key: Some(Secret::new(KEY)),
        ..Connection::default()
    }
}
