//! A session that is not offline: what it says when it opens, what reaches the server by itself, and what flush and finish
//! do with a server and without. Several processes, forks and kills: `tests/suite/life/test_online.py`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::server::{free_port, Server, ENTITY, KEY};
use serde_json::{json, Value};
use tempfile::TempDir;
use weave::client::{CallOptions, Client, Options};
use weave::log::Level;
use weave::{Result, Status};

fn options(dir: &Path, url: &str, key: &str) -> Options {
    Options {
        offline: Some(false),
        offline_dir: Some(dir.to_owned()),
        base_url: Some(url.to_owned()),
        trace_server_url: Some(url.to_owned()),
        api_key: Some(key.to_owned()),
        send_interval: Some(Duration::from_millis(200)),
        ..Options::default()
    }
}

/// A session that sends nothing by itself while a test runs.
fn quiet(dir: &TempDir, server: &Server) -> Arc<Client> {
    let options = Options { send_interval: Some(Duration::from_secs(3600)), ..options(dir.path(), &server.url(), KEY) };
    Client::init("team/online", &options).unwrap()
}

/// A server that accepts every connection and never answers.
fn mute() -> (TcpListener, String) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// The op names of a project on a server, in any order; none when it is not there.
fn names(server: &Server, project: &str) -> Vec<String> {
    let answer = server.post_bytes("/calls/stream_query", &json!({"project_id": project}));
    let lines = String::from_utf8(answer.unwrap_or_default()).unwrap();
    let calls = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut names: Vec<String> = calls.map(|call| call["op_name"].as_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

/// Waits until these calls are on the server.
fn arrive(server: &Server, project: &str, expected: &[&str]) {
    let began = Instant::now();
    while names(server, project) != expected {
        let found = names(server, project);
        assert!(began.elapsed() < Duration::from_secs(60), "{found:?} in place of {expected:?}");
        std::thread::sleep(Duration::from_millis(50));
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
fn a_project_that_the_key_may_not_use_is_told_when_the_session_opens() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let error = Client::init("forbidden/p", &options(dir.path(), &server.url(), KEY)).err().unwrap();
    assert_eq!(error.status(), Status::Forbidden, "{error}");
}

#[test]
fn what_was_logged_reaches_the_server_by_itself() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let client = open("team/online", &dir, &server);
    log(&client, "first").unwrap();
    arrive(&server, "team/online", &["first"]);
    log(&client, "second").unwrap();
    arrive(&server, "team/online", &["first", "second"]);
}

#[test]
fn a_session_opens_without_a_server_and_sends_when_there_is_one() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let url = format!("http://127.0.0.1:{port}");
    let client = Client::init("team/online", &options(dir.path(), &url, KEY)).unwrap();
    log(&client, "early").unwrap();
    let error = client.flush(None).unwrap_err();
    assert_eq!(error.status(), Status::Network, "{error}");
    let server = Server::start_at(port);
    arrive(&server, "team/online", &["early"]);
}

#[test]
fn a_project_whose_entity_no_server_could_tell_is_bound_when_it_is_sent() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let url = format!("http://127.0.0.1:{port}");
    if std::env::var_os("WANDB_ENTITY").is_some() {
        return;
    }
    let client = Client::init("mine", &options(dir.path(), &url, KEY)).unwrap();
    assert_eq!(client.project(), "offline/mine");
    log(&client, "early").unwrap();
    let server = Server::start_at(port);
    arrive(&server, &format!("{ENTITY}/mine"), &["early"]);
}

#[test]
fn a_server_that_fails_when_the_session_opens_is_no_error() {
    let dir = TempDir::new().unwrap();
    let server = Server::start(&["--fail-first", "1", "--fault-paths", "graphql"]);
    let client = open("team/online", &dir, &server);
    log(&client, "first").unwrap();
    arrive(&server, "team/online", &["first"]);
}

#[test]
fn a_server_that_dies_and_comes_back_is_sent_what_was_logged_meanwhile() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let port = server.port();
    let client = open("team/online", &dir, &server);
    log(&client, "before").unwrap();
    arrive(&server, "team/online", &["before"]);
    drop(server);
    log(&client, "meanwhile").unwrap();
    let error = client.flush(None).unwrap_err();
    assert_eq!(error.status(), Status::Network, "{error}");
    let server = Server::start_at(port);
    arrive(&server, "team/online", &["meanwhile"]);
}

#[test]
fn a_failure_is_told_aloud_once_then_in_a_low_voice_and_so_is_its_end() {
    let (dir, port) = (TempDir::new().unwrap(), free_port());
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = told.clone();
    let listen = move |level, text: &str| {
        if text.starts_with("sending team/told") {
            ear.lock().unwrap().push((level, text.to_owned()));
        }
    };
    weave::log::set(Some(Arc::new(listen)), Level::Debug);
    let client = Client::init("team/told", &options(dir.path(), &format!("http://127.0.0.1:{port}"), KEY)).unwrap();
    log(&client, "early").unwrap();
    for _ in 0..2 {
        client.flush(None).unwrap_err();
    }
    let server = Server::start_at(port);
    arrive(&server, "team/told", &["early"]);
    client.finish(None).unwrap();
    weave::log::set(None, Level::Debug);
    let told = told.lock().unwrap();
    let levels: Vec<Level> = told.iter().map(|(level, _)| *level).collect();
    assert!(levels.len() >= 3 && levels[1..levels.len() - 1].iter().all(|level| *level == Level::Debug), "{told:?}");
    assert_eq!((levels[0], levels.last()), (Level::Warning, Some(&Level::Info)), "{told:?}");
    assert!(told[0].1.contains("it is tried again in"), "{told:?}");
}

#[test]
fn without_a_key_no_session_opens() {
    let dir = TempDir::new().unwrap();
    let error = Client::init("team/online", &options(dir.path(), "http://127.0.0.1:1", "")).err().unwrap();
    assert_eq!(error.status(), Status::Unauthorized, "{error}");
    assert_eq!(dir.path().read_dir().unwrap().count(), 0, "nothing was written");
}

#[test]
fn a_server_that_never_answers_keeps_neither_opening_nor_flushing_nor_finishing() {
    let (dir, (_listener, url)) = (TempDir::new().unwrap(), mute());
    let (began, limit) = (Instant::now(), Duration::from_millis(300));
    let client = Client::init("team/online", &options(dir.path(), &url, KEY)).unwrap();
    assert!(began.elapsed() < Duration::from_secs(6), "opening took {:?}", began.elapsed());
    log(&client, "kept").unwrap();
    type Work = fn(&Client, Option<Duration>) -> Result<u64>;
    for (what, work) in [("flush", Client::flush as Work), ("finish", Client::finish as Work)] {
        let began = Instant::now();
        let error = work(&client, Some(limit)).unwrap_err();
        assert_eq!(error.status(), Status::Timeout, "{what}: {error}");
        assert!(began.elapsed() < Duration::from_secs(4), "{what} took {:?}", began.elapsed());
    }
    let server = Server::start(&[]);
    let later = open("team/online", &dir, &server);
    later.flush(None).unwrap();
    assert_eq!(on_server(&later), ["kept"]);
}

#[test]
fn finishing_without_a_limit_gives_up_when_the_server_takes_nothing() {
    let (dir, (_listener, url)) = (TempDir::new().unwrap(), mute());
    let timeout = Some(Duration::from_millis(700));
    let options = Options { http_timeout: timeout, ..options(dir.path(), &url, KEY) };
    let client = Client::init("team/online", &options).unwrap();
    log(&client, "kept").unwrap();
    let error = client.finish(None).unwrap_err();
    assert_eq!((error.status(), error.text().contains("nothing for 1.4 s")), (Status::Timeout, true), "{error}");
}

#[test]
fn who_finishes_while_another_thread_does_waits_for_it() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&["--delay", "0.3"]));
    let told = Arc::new(Mutex::new(0));
    let ear = told.clone();
    let settings = Options {
        send_interval: Some(Duration::from_secs(3600)),
        progress: Some(Arc::new(move |_: &weave::sync::Update<'_>| {
            *ear.lock().unwrap() += 1;
            true
        })),
        ..options(dir.path(), &server.url(), KEY)
    };
    let client = Client::init("team/online", &settings).unwrap();
    (0..5).for_each(|n| log(&client, &format!("{n}")).unwrap());
    std::thread::scope(|scope| {
        let first = scope.spawn(|| client.finish(None));
        while log(&client, "until it begins").is_ok() {}
        assert_eq!(client.finish(None).unwrap(), 0);
        let heard = *told.lock().unwrap();
        first.join().unwrap().unwrap();
        assert_eq!(*told.lock().unwrap(), heard, "nothing is told after the second has returned");
        assert!(heard > 0);
    });
}

#[test]
fn letting_go_of_a_session_does_not_wait_for_a_server_that_never_answers() {
    let (dir, (listener, url)) = (TempDir::new().unwrap(), mute());
    let client = Client::init("team/online", &options(dir.path(), &url, KEY)).unwrap();
    log(&client, "kept").unwrap();
    // The contact of the opening, and the first of a pass.
    let _connections = [listener.accept().unwrap(), listener.accept().unwrap()];
    let began = Instant::now();
    drop(client);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn two_sessions_of_a_process_are_sent_by_one_thread_which_goes_on_for_the_second() {
    let (dirs, server) = ([TempDir::new().unwrap(), TempDir::new().unwrap()], Server::start(&[]));
    let [first, second] = ["team/first", "team/second"].map(|project| {
        let dir = &dirs[usize::from(project == "team/second")];
        open(project, dir, &server)
    });
    log(&first, "a").unwrap();
    log(&second, "b").unwrap();
    first.finish(None).unwrap();
    log(&second, "c").unwrap();
    arrive(&server, "team/first", &["a"]);
    arrive(&server, "team/second", &["b", "c"]);
}

#[test]
fn what_cannot_be_sent_is_kept_and_sent_by_a_later_session() {
    let (dir, server) = (TempDir::new().unwrap(), Server::start(&[]));
    let client = quiet(&dir, &server);
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
    let client = quiet(&dir, &server);
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
    let told = Arc::new(Mutex::new(Vec::new()));
    let ear = told.clone();
    let stop = Options {
        progress: Some(Arc::new(move |update: &weave::sync::Update<'_>| {
            ear.lock().unwrap().push((update.project.to_owned(), std::thread::current().name().map(str::to_owned)));
            false
        })),
        send_interval: Some(Duration::from_secs(3600)),
        ..options(dir.path(), &server.url(), KEY)
    };
    let client = Client::init("team/online", &stop).unwrap();
    log(&client, "kept").unwrap();
    assert_eq!(client.flush(None).unwrap_err().status(), Status::Cancelled);
    let told = told.lock().unwrap();
    assert_eq!(told[0], ("team/online".to_owned(), Some("weave-sender".to_owned())));
}
