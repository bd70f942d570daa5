//! How fast a sync goes to a server that only counts, beside unpacking and posting the same bytes.

use crate::logging::{client, log};
use crate::plan::read_load;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Instant;
use weave::sync::{self, Choices, Connection, Environment, Request, Secret, Stop};

const POST_BYTES: usize = 4 << 20;

/// `LOAD DIR COUNT`: logs so many calls and sends them.
pub fn measure(arguments: &[String]) {
    let [load, dir, count] = arguments else { panic!("LOAD DIR COUNT") };
    let (calls, dir) = (read_load(load), Path::new(dir));
    let count: usize = count.parse().expect("a count");
    let client = client("team/bench", dir);
    calls.iter().cycle().take(count).for_each(|call| log(&client, call));
    client.finish(None).unwrap();

    let (url, bytes) = count_bytes();
    let began = Instant::now();
    post_plainly(dir, &url);
    let plain = count as f64 / began.elapsed().as_secs_f64();
    let posted = bytes.swap(0, Ordering::Relaxed);

    let connection = Connection {
        base_url: Some(url.clone()),
        trace_server_url: Some(url),
        api_key: Some(Secret::new("k".repeat(40))),
        ..Connection::default()
    };
    let environment = Environment::given(&[], dir, dir);
    let request = Request {
        offline_dir: dir,
        project: None,
        connection: &connection,
        environment: &environment,
        choices: Choices::default(),
        stop: Stop::new(),
    };
    let began = Instant::now();
    let outcome = sync::run(&request, &mut |_| true).unwrap();
    let rate = count as f64 / began.elapsed().as_secs_f64();
    assert_eq!(outcome.error(), None);
    assert!(bytes.load(Ordering::Relaxed) > posted / 2, "everything was sent");
    println!("{}", json!({"rate": rate, "plain": plain}));
}

/// The same data files, unpacked and posted as they are.
fn post_plainly(dir: &Path, url: &str) {
    let agent = ureq::agent();
    for entry in std::fs::read_dir(dir.join("team/bench/calls")).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        let mut lines = flate2::read::MultiGzDecoder::new(BufReader::new(file));
        let mut body = Vec::with_capacity(POST_BYTES);
        while lines.by_ref().take(POST_BYTES as u64).read_to_end(&mut body).unwrap() > 0 {
            agent.post(url).send(&body[..]).unwrap();
            body.clear();
        }
    }
}

/// A server that reads every request, counts its bytes and says yes.
fn count_bytes() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bytes = Arc::new(AtomicU64::new(0));
    let counter = bytes.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let counter = counter.clone();
            std::thread::spawn(move || answer(stream, &counter));
        }
    });
    (url, bytes)
}

fn answer(stream: TcpStream, counter: &AtomicU64) -> Option<()> {
    let mut reader = BufReader::with_capacity(1 << 20, stream.try_clone().ok()?);
    let mut writer = stream;
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if let Some((name, value)) = line.split_once(':') {
                if name.eq_ignore_ascii_case("content-length") {
                    length = value.trim().parse().ok()?;
                }
            } else if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).ok()?;
        counter.fetch_add(length as u64, Ordering::Relaxed);
        let text = r#"{"data": {"project": {"name": "bench"}}}"#;
        let length = text.len();
        // In one write, or the answer waits for the acknowledgement of its first part.
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        writer.write_all(format!("{head}content-length: {length}\r\n\r\n{text}").as_bytes()).ok()?;
    }
}
