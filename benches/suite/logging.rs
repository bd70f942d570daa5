//! The cost of a logging call on the caller's thread, and how fast records get into data files.

use crate::load::Load;
use crate::report::{quantile, Report};
use crate::yardsticks::Yardsticks;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use weave::client::{CallOptions, Client, Options};

const CALLS: usize = 200_000;
const PACED_CALLS: usize = 20_000;
const PACE: Duration = Duration::from_micros(50);

/// Measures and reports.
pub fn measure(load: &[Load], yardsticks: &Yardsticks, report: &mut Report) {
    let [median, p99, p999] = yardsticks.write;
    for (name, pace) in [("back to back", None), ("paced", Some(PACE))] {
        let folder = tempfile::tempdir().unwrap();
        let client = client(folder.path());
        let times = call_times(&client, load, pace);
        let add = |report: &mut Report, what: &str, share: f64, yardstick| {
            report.add(&format!("log_call {name}, {what}"), quantile(&times, share), "ns", yardstick);
        };
        add(report, "median", 0.5, ("write(2) median", median));
        add(report, "p99", 0.99, ("write(2) p99", p99));
        add(report, "p99.9", 0.999, ("write(2) p99.9", p999));
        client.finish(None).unwrap();
    }
    throughput(load, yardsticks, report);
}

fn client(folder: &Path) -> Arc<Client> {
    let options = Options { offline: Some(true), offline_dir: Some(folder.to_path_buf()), ..Options::default() };
    Client::init("team/bench", &options).unwrap()
}

fn log(client: &Client, call: &Load) {
    client
        .log_call(&call.op_name, Some(call.inputs.as_bytes()), Some(call.output.as_bytes()), &CallOptions::default())
        .unwrap();
}

fn call_times(client: &Client, load: &[Load], pace: Option<Duration>) -> Vec<u64> {
    let count = if pace.is_some() { PACED_CALLS } else { CALLS };
    let mut times = Vec::with_capacity(count);
    for call in load.iter().cycle().take(count) {
        let began = Instant::now();
        log(client, call);
        let took = began.elapsed();
        times.push(took.as_nanos() as u64);
        while pace.is_some_and(|pace| began.elapsed() < pace) {
            std::hint::spin_loop();
        }
    }
    times.sort_unstable();
    times
}

fn throughput(load: &[Load], yardsticks: &Yardsticks, report: &mut Report) {
    let folder = tempfile::tempdir().unwrap();
    let client = client(folder.path());
    let began = Instant::now();
    load.iter().cycle().take(CALLS).for_each(|call| log(&client, call));
    client.flush(None).unwrap();
    let rate = CALLS as f64 / began.elapsed().as_secs_f64();
    report.add("logged, packed and on the disk", rate / 1e3, "k/s", ("write(2) alone", 1e6 / yardsticks.write[0]));
    let bytes: u64 = fs::read_dir(folder.path().join("team/bench/calls"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    let plain = load.iter().map(|call| call.inputs.len() + call.output.len()).sum::<usize>() as f64 / load.len() as f64;
    report.add("bytes on disk a record", bytes as f64 / CALLS as f64, "B", ("inputs and output", plain));
    client.finish(None).unwrap();
}
