//! A session that is not offline: what it says when it opens, and what reaches the server at flush and finish.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::server::{free_port, Server, ENTITY, KEY};
use serde_json::Value;
use tempfile::TempDir;
use weave::client::{CallOptions, Client, Options};
use weave::{Result, Status};

fn options(dir: &Path, url: &str, key: &str) -> Options {
    Options {
        offline: Some(false),
        offline_dir: Some(dir.to_owned()),
        base_url: Some(url.to_owned()),
        trace_server_url: Some(url.to_owned()),
        api_key: Some(key.to_owned()),
        ..Options::default()
    }
}

fn open(project: &str, dir: &TempDir, server: &Server) -> Arc<Client> {
    Client::init(project, &options(dir.path(), &server.url(), KEY)).unwrap()
}

fn log(client: &Client, op_name: &str) -> Result<()> {
    client.log_call(op_name, None, Some(b"1"), &CallOptions::default()).map(drop)
}

/// The op names on the server, in any order.
fn on_server(client: &Client) -> Vec<String> {
    let request = format!(r#"{{"project_id":"{}"}}"#, client.project());
    let answer = client.query("/calls/stream_query", request.as_bytes()).unwrap();
    let mut names: Vec<String> = answer
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["op_name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_logged_is_on_the_server_after_a_flush_and_the_session_goes_on() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let client = open("team/online", &dir, &server);
    log(&client, "first").unwrap();
    assert_eq!(client.flush(None).unwrap(), 0);
    assert_eq!(on_server(&client), ["first"]);
    log(&client, "second").unwrap();
    let reader = open("team/online", &dir, &server);
    assert_eq!(client.finish(None).unwrap(), 0);
    assert_eq!(on_server(&reader), ["first", "second"]);
    assert_eq!(log(&client, "late").unwrap_err().status(), Status::Closed);
}

#[test]
fn a_project_without_an_entity_is_the_accounts() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    if std::env::var_os("WANDB_ENTITY").is_none() {
        assert_eq!(open("mine", &dir, &server).project(), format!("{ENTITY}/mine"));
    }
    let named = Options { entity: Some("team".into()), ..options(dir.path(), &server.url(), KEY) };
    assert_eq!(Client::init("mine", &named).unwrap().project(), "team/mine");
}

#[test]
fn a_key_that_the_server_refuses_is_told_when_the_session_opens() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let wrong = "x".repeat(40);
    let error = Client::init("team/online", &options(dir.path(), &server.url(), &wrong)).err().unwrap();
    assert_eq!(error.status(), Status::Unauthorized, "{error}");
}

#[test]
fn a_server_that_cannot_be_reached_is_told_when_the_session_opens() {
    let dir = TempDir::new().unwrap();
    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let error = Client::init("team/online", &options(dir.path(), &nowhere, KEY)).err().unwrap();
    assert_eq!(error.status(), Status::Network, "{error}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "nothing was written");
}

#[test]
fn what_cannot_be_sent_is_kept_and_sent_by_a_later_session() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let client = open("team/online", &dir, &server);
    log(&client, "kept").unwrap();
    drop(server);
    let error = client.finish(None).unwrap_err();
    assert!(matches!(error.status(), Status::Network | Status::Incomplete), "{error}");
    drop(client);
    let server = Server::start(&[]);
    let later = open("team/online", &dir, &server);
    later.flush(None).unwrap();
    assert_eq!(on_server(&later), ["kept"]);
}

#[test]
fn a_flush_without_time_keeps_what_it_cannot_send() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let client = open("team/online", &dir, &server);
    log(&client, "kept").unwrap();
    match client.flush(Some(Duration::ZERO)) {
        Ok(left) => assert!(left > 0, "a record neither left nor sent"),
        Err(error) => assert_eq!(error.status(), Status::Timeout, "{error}"),
    }
    assert_eq!(on_server(&client), Vec::<String>::new());
    client.flush(None).unwrap();
    assert_eq!(on_server(&client), ["kept"]);
}

#[test]
fn a_progress_function_hears_of_the_sync_and_may_stop_it() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let stop = Options {
        progress: Some(Arc::new(|_: &weave::sync::Update<'_>| false)),
        ..options(dir.path(), &server.url(), KEY)
    };
    let client = Client::init("team/online", &stop).unwrap();
    log(&client, "kept").unwrap();
    assert_eq!(client.flush(None).unwrap_err().status(), Status::Cancelled);
}
