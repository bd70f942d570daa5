//! Servers that fail, are slow, cut what they say, or are none.

use super::*;

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
