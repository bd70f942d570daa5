//! What a server answers and refuses, and files that are sent.

use super::*;

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
    let stored = server.post_bytes("/file/content", &json!({"project_id": project, "digest": digest})).unwrap();
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
