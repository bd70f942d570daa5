//! What the library costs the process that it lives in: memory, threads, wake-ups.

use crate::logging::{client, log};
use crate::plan::read_load;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// `LOAD DIR COUNT`: how far resident memory grows while so many calls are logged back to back, in bytes.
pub fn memory(arguments: &[String]) {
    let [load, dir, count] = arguments else { panic!("LOAD DIR COUNT") };
    let calls = read_load(load);
    let before = status("VmRSS");
    let client = client("team/bench", Path::new(dir));
    for call in calls.iter().cycle().take(count.parse().expect("a count")) {
        log(&client, call);
    }
    let (peak, mapped) = (status("VmHWM"), journal().0);
    client.finish(None).unwrap();
    println!("{}", json!({"growth": peak.saturating_sub(before), "mapped": mapped}));
}

/// `DIR CLIENTS DIRECTORIES SECONDS`: clients that do nothing, each for a project of its own, in so many directories.
pub fn idle(arguments: &[String]) {
    let [dir, clients, directories, seconds] = arguments else { panic!("DIR CLIENTS DIRECTORIES SECONDS") };
    let directories: usize = directories.parse().expect("a number");
    let (before, anonymous) = (status("VmRSS"), status("RssAnon"));
    let clients: Vec<_> = (0..clients.parse::<usize>().expect("a number"))
        .map(|number| {
            let dir = Path::new(dir).join((number % directories).to_string());
            client(&format!("team/bench-{number}"), &dir)
        })
        .collect();
    // What was set going by the start is over: the packer polls at its slowest.
    std::thread::sleep(Duration::from_secs(2));
    let (grown, grown_anonymous) = (status("VmRSS") - before, status("RssAnon").saturating_sub(anonymous));
    let (mapped, resident) = journal();
    let seconds: f64 = seconds.parse().expect("seconds");
    let first = threads();
    std::thread::sleep(Duration::from_secs_f64(seconds));
    let last = threads();
    let difference = |part: fn(&Thread) -> u64| -> f64 {
        let sum = |threads: &BTreeMap<String, Thread>| threads.values().map(part).sum::<u64>();
        sum(&last).saturating_sub(sum(&first)) as f64 / seconds
    };
    println!(
        "{}",
        json!({"clients": clients.len(), "threads": last.len(), "wakeups": difference(|thread| thread.switches),
               "cpu": difference(|thread| thread.cpu) / 1e9, "grown": grown.saturating_sub(resident),
               "anonymous": grown_anonymous, "mapped": mapped})
    );
    for client in clients {
        client.finish(None).unwrap();
    }
}

/// Seconds that all threads of this process spent on a core so far, in the kernel too.
pub fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// A number of bytes of `/proc/self/status`.
pub fn status(field: &str) -> u64 {
    number(&fs::read_to_string("/proc/self/status").unwrap(), field) * 1024
}

fn number(text: &str, field: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(field)).unwrap_or_else(|| panic!("no {field}"));
    line.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

/// Bytes of journals that are mapped, and how many of them are resident.
fn journal() -> (u64, u64) {
    let (mut mapped, mut resident, mut counts) = (0, 0, false);
    for line in fs::read_to_string("/proc/self/smaps").unwrap().lines() {
        if line.split_whitespace().next().is_some_and(|word| word.contains('-')) {
            counts = line.contains("/.weave/journals/");
        } else if counts && line.starts_with("Size:") {
            mapped += number(line, "Size:") * 1024;
        } else if counts && line.starts_with("Rss:") {
            resident += number(line, "Rss:") * 1024;
        }
    }
    (mapped, resident)
}

struct Thread {
    switches: u64,
    /// Nanoseconds on a core.
    cpu: u64,
}

/// The threads of this process but its first.
fn threads() -> BTreeMap<String, Thread> {
    let own = std::process::id().to_string();
    let mut threads = BTreeMap::new();
    for entry in fs::read_dir("/proc/self/task").unwrap().flatten() {
        let id = entry.file_name().to_string_lossy().into_owned();
        let read = |name: &str| fs::read_to_string(entry.path().join(name));
        if let (true, Ok(status), Ok(times)) = (id != own, read("status"), read("schedstat")) {
            let cpu = times.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(0);
            threads.insert(id, Thread { switches: number(&status, "voluntary_ctxt_switches"), cpu });
        }
    }
    threads
}
