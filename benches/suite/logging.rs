//! The library from Rust: logging as planned, and runs of their own for size and recovery.

use crate::plan::{read_load, Call, Plan};
use std::path::Path;
use std::sync::Arc;
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
