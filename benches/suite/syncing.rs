//! A sync, and its yardstick: the same data files, unpacked and posted as they are. Each is a process of its own that
//! measures itself; the server is another one.

use crate::process::{cpu, status};
use serde_json::json;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::Instant;
use weave::error::{Error, Result};
use weave::sync::{self, Choices, Connection, Environment, Outcome, Request, Secret, Stop};

/// What the local server expects.
const KEY: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";
const POST_BYTES: usize = 4 << 20;

/// `DIR URL`: sends what is pending.
pub fn sync(arguments: &[String]) {
    let [dir, url] = arguments else { panic!("DIR URL") };
    let began = Instant::now();
    let error = match send(Path::new(dir), url) {
        Ok(outcome) => outcome.error(),
        Err(error) => Some(error),
    };
    println!(
        "{}",
        json!({"seconds": began.elapsed().as_secs_f64(), "cpu": cpu(), "peak": status("VmHWM"),
               "status": error.as_ref().map(|error| format!("{:?}", error.status())),
               "text": error.as_ref().map(Error::text)})
    );
}

/// The one place that knows what a sync must be told.
fn send(dir: &Path, url: &str) -> Result<Outcome> {
    let connection = Connection {
        base_url: Some(url.to_string()),
        trace_server_url: Some(url.to_string()),
        api_key: Some(Secret::new(KEY)),
        ..Connection::default()
    };
    // No variable and no file of the machine's changes what is measured.
    let environment = Environment::given(&[], dir, dir);
    let request = Request {
        offline_dir: dir,
        projects: &[],
        connection: &connection,
        environment: &environment,
        choices: Choices::default(),
        stop: Stop::new(),
    };
    sync::run(&request, &mut |_| true)
}

/// `DIR URL`: the same data files, unpacked and posted as they are.
pub fn plain(arguments: &[String]) {
    let [dir, url] = arguments else { panic!("DIR URL") };
    let (began, agent, mut bytes) = (Instant::now(), ureq::agent(), 0);
    for entry in std::fs::read_dir(Path::new(dir).join("team/bench/calls")).unwrap() {
        let file = std::fs::File::open(entry.unwrap().path()).unwrap();
        let mut lines = flate2::read::MultiGzDecoder::new(BufReader::new(file));
        let mut body = Vec::with_capacity(POST_BYTES);
        while lines.by_ref().take(POST_BYTES as u64).read_to_end(&mut body).unwrap() > 0 {
            agent.post(url).send(&body[..]).unwrap();
            bytes += body.len();
            body.clear();
        }
    }
    println!("{}", json!({"seconds": began.elapsed().as_secs_f64(), "cpu": cpu(), "bytes": bytes}));
}
