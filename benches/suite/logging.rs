//! The library from Rust: logging as planned, and runs of their own for size and recovery.

use crate::plan::{read_load, Call, Plan};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weave::client::{CallOptions, Client, Options};

/// A client that is offline.
pub fn client(project: &str, dir: &Path) -> Arc<Client> {
    let options = Options { offline: Some(true), offline_dir: Some(dir.to_path_buf()), ..Options::default() };
    Client::init(project, &options).unwrap()
}

/// Logs one call.
pub fn log(client: &Client, call: &Call) {
    client
        .log_call(&call.op_name, Some(call.inputs.as_bytes()), Some(call.output.as_bytes()), &CallOptions::default())
        .unwrap();
}

/// `LOAD DIR SCHEDULE THREADS COUNT`
pub fn planned(arguments: &[String]) {
    let plan = Plan::from_arguments(arguments);
    let client = client("team/bench", &plan.dir);
    let times = plan.run(|| |call: &Call| log(&client, call));
    times.print(&plan, || assert_eq!(client.flush(None).unwrap(), 0, "everything is on the disk"));
    client.finish(None).unwrap();
}

/// `LOAD DIR FLUSHES CALLS`: so many calls, then a flush, and again.
pub fn flushed(arguments: &[String]) {
    let [load, dir, flushes, each] = arguments else { panic!("LOAD DIR FLUSHES CALLS") };
    let (calls, client) = (read_load(load), client("team/bench", Path::new(dir)));
    let [flushes, each] = [flushes, each].map(|number| number.parse::<usize>().expect("a number"));
    let mut calls = calls.iter().cycle();
    for _ in 0..flushes {
        calls.by_ref().take(each).for_each(|call| log(&client, call));
        assert_eq!(client.flush(None).unwrap(), 0);
    }
    client.finish(None).unwrap();
}

/// `DIR`: what a start does with the journals of processes that are gone.
pub fn recover(arguments: &[String]) {
    let [dir] = arguments else { panic!("DIR") };
    client("team/bench", Path::new(dir)).finish(None).unwrap();
}

/// `LOAD DIR MEGABYTES SECONDS`: logs until data files of so many megabytes lie there, or the time is over.
pub fn backlog(arguments: &[String]) {
    let [load, dir, megabytes, seconds] = arguments else { panic!("LOAD DIR MEGABYTES SECONDS") };
    let (calls, dir) = (read_load(load), Path::new(dir));
    let wanted = megabytes.parse::<u64>().expect("a number") * 1_000_000;
    let limit = Duration::from_secs(seconds.parse().expect("seconds"));
    let (client, began, mut count) = (client("team/bench", dir), Instant::now(), 0);
    while bytes_of_calls(dir) < wanted && began.elapsed() < limit {
        calls.iter().for_each(|call| log(&client, call));
        count += calls.len();
    }
    client.finish(None).unwrap();
    println!("{}", json!({"count": count, "bytes": bytes_of_calls(dir)}));
}

/// `LOAD DIR COUNT`: starts so many calls, then ends them all: the two halves of each lie far apart.
pub fn apart(arguments: &[String]) {
    let [load, dir, count] = arguments else { panic!("LOAD DIR COUNT") };
    let (calls, client) = (read_load(load), client("team/bench", Path::new(dir)));
    let calls = calls.iter().cycle().take(count.parse().expect("a count"));
    let start = |call: &Call| {
        let options = CallOptions::default();
        client.start_call(&call.op_name, Some(call.inputs.as_bytes()), &options).unwrap()
    };
    let live: Vec<_> = calls.clone().map(start).collect();
    assert_eq!(client.flush(None).unwrap(), 0);
    for (live, call) in live.iter().zip(calls) {
        live.end(Some(call.output.as_bytes())).unwrap();
    }
    client.finish(None).unwrap();
}

/// What the data files of calls take on the disk.
fn bytes_of_calls(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir.join("team/bench/calls")).into_iter().flatten();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}
