use super::*;
use ureq::http::HeaderValue;

fn answer(status: u16, body: &str) -> Failure {
    Failure::of_answer("POST http://x/obj/create", status, &HeaderMap::new(), body.as_bytes(), Timestamp::UNIX_EPOCH)
}

fn with_headers(headers: &[(&'static str, &'static str)]) -> Failure {
    let headers =
        headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect();
    let now = "1994-11-06T08:49:07Z".parse().unwrap();
    Failure::of_answer("POST http://x/y", 503, &headers, b"", now)
}

#[test]
fn every_status_has_its_kind() {
    use FailureKind::*;
    let required = r#"{"reason": "The project", "error_code": "CALLS_COMPLETE_MODE_REQUIRED"}"#;
    for (status, body, kind) in [
        (400, r#"{"reason": "bad id"}"#, Invalid),
        (400, required, CallsCompleteRequired),
        (401, r#"{"detail": "Invalid or missing API key"}"#, Unauthorized),
        (403, r#"{"detail": "Forbidden"}"#, Forbidden),
        (404, r#"{"detail": "Not Found"}"#, RouteMissing),
        (404, r#"{"reason": "Project e/p not found"}"#, NotFound),
        (404, r#"{"reason": "deleted", "deleted_at": "2026-01-01"}"#, Gone),
        (404, "<html>no such page</html>", Foreign),
        (405, r#"{"detail": "Method Not Allowed"}"#, Foreign),
        (408, "", ServerError),
        (409, r#"{"reason": "digest"}"#, Conflict),
        (413, "<html>too large</html>", TooLarge),
        (422, r#"{"detail": []}"#, Invalid),
        (429, "", RateLimited),
        (500, r#"{"reason": "Internal server error"}"#, ServerError),
        (501, r#"{"reason": "no"}"#, Unsupported),
        (502, "<html>bad gateway</html>", ServerError),
        (302, "", Foreign),
        (200, "<html>please sign in</html>", Foreign),
        (418, "", Refused),
    ] {
        assert_eq!(answer(status, body).kind(), kind, "{status} {body}");
    }
}

#[test]
fn only_passing_faults_are_worth_another_try() {
    for status in [408, 429, 500, 502, 503, 504] {
        assert!(answer(status, "").is_transient(), "{status}");
    }
    for status in [302, 400, 401, 403, 404, 409, 413, 422, 501] {
        assert!(!answer(status, "").is_transient(), "{status}");
    }
}

#[test]
fn the_servers_own_word_on_retrying_rules() {
    assert!(!with_headers(&[("x-should-retry", "false")]).is_transient());
    assert!(with_headers(&[("x-should-retry", "true")]).is_transient());
    assert!(with_headers(&[("x-should-retry", "perhaps")]).is_transient());
}

#[test]
fn a_record_can_be_at_fault_for_a_refusal_and_never_for_the_network_or_the_key() {
    for (status, body) in
        [(400, ""), (403, ""), (404, r#"{"reason": "x"}"#), (409, ""), (413, ""), (422, ""), (500, "")]
    {
        assert!(answer(status, body).may_be_a_records_fault(), "{status}");
    }
    for (status, body) in [(401, ""), (404, r#"{"detail": "Not Found"}"#), (404, "<html>"), (429, ""), (503, "")] {
        assert!(!answer(status, body).may_be_a_records_fault(), "{status} {body}");
    }
    assert!(!Failure::of_error("POST http://x/y", &ureq::Error::HostNotFound).may_be_a_records_fault());
}

#[test]
fn the_reason_is_the_servers_own_in_one_line() {
    assert_eq!(answer(400, r#"{"reason": "bad\n id"}"#).reason(), "bad id");
    let body = r#"{"detail": [{"loc": ["body", "batch", 0, "id"], "msg": "Field required", "input": {"secret": 1}},
                              {"msg": "rejected"}]}"#;
    assert_eq!(answer(422, body).reason(), "body.batch.0.id: Field required; rejected");
    assert_eq!(answer(400, r#"{"errors": [{"message": "entity not found"}]}"#).reason(), "entity not found");
    assert_eq!(answer(502, "<h1>\r\n Bad </h1>").reason(), "<h1> Bad </h1>");
    assert_eq!(answer(503, "").reason(), "no reason given");
}

#[test]
fn a_long_reason_is_cut_between_characters() {
    for reason in [answer(500, &"ü".repeat(5000)), answer(500, &"ü ".repeat(5000))] {
        assert_eq!(reason.reason().chars().count(), REASON_LENGTH + 1);
        assert!(reason.reason().ends_with('…'));
    }
}

#[test]
fn the_wait_asked_for_is_read_in_every_form() {
    let wait = |headers| with_headers(headers).retry_after();
    assert_eq!(wait(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
    assert_eq!(wait(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
    assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")]), Some(Duration::from_secs(30)));
    assert_eq!(wait(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), Some(Duration::ZERO));
    assert_eq!(wait(&[("retry-after", "9"), ("retry-after-ms", "1500")]), Some(Duration::from_millis(1500)));
    assert_eq!(wait(&[("retry-after", "-1")]), None);
    assert_eq!(wait(&[("retry-after", "soon")]), None);
    assert_eq!(wait(&[]), None);
}

#[test]
fn what_was_never_connected_was_never_applied() {
    let refused = ureq::Error::Io(std::io::Error::from(ErrorKind::ConnectionRefused));
    let failure = Failure::of_error("POST http://x/y", &refused);
    assert!(failure.is_dead_link() && !failure.may_have_been_applied());
    let cut = ureq::Error::Io(std::io::Error::from(ErrorKind::UnexpectedEof));
    let failure = Failure::of_error("POST http://x/y", &cut);
    assert!(!failure.is_dead_link() && failure.may_have_been_applied());
}

#[test]
fn a_fault_of_the_server_may_have_come_after_the_work_and_a_refusal_comes_before_it() {
    assert!(answer(500, "").may_have_been_applied());
    assert!(answer(429, "").may_have_been_applied(), "not every server looks at its limits first");
    assert!(answer(200, "<html>").may_have_been_applied());
    assert!(!answer(422, "").may_have_been_applied());
}

#[test]
fn a_server_that_answered_is_done_and_one_that_is_late_or_behind_a_gateway_or_a_cut_line_may_not_be() {
    let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    assert!(answer(500, "").is_over() && answer(429, "").is_over());
    assert!(!answer(504, "").is_over() && !Failure::of_error("p", &ureq::Error::Io(cut)).is_over());
    let late = ureq::Error::Timeout(ureq::Timeout::RecvResponse);
    assert!(!Failure::of_error("p", &late).is_over(), "it is late, and may be at work");
}

#[test]
fn each_text_names_the_place_and_the_cure() {
    let texts = [
        (Failure::of_error("POST http://x/y", &ureq::Error::HostNotFound), "WF_TRACE_SERVER_URL"),
        (answer(401, ""), "WANDB_API_KEY"),
        (answer(403, ""), "entity"),
        (answer(404, "<html>"), "WF_TRACE_SERVER_URL"),
    ];
    for (failure, cure) in texts {
        let text = failure.to_string();
        assert!(text.contains("POST http://x/") && text.contains(cure), "{text}");
    }
}

#[test]
fn the_status_of_the_error_follows_the_kind() {
    for (failure, status) in [
        (Failure::of_error("p", &ureq::Error::HostNotFound), Status::Network),
        (answer(401, ""), Status::Unauthorized),
        (answer(403, ""), Status::Forbidden),
        (answer(413, ""), Status::TooLarge),
        (answer(422, ""), Status::Rejected),
        (answer(500, ""), Status::Server),
        (Failure::new(FailureKind::Cancelled, "p", ""), Status::Cancelled),
    ] {
        assert_eq!(Error::from(failure).status(), status);
    }
}
