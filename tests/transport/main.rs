//! Requests to a real server: answers, refusals, faults, proxies, TLS and credentials.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod faults;
mod projects;
mod stops;
mod ways;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::network::{answering, serving, ForwardProxy, Front};
use common::server::{free_port, Server, ENTITY, KEY};
use serde_json::{json, Value};
use weave::sync::server::failure::{Failure, FailureKind};
use weave::sync::server::project;
use weave::sync::server::retry::{Retry, RetryId, RetryPolicy};
use weave::sync::server::transport::{Content, Transport};
use weave::sync::Connection;
use weave::sync::{Environment, Stop};
use weave::{Error, Status};

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::given(variables, Path::new("/nonexistent"), Path::new("/nonexistent"))
}

fn transport_with(url: &str, variables: &[(&str, &str)]) -> Transport {
    stoppable(url, variables, &Stop::new())
}

fn stoppable(url: &str, variables: &[(&str, &str)], stop: &Stop) -> Transport {
    let mut all = vec![("WANDB_BASE_URL", url), ("WF_TRACE_SERVER_URL", url)];
    if !variables.iter().any(|(name, _)| ["WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE"].contains(name)) {
        all.push(("WANDB_API_KEY", KEY));
    }
    all.extend_from_slice(variables);
    let destination = Connection::default().resolve(&environment(&all)).unwrap();
    Transport::new(&destination, stop).unwrap()
}

fn transport(server: &Server) -> Transport {
    transport_with(&server.url(), &[])
}

fn post(transport: &Transport, path: &str, body: &Value) -> Result<Value, Failure> {
    transport.post_json(path, body.to_string().as_bytes(), &RetryId::random())?.json()
}

/// An object in a project that is made first.
fn object(server: &Server, project: &str, value: Value) -> Value {
    server.make_project(ENTITY, project);
    json!({"obj": {"project_id": format!("{ENTITY}/{project}"), "object_id": "thing", "val": value}})
}

fn fast() -> RetryPolicy {
    RetryPolicy {
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(1),
        ..RetryPolicy::default()
    }
}

/// Something that is connected by whoever comes, and reads and answers nothing.
fn mute() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
