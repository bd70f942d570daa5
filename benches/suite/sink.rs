//! A server that keeps nothing: it reads requests, counts them, and answers as a Weave server would (protocol, sections
//! 3 and 6). It is a process of its own, so that its processor time is not the syncer's.

use crate::process::cpu;
use memchr::memmem::Finder;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

/// Each finished call has this key once, whatever the route; inside a text its quotes would be escaped.
const OF_A_CALL: &[u8] = b"\"ended_at\":";

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    bytes: AtomicU64,
    calls: AtomicU64,
    connections: AtomicU64,
}

/// Prints its address and serves until its input ends; then prints what it counted.
pub fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", json!({"url": format!("http://{}", listener.local_addr().unwrap())}));
    let counts = Arc::new(Counts::default());
    let counter = counts.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(std::io::Result::ok) {
            let counter = counter.clone();
            counter.connections.fetch_add(1, Relaxed);
            std::thread::spawn(move || converse(&stream, &counter));
        }
    });
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let [requests, bytes, calls, connections] =
        [&counts.requests, &counts.bytes, &counts.calls, &counts.connections].map(|count| count.load(Relaxed));
    println!(
        "{}",
        json!({"requests": requests, "bytes": bytes, "calls": calls, "connections": connections, "cpu": cpu()})
    );
}

/// Answers the requests of one connection until it ends.
fn converse(mut stream: &TcpStream, counts: &Counts) -> Option<()> {
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    let (finder, mut body) = (Finder::new(OF_A_CALL), Vec::new());
    loop {
        let path = read_request(&mut reader, &mut body)?;
        counts.requests.fetch_add(1, Relaxed);
        counts.bytes.fetch_add(body.len() as u64, Relaxed);
        counts.calls.fetch_add(finder.find_iter(&body).count() as u64, Relaxed);
        let text = answer(&path);
        let length = text.len();
        // In one write, or the answer waits for the acknowledgement of its first part.
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        stream.write_all(format!("{head}content-length: {length}\r\n\r\n{text}").as_bytes()).ok()?;
    }
}

/// Reads a request's body and gives its path; `None` when the connection ends.
fn read_request(reader: &mut impl BufRead, body: &mut Vec<u8>) -> Option<String> {
    let path = line(reader)?.split(' ').nth(1)?.to_string();
    let (mut length, mut chunked) = (0, false);
    loop {
        let header = line(reader)?.to_ascii_lowercase();
        match header.split_once(':').map(|(name, value)| (name, value.trim())) {
            Some(("content-length", value)) => length = value.parse().ok()?,
            Some(("transfer-encoding", "chunked")) => chunked = true,
            Some(_) => {}
            None => break,
        }
    }
    body.clear();
    if !chunked {
        return read_on(reader, body, length).map(|()| path);
    }
    loop {
        let length = usize::from_str_radix(&line(reader)?, 16).ok()?;
        read_on(reader, body, length)?;
        line(reader)?;
        if length == 0 {
            return Some(path);
        }
    }
}

/// A line without its end.
fn line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let length = reader.read_line(&mut line).ok()?;
    (length > 0).then(|| line.trim_end().to_string())
}

fn read_on(reader: &mut impl BufRead, body: &mut Vec<u8>, length: usize) -> Option<()> {
    let start = body.len();
    body.resize(start + length, 0);
    reader.read_exact(&mut body[start..]).ok()
}

/// An answer with the fields that a syncer may look at. Nothing is ever found by a query.
fn answer(path: &str) -> &'static str {
    match path {
        "/graphql" => {
            r#"{"data": {"project": {"name": "bench"}, "upsertModel": {"model": {"name": "bench"}},
                "viewer": {"username": "bench", "defaultEntity": {"name": "team"}}}}"#
        }
        "/service/projects_info" => {
            r#"[{"external_project_id": "team/bench", "internal_project_id": "UHJvamVjdEludGVybmFsSWQ6MQ=="}]"#
        }
        "/calls/stream_query" => "",
        "/server_info" => r#"{"min_required_weave_python_version": "0.0.1", "trace_server_version": "0.0.0"}"#,
        "/feedback/batch/create" | "/call/upsert_batch" => r#"{"res": []}"#,
        "/cost/create" => r#"{"ids": []}"#,
        _ if path.ends_with("/create") || path.ends_with("/create_from_digests") || path == "/table/update" => {
            r#"{"digest": "6jAV4T6F42RKlabeB2RO0BXkbFFPrKyU2yyQedpotB8", "object_id": "bench", "row_digests": []}"#
        }
        _ if path.ends_with("/call/start") => r#"{"id": "bench", "trace_id": "bench"}"#,
        _ => "{}",
    }
}
