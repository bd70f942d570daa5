//! The wish to stop, and the rate of what is sent.

use super::*;

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
