//! Requests to a real server: answers, refusals, faults, proxies, TLS and credentials.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

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

#[test]
fn the_server_says_who_it_is() {
    let info = transport(Server::shared()).server_info().unwrap();
    assert_eq!(info.min_required_weave_python_version, "0.0.1");
    assert_eq!(info.trace_server_version.as_deref(), Some("0.0.0"));
}

#[test]
fn a_posted_object_is_stored_and_its_digest_answered() {
    let server = Server::shared();
    let answer = post(&transport(server), "/obj/create", &object(server, "posted", json!({"a": 1}))).unwrap();
    let digest = answer["digest"].as_str().unwrap();
    let asked = json!({"project_id": format!("{ENTITY}/posted"), "object_id": "thing", "digest": digest});
    assert_eq!(server.post("/obj/read", &asked)["obj"]["val"], json!({"a": 1}));
}

#[test]
fn every_request_names_its_content_its_sender_and_its_retry_id() {
    let server = Server::start(&[]);
    let body = object(&server, "headers", json!(1));
    let id = RetryId::random();
    transport(&server).post_json("/obj/create", body.to_string().as_bytes(), &id).unwrap();
    let headers = &server.requests_to("/obj/create", 1)[0]["headers"];
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["user-agent"], concat!("libweave/", env!("CARGO_PKG_VERSION")));
    assert_eq!(headers["x-weave-retry-id"].as_str(), id.as_str());
}

#[test]
fn a_streaming_route_answers_line_by_line() {
    let server = Server::shared();
    server.make_project(ENTITY, "lines");
    let id = |last: u8| format!("0190a3f0-0000-7000-8000-00000000000{last}");
    let call = |last| {
        json!({"project_id": format!("{ENTITY}/lines"), "id": id(last), "trace_id": id(last), "op_name": "op",
               "started_at": "2026-01-01T00:00:00Z", "ended_at": "2026-01-01T00:00:01Z",
               "attributes": {}, "inputs": {}, "summary": {}})
    };
    let transport = transport(server);
    let path = format!("/v2/{ENTITY}/lines/calls/complete");
    post(&transport, &path, &json!({"batch": [call(1), call(2)]})).unwrap();
    let asked = json!({"project_id": format!("{ENTITY}/lines"), "columns": ["id"],
                       "filter": {"call_ids": [id(1), id(2), id(3)]}});
    let asked = asked.to_string();
    let answer = transport.post_query("/calls/stream_query", asked.as_bytes(), &RetryId::random()).unwrap();
    let mut found: Vec<String> =
        answer.json_lines::<Value>().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect();
    found.sort();
    assert_eq!(found, [id(1), id(2)]);
}

#[test]
fn the_refusals_of_the_server_are_told_apart() {
    let server = Server::shared();
    let transport = transport(server);
    let good = object(server, "refusals", json!({"a": 1}));
    let refused = |path: &str, body: &Value| post(&transport, path, body).unwrap_err().kind();
    let changed = |pointer: &str, value: Value| {
        let mut body = good.clone();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    assert_eq!(refused("/no/such/route", &good), FailureKind::RouteMissing);
    assert_eq!(
        refused("/obj/create", &changed("/obj/project_id", json!(format!("{ENTITY}/unknown")))),
        FailureKind::NotFound
    );
    assert_eq!(refused("/obj/create", &changed("/obj/project_id", json!("forbidden/p"))), FailureKind::Forbidden);
    assert_eq!(refused("/obj/create", &changed("/obj", json!({}))), FailureKind::Invalid);
    assert_eq!(refused("/obj/create", &changed("/obj/val", json!("weave:///bad"))), FailureKind::Invalid);
    let mut conflicting = good.clone();
    conflicting["obj"]["expected_digest"] = json!("other");
    assert_eq!(refused("/obj/create", &conflicting), FailureKind::Conflict);
}

#[test]
fn a_project_of_complete_calls_refuses_the_older_route_by_its_error_code() {
    let server = Server::shared();
    server.make_project(ENTITY, "complete");
    let transport = transport(server);
    post(
        &transport,
        &format!("/v2/{ENTITY}/complete/calls/complete"),
        &json!({"batch": [
        {"project_id": format!("{ENTITY}/complete"), "id": "0190a3f0-0000-7000-8000-0000000000c1",
         "trace_id": "0190a3f0-0000-7000-8000-0000000000c1", "op_name": "op", "started_at": "2026-01-01T00:00:00Z",
         "ended_at": "2026-01-01T00:00:01Z", "attributes": {}, "inputs": {}, "summary": {}}]}),
    )
    .unwrap();
    let start = json!({"start": {"project_id": format!("{ENTITY}/complete"), "op_name": "op", "attributes": {},
                                 "started_at": "2026-01-01T00:00:00Z", "inputs": {}}});
    assert_eq!(post(&transport, "/call/start", &start).unwrap_err().kind(), FailureKind::CallsCompleteRequired);
}

#[test]
fn a_body_over_the_limit_is_too_large() {
    let server = Server::start(&["--max-bytes", "1000"]);
    let body = object(&server, "large", json!("x".repeat(2000)));
    let failure = post(&transport(&server), "/obj/create", &body).unwrap_err();
    assert_eq!((failure.kind(), failure.status()), (FailureKind::TooLarge, Some(413)));
}

#[test]
fn a_wrong_key_is_refused_without_being_repeated_in_the_text() {
    let transport = transport_with(&Server::shared().url(), &[("WANDB_API_KEY", "hunter2-hunter2")]);
    let failure = post(&transport, "/obj/create", &json!({})).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Unauthorized);
    assert!(failure.to_string().contains("WANDB_API_KEY"), "{failure}");
    assert!(!format!("{failure} {failure:?}").contains("hunter2"), "{failure:?}");
}

#[test]
fn the_key_is_found_in_netrc_by_host_and_port() {
    let server = Server::shared();
    let home = tempfile::tempdir().unwrap();
    let entry = format!("machine 127.0.0.1:{} login user password {KEY}", server.port());
    std::fs::write(home.path().join(".netrc"), entry).unwrap();
    let (url, variables) = (server.url(), |url| [("WANDB_BASE_URL", url), ("WF_TRACE_SERVER_URL", url)]);
    let environment = Environment::given(&variables(url.as_str()), home.path(), home.path());
    let transport = Transport::new(&Connection::default().resolve(&environment).unwrap(), &Stop::new()).unwrap();
    transport.server_info().unwrap();
}

#[test]
fn a_file_is_stored_from_memory_and_from_disk_under_any_name() {
    let server = Server::shared();
    server.make_project(ENTITY, "files");
    let transport = transport(server);
    let project = format!("{ENTITY}/files");
    let bytes: Vec<u8> = (0..200_000u32).map(|n| (n % 251) as u8).collect();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("content");
    std::fs::write(&path, &bytes).unwrap();
    let send = |name: &str, content| {
        let fields = [("project_id", project.as_str())];
        let answer = transport.post_file("/file/create", &fields, name, content, &RetryId::random()).unwrap();
        answer.json::<Value>().unwrap()["digest"].as_str().unwrap().to_owned()
    };
    let digest = send("plain.bin", Content::File(&path));
    assert_eq!(send("a \"quoted\"\r\nname ü.bin", Content::Bytes(&bytes)), digest);
    let stored = server.post_bytes("/file/content", &json!({"project_id": project, "digest": digest}));
    assert_eq!(stored, bytes);
}

#[test]
fn a_file_that_is_gone_is_told_as_such_and_not_as_a_fault_of_the_network() {
    let gone = Path::new("/nonexistent/content");
    let transport = transport(Server::shared());
    let failure = transport.post_file("/file/create", &[], "x", Content::File(gone), &RetryId::random()).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::LocalFile);
    assert!(failure.to_string().contains("/nonexistent/content"), "{failure}");
}

#[test]
fn what_is_no_regular_file_is_not_sent() {
    let directory = tempfile::tempdir().unwrap();
    let transport = transport(Server::shared());
    for path in [directory.path(), Path::new("/dev/null")] {
        let sent = transport.post_file("/file/create", &[], "x", Content::File(path), &RetryId::random());
        let failure = sent.unwrap_err();
        assert_eq!(failure.kind(), FailureKind::LocalFile, "{failure}");
        assert_eq!(failure.to_string(), format!("cannot read {}: it is no regular file", path.display()));
    }
}

#[test]
fn a_file_that_gets_shorter_while_it_is_sent_is_told_as_such_and_not_as_a_fault_of_the_network() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("content");
    // More than a connection holds on its way.
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(64 << 20).unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let transport =
        transport_with(&format!("http://{}", listener.local_addr().unwrap()), &[("WEAVE_HTTP_TIMEOUT", "1")]);
    thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.read_exact(&mut [0]).unwrap();
        file.set_len(0).unwrap();
        let _ = std::io::copy(&mut client, &mut std::io::sink());
    });
    let failure = transport.post_file("/file/create", &[], "x", Content::File(&path), &RetryId::random()).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::LocalFile, "{failure}");
    assert!(failure.to_string().contains("it was cut while it was sent"), "{failure}");
}

#[test]
fn passing_faults_are_outlived_under_one_retry_id() {
    let server = Server::start(&["--fail-first", "2", "--fail-status", "429", "--retry-after", "0.001"]);
    let body = object(&server, "faults", json!(1)).to_string();
    let (transport, policy) = (transport(&server), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    retry.run("an object", |id| transport.post_json("/obj/create", body.as_bytes(), id)).unwrap();
    let attempts = server.requests_to("/obj/create", 3);
    assert_eq!(attempts.iter().map(|attempt| &attempt["status"]).collect::<Vec<_>>(), [429, 429, 200]);
    assert!(attempts
        .iter()
        .all(|attempt| { attempt["headers"]["x-weave-retry-id"] == attempts[0]["headers"]["x-weave-retry-id"] }));
}

#[test]
fn a_cut_answer_is_no_success_and_may_have_been_applied() {
    let server = Server::start(&["--drop-rate", "1"]);
    let body = object(&server, "cut", json!(1));
    let failure = post(&transport(&server), "/obj/create", &body).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Unreachable);
    assert!(failure.is_transient() && failure.may_have_been_applied() && !failure.is_dead_link());
}

#[test]
fn a_server_that_is_not_there_ends_the_attempts_soon_with_the_cure() {
    let transport = transport_with(&format!("http://127.0.0.1:{}", free_port()), &[]);
    let (attempts, policy) = (Cell::new(0), fast());
    let outcome = Retry { policy: &policy, stop: &Stop::new() }.run("an object", |id| {
        attempts.set(attempts.get() + 1);
        transport.post_json("/obj/create", b"{}", id)
    });
    let failure = outcome.unwrap_err();
    assert_eq!(attempts.get(), 3);
    assert!(failure.is_dead_link() && !failure.may_have_been_applied());
    let error = Error::from(failure);
    assert_eq!(error.status(), Status::Network);
    for part in ["refused", "records are kept", "WF_TRACE_SERVER_URL", "proxy"] {
        assert!(error.text().contains(part), "{error}");
    }
}

#[test]
fn a_name_that_does_not_exist_is_a_dead_link() {
    let transport = transport_with("http://weave.invalid", &[]);
    let failure = post(&transport, "/obj/create", &json!({})).unwrap_err();
    assert!(failure.is_dead_link(), "{failure:?}");
}

#[test]
fn an_answer_that_does_not_come_in_time_may_still_have_been_applied() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let transport = transport_with(&url, &[("WEAVE_HTTP_TIMEOUT", "0.2")]);
    let failure = post(&transport, "/obj/create", &json!({})).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Unreachable);
    assert!(failure.may_have_been_applied(), "{failure:?}");
}

#[test]
fn a_body_that_comes_steadily_may_take_longer_than_one_step() {
    let limit = Duration::from_secs(2);
    let port = serving(move |_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        let began = Instant::now();
        while began.elapsed() < limit.mul_f64(1.5) {
            client.write_all(b"x")?;
            thread::sleep(limit / 20);
        }
        Ok(())
    });
    let transport = transport_with(&format!("http://127.0.0.1:{port}"), &[("WEAVE_HTTP_TIMEOUT", "2")]);
    transport.post_for_digest("/file/content", b"{}", &RetryId::random()).unwrap();
}

#[test]
fn a_body_that_stands_still_is_late() {
    let port = serving(|_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx")?;
        client.read(&mut [0]).map(|_| ()) // until the client goes
    });
    let transport = transport_with(&format!("http://127.0.0.1:{port}"), &[("WEAVE_HTTP_TIMEOUT", "0.2")]);
    let failure = transport.post_for_digest("/file/content", b"{}", &RetryId::random()).unwrap_err();
    assert!(failure.is_late() && !failure.is_silence(), "{failure:?}");
}

/// Something that is connected by whoever comes, and reads and answers nothing.
fn mute() -> (TcpListener, u16) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// How a request fails that is stopped by another thread when it has waited a little, and how long after that.
fn stopped_while_waiting(url: &str, variables: &[(&str, &str)], body: &[u8]) -> (Failure, Duration) {
    let stop = Stop::new();
    let transport = stoppable(url, variables, &stop);
    thread::scope(|threads| {
        let asker = threads.spawn(|| {
            thread::sleep(Duration::from_millis(300));
            stop.ask();
            Instant::now()
        });
        let failure = transport.post_json("/obj/create", body, &RetryId::random()).unwrap_err();
        let ended = Instant::now();
        (failure, ended - asker.join().unwrap())
    })
}

#[test]
fn a_stop_ends_a_request_that_waits_for_its_answer_whatever_stands_between() {
    let (_listener, port) = mute();
    let (plain, secure) = (format!("http://127.0.0.1:{port}"), format!("https://127.0.0.1:{port}"));
    let (tunnel, socks) = (format!("http://127.0.0.1:{port}"), format!("socks5://127.0.0.1:{port}"));
    let working = ForwardProxy::connect();
    let through = format!("http://127.0.0.1:{}", working.port());
    for (what, url, proxy) in [
        ("no proxy", &plain, None),
        ("TLS", &secure, None),
        ("a proxy that does not answer", &plain, Some(&tunnel)),
        ("a SOCKS proxy that does not answer", &plain, Some(&socks)),
        ("a proxy", &plain, Some(&through)),
        ("a proxy and TLS", &secure, Some(&through)),
    ] {
        let variables: Vec<(&str, &str)> = proxy.map(|proxy| ("ALL_PROXY", proxy.as_str())).into_iter().collect();
        let (failure, after) = stopped_while_waiting(url, &variables, b"{}");
        assert_eq!(failure.kind(), FailureKind::Cancelled, "{what}: {failure}");
        assert!(failure.to_string().contains("stopped on request"), "{what}: {failure}");
        assert!(after < Duration::from_secs(2), "{what}: {after:?}");
    }
}

#[test]
fn a_proxy_that_drips_its_answer_is_given_up_as_one_that_does_not_answer() {
    let port = serving(|_, client| {
        client.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ")?;
        (0..30).try_for_each(|_| {
            thread::sleep(Duration::from_millis(100));
            client.write_all(b"x")
        })
    });
    let proxy = format!("http://127.0.0.1:{port}");
    let variables = [("HTTP_PROXY", proxy.as_str()), ("WEAVE_HTTP_TIMEOUT", "0.5")];
    let failure = transport_with("http://127.0.0.1:9", &variables).server_info().unwrap_err();
    assert!(failure.is_silence() && failure.is_dead_link(), "{failure:?}");
}

#[test]
fn a_stop_ends_a_request_whose_body_finds_no_room() {
    let (_listener, port) = mute();
    let body = vec![b' '; 30 << 20];
    let (failure, after) = stopped_while_waiting(&format!("http://127.0.0.1:{port}"), &[], &body);
    assert_eq!(failure.kind(), FailureKind::Cancelled, "{failure}");
    assert!(failure.may_have_been_applied() && after < Duration::from_secs(2), "{after:?}");
}

#[test]
fn a_request_ends_when_the_time_of_its_stop_is_over() {
    let (_listener, port) = mute();
    let (began, limit) = (Instant::now(), Duration::from_millis(300));
    let transport = stoppable(&format!("http://127.0.0.1:{port}"), &[], &Stop::new().at(Some(began + limit)));
    let failure = post(&transport, "/obj/create", &json!({})).unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Cancelled, "{failure}");
    assert!(failure.to_string().contains("its time is over"), "{failure}");
    assert!(began.elapsed() >= limit && began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn nothing_is_sent_once_it_is_to_stop() {
    let (listener, port) = mute();
    listener.set_nonblocking(true).unwrap();
    let stop = Stop::new();
    let transport = stoppable(&format!("http://127.0.0.1:{port}"), &[], &stop);
    stop.ask();
    let failure = transport.server_info().unwrap_err();
    assert_eq!(failure.kind(), FailureKind::Cancelled, "{failure}");
    assert!(!failure.may_have_been_applied() && listener.accept().is_err());
}

#[test]
fn a_server_that_swallows_what_it_is_sent_is_given_up_after_one_attempt() {
    let (listener, port) = mute();
    rustix::net::listen(&listener, 0).unwrap();
    // One connection waits to be taken; further ones get no answer.
    let _waiting = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let transport = transport_with(&format!("http://127.0.0.1:{port}"), &[]);
    let (began, attempts, policy) = (Instant::now(), Cell::new(0), RetryPolicy::default());
    let outcome = Retry { policy: &policy, stop: &Stop::new() }.run("an object", |id| {
        attempts.set(attempts.get() + 1);
        transport.post_json("/obj/create", b"{}", id)
    });
    let failure = outcome.unwrap_err();
    assert_eq!(attempts.get(), 1, "{failure}");
    assert!(failure.is_silence() && failure.is_dead_link() && !failure.may_have_been_applied(), "{failure:?}");
    assert!(failure.to_string().contains("nothing there answered in time"), "{failure}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn bodies_of_all_threads_are_counted_and_kept_within_a_rate() {
    let port = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let url = format!("http://127.0.0.1:{port}");
    let body = vec![b' '; 10_000];
    let free = transport_with(&url, &[]);
    free.post_json("/obj/create", &body, &RetryId::random()).unwrap();
    assert_eq!(free.sent_bytes(), 10_000);
    let limited = transport_with(&url, &[]).with_rate(Some(50_000));
    let began = Instant::now();
    thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..2 {
                    limited.post_json("/obj/create", &body, &RetryId::random()).unwrap();
                }
            });
        }
    });
    assert_eq!(limited.sent_bytes(), 60_000);
    // The last of six may begin when five are paid for.
    assert!(began.elapsed() >= Duration::from_secs(1), "{:?}", began.elapsed());
}

#[test]
fn a_stop_ends_the_wait_for_a_rate() {
    let port = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let stop = Stop::new();
    let transport = stoppable(&format!("http://127.0.0.1:{port}"), &[], &stop).with_rate(Some(1));
    transport.post_json("/obj/create", &[b' '; 100_000], &RetryId::random()).unwrap();
    let failure = thread::scope(|threads| {
        let waiting = threads.spawn(|| transport.post_json("/obj/create", b"{}", &RetryId::random()).unwrap_err());
        stop.ask();
        waiting.join().unwrap()
    });
    assert_eq!(failure.kind(), FailureKind::Cancelled, "{failure}");
    assert_eq!(transport.sent_bytes(), 100_000);
}

#[test]
fn what_is_no_weave_server_acknowledges_nothing() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n<html>sign in</html>\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 13\r\n\r\n<html></html>",
    ] {
        let transport = transport_with(&format!("http://127.0.0.1:{}", answering(answer)), &[]);
        let failure = post(&transport, "/obj/create", &json!({})).unwrap_err();
        assert_eq!(failure.kind(), FailureKind::Foreign, "{answer}: {failure}");
        assert!(!failure.may_be_a_records_fault());
    }
}

#[test]
fn a_success_without_the_answer_of_a_weave_server_may_have_been_applied() {
    for (answer, reason) in [
        ("HTTP/1.1 200 OK\r\n\r\n", "the answer is empty"),
        ("HTTP/1.1 201 Created\r\nContent-Length: 4\r\n\r\n{\"di", "the answer is no JSON: {\"di"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "the answer has another form than expected"),
    ] {
        let transport = transport_with(&format!("http://127.0.0.1:{}", answering(answer)), &[]);
        let posted = transport.post_json("/obj/create", b"{}", &RetryId::random());
        let failure = posted.and_then(|answer| answer.json::<BTreeMap<String, String>>()).unwrap_err();
        assert!(failure.may_have_been_applied() && failure.status().is_some(), "{failure:?}");
        let told = format!("/obj/create answered {}, but not as a Weave server does: {reason}", &answer[9..12]);
        assert!(failure.to_string().contains(&told), "{failure}");
    }
}

#[test]
fn plain_http_goes_through_the_proxy_with_its_password() {
    let (server, proxy) = (Server::shared(), ForwardProxy::connect());
    let variable = format!("http://me:hunter%32@127.0.0.1:{}", proxy.port());
    transport_with(&server.url(), &[("HTTP_PROXY", &variable)]).server_info().unwrap();
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with(&format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server.port())), "{asked:?}");
    assert!(asked[0].contains("Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"), "{asked:?}");
}

#[test]
fn a_socks_proxy_serves_as_well() {
    let (server, proxy) = (Server::shared(), ForwardProxy::socks5());
    let variable = format!("socks5://127.0.0.1:{}", proxy.port());
    transport_with(&server.url(), &[("all_proxy", &variable)]).server_info().unwrap();
    assert_eq!(proxy.asked(), [format!("127.0.0.1:{}", server.port())]);
}

#[test]
fn a_host_in_no_proxy_is_reached_past_the_proxy() {
    let (server, proxy) = (Server::shared(), ForwardProxy::connect());
    let variable = format!("http://127.0.0.1:{}", proxy.port());
    let variables = [("HTTP_PROXY", variable.as_str()), ("no_proxy", "localhost, 127.0.0.0/8")];
    transport_with(&server.url(), &variables).server_info().unwrap();
    assert!(proxy.asked().is_empty());
}

#[test]
fn a_dead_proxy_is_a_dead_link() {
    let variable = format!("http://127.0.0.1:{}", free_port());
    let transport = transport_with(&Server::shared().url(), &[("HTTP_PROXY", &variable)]);
    let failure = transport.server_info().unwrap_err();
    assert!(failure.is_dead_link(), "{failure:?}");
}

#[test]
fn tls_is_trusted_by_the_authority_that_a_file_names_through_a_proxy_too() {
    let front = Front::with_tls(Server::shared());
    let (url, proxy) = (format!("https://localhost:{}", front.port()), ForwardProxy::connect());
    let ca_file = front.ca_file().display().to_string();
    transport_with(&url, &[("WEAVE_CA_FILE", &ca_file)]).server_info().unwrap();
    let variable = format!("http://127.0.0.1:{}", proxy.port());
    let variables = [("SSL_CERT_FILE", ca_file.as_str()), ("HTTPS_PROXY", &variable)];
    transport_with(&url, &variables).server_info().unwrap();
    assert!(proxy.asked()[0].starts_with("CONNECT localhost:"));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_unless_checks_are_off() {
    let front = Front::with_tls(Server::shared());
    let url = format!("https://localhost:{}", front.port());
    let failure = transport_with(&url, &[]).server_info().unwrap_err();
    assert!(failure.is_dead_link() && !failure.may_have_been_applied(), "{failure:?}");
    assert!(failure.to_string().contains("WEAVE_CA_FILE"), "{failure}");
    transport_with(&url, &[("WEAVE_INSECURE_DISABLE_SSL", "true")]).server_info().unwrap();
}

#[test]
fn a_certificate_file_that_cannot_serve_is_named_with_its_variable() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    for file in [directory.path(), &empty, &directory.path().join("missing.pem")] {
        let file = file.display().to_string();
        let variables = [("WANDB_API_KEY", KEY), ("REQUESTS_CA_BUNDLE", &file)];
        let destination = Connection::default().resolve(&environment(&variables)).unwrap();
        let error = Transport::new(&destination, &Stop::new()).err().unwrap();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert!(error.text().contains("REQUESTS_CA_BUNDLE") && error.text().contains(&file), "{error}");
    }
}

#[test]
fn an_identity_token_is_exchanged_and_a_refused_access_token_renewed() {
    let front = Front::with_identity(Server::shared(), "head.body.sign");
    let directory = tempfile::tempdir().unwrap();
    let (jwt, cache) = (directory.path().join("jwt"), directory.path().join("credentials.json"));
    std::fs::write(&jwt, "head.body.sign\n").unwrap();
    let url = format!("http://127.0.0.1:{}", front.port());
    let variables =
        [("WANDB_IDENTITY_TOKEN_FILE", jwt.to_str().unwrap()), ("WANDB_CREDENTIALS_FILE", cache.to_str().unwrap())];
    let held = || {
        let stored: Value = serde_json::from_slice(&std::fs::read(&cache).unwrap()).unwrap();
        stored["credentials"][&url]["access_token"].as_str().unwrap().to_owned()
    };
    let transport = transport_with(&url, &variables);
    transport.server_info().unwrap();
    assert_eq!(held(), "token-1");
    post(&transport, "/test/revoke", &json!({})).unwrap();
    transport.server_info().unwrap();
    assert_eq!(held(), "token-3");
}

#[test]
fn an_identity_token_that_the_server_refuses_is_a_failure_of_the_exchange() {
    let front = Front::with_identity(Server::shared(), "the.right.one");
    let directory = tempfile::tempdir().unwrap();
    let jwt = directory.path().join("jwt");
    std::fs::write(&jwt, "the.wrong.one").unwrap();
    let url = format!("http://127.0.0.1:{}", front.port());
    let cache = directory.path().join("cache");
    let variables =
        [("WANDB_IDENTITY_TOKEN_FILE", jwt.to_str().unwrap()), ("WANDB_CREDENTIALS_FILE", cache.to_str().unwrap())];
    let failure = transport_with(&url, &variables).server_info().unwrap_err();
    assert!(failure.to_string().contains("/oidc/token") && failure.reason().contains("invalid_grant"), "{failure}");
}

#[test]
fn the_default_entity_is_the_accounts() {
    let (transport, policy) = (transport(Server::shared()), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    assert_eq!(project::default_entity(&transport, &retry).unwrap(), ENTITY);
}

#[test]
fn a_project_is_made_once_and_goes_by_the_name_that_the_server_gives() {
    let (transport, policy) = (transport(Server::shared()), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let made = project::ensure(&transport, &retry, ENTITY, "my project: one").unwrap();
    assert_eq!(made, "my-project--one");
    assert_eq!(project::ensure(&transport, &retry, ENTITY, &made).unwrap(), made);
}

#[test]
fn an_entity_without_access_is_forbidden() {
    let (transport, policy) = (transport(Server::shared()), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let error = project::ensure(&transport, &retry, "forbidden", "p").unwrap_err();
    assert_eq!(error.status(), Status::Forbidden);
    assert!(error.text().contains("forbidden/p"), "{error}");
}

#[test]
fn internal_ids_are_given_for_the_projects_that_exist() {
    let (server, policy) = (Server::shared(), fast());
    server.make_project(ENTITY, "known");
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let asked = [format!("{ENTITY}/known"), format!("{ENTITY}/unknown-project")];
    let ids = project::internal_ids(&transport(server), &retry, &asked).unwrap().unwrap();
    assert_eq!(ids.iter().map(|id| &id.project).collect::<Vec<_>>(), [&asked[0]]);
    assert!(ids[0].id.starts_with("UHJv"), "{ids:?}");
}

#[test]
fn a_server_without_the_route_gives_no_internal_ids() {
    let (server, policy) = (Server::shared(), fast());
    let retry = Retry { policy: &policy, stop: &Stop::new() };
    let older = transport_with(&format!("{}/older", server.url()), &[]);
    assert_eq!(project::internal_ids(&older, &retry, &["e/p".to_owned()]).unwrap(), None);
}
