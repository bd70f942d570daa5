//! What a measuring program is asked to do, `LOAD DIR SCHEDULE THREADS COUNT`, and the doing of it: threads, times,
//! answers. The programs in other languages take and answer the same (`benches/harness`).

use serde_json::{json, Value};
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::{Duration, Instant};

/// One call to log.
pub struct Call {
    /// The op's name.
    pub op_name: String,
    /// JSON object.
    pub inputs: String,
    /// JSON value.
    pub output: String,
}

/// When calls are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// `back`: one after the other.
    Back,
    /// `every:NS`: when they are due, or at once when that is over; the wait spins.
    Every(u64),
    /// `batches:CALLS:NS`: so many back to back, then sleep until the next batch is due. Measures processor time alone.
    Batches(usize, u64),
    /// `burst`: back to back, and the process kills itself when the last call was accepted.
    Burst,
}

/// What is asked for.
pub struct Plan {
    /// The calls, to be logged in turn.
    pub calls: Vec<Call>,
    /// A directory of its own.
    pub dir: PathBuf,
    /// When calls are made.
    pub schedule: Schedule,
    /// How many threads make them.
    pub threads: usize,
    /// How many are made, by all threads together.
    pub count: usize,
}

/// What came out.
pub struct Times {
    sorted: Vec<u64>,
    cpu: Option<f64>,
    logged: Duration,
    count: usize,
}

impl Plan {
    /// From the arguments `LOAD DIR SCHEDULE THREADS COUNT`.
    pub fn from_arguments(arguments: &[String]) -> Plan {
        let [load, dir, schedule, threads, count] = arguments else { panic!("LOAD DIR SCHEDULE THREADS COUNT") };
        let parts: Vec<&str> = schedule.split(':').collect();
        let schedule = match parts[..] {
            ["back"] => Schedule::Back,
            ["burst"] => Schedule::Burst,
            ["every", nanos] => Schedule::Every(nanos.parse().expect("nanoseconds")),
            ["batches", calls, nanos] => {
                Schedule::Batches(calls.parse().expect("calls"), nanos.parse().expect("nanoseconds"))
            }
            _ => panic!("{schedule}: no schedule"),
        };
        Plan {
            calls: read_load(load),
            dir: dir.into(),
            schedule,
            threads: threads.parse().expect("threads"),
            count: count.parse().expect("count"),
        }
    }

    /// Makes the calls; `make` gives each thread what logs a call.
    pub fn run<L: FnMut(&Call)>(&self, make: impl Fn() -> L + Sync) -> Times {
        let start = Barrier::new(self.threads + 1);
        let each = self.count / self.threads;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..self.threads)
                .map(|thread| {
                    let (start, make) = (&start, &make);
                    scope.spawn(move || {
                        let mut log = make();
                        let first = self.calls.len() / self.threads * thread;
                        let calls = self.calls.iter().cycle().skip(first).take(each);
                        start.wait();
                        match self.schedule {
                            Schedule::Batches(size, nanos) => (Vec::new(), Some(batches(calls, size, nanos, &mut log))),
                            schedule => timed(calls, each, schedule, &mut log),
                        }
                    })
                })
                .collect();
            start.wait();
            let began = Instant::now();
            let (mut sorted, mut cpus) = (Vec::new(), Vec::new());
            for thread in threads {
                let (samples, cpu) = thread.join().expect("a thread that logs");
                sorted.extend(samples);
                cpus.extend(cpu);
            }
            let logged = began.elapsed();
            sorted.sort_unstable();
            let cpu = (!cpus.is_empty()).then(|| cpus.iter().sum::<f64>() / cpus.len() as f64);
            Times { sorted, cpu, logged, count: each * self.threads }
        })
    }
}

/// The time of each call, and the thread's processor time per call when it did nothing else.
fn timed<'c>(
    calls: impl Iterator<Item = &'c Call>,
    count: usize,
    schedule: Schedule,
    log: &mut impl FnMut(&Call),
) -> (Vec<u64>, Option<f64>) {
    let mut samples = vec![1u64; count]; // written to, so that no page of it is faulted in while calls are timed
    let pace = match schedule {
        Schedule::Every(nanos) => Some(Duration::from_nanos(nanos)),
        _ => None,
    };
    let (mut due, cpu) = (Instant::now(), thread_cpu());
    for (call, sample) in calls.zip(&mut samples) {
        if let Some(pace) = pace {
            due += pace;
            while Instant::now() < due {
                std::hint::spin_loop();
            }
        }
        let began = Instant::now();
        log(call);
        *sample = began.elapsed().as_nanos() as u64;
    }
    (samples, pace.is_none().then(|| (thread_cpu() - cpu) as f64 / count as f64))
}

/// The thread's processor time per call. No call is timed, since reading clocks would be a part of the figure.
fn batches<'c>(mut calls: impl Iterator<Item = &'c Call>, size: usize, nanos: u64, log: &mut impl FnMut(&Call)) -> f64 {
    let (mut due, mut spent, mut count) = (Instant::now(), 0, 0);
    loop {
        let cpu = thread_cpu();
        let logged = calls.by_ref().take(size).map(&mut *log).count();
        spent += thread_cpu() - cpu;
        count += logged;
        if logged < size {
            return spent as f64 / count as f64;
        }
        due += Duration::from_nanos(nanos);
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn thread_cpu() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

impl Times {
    /// Prints the answer. `drain` brings everything to the disk, and its time counts.
    pub fn print(self, plan: &Plan, drain: impl FnOnce()) {
        if plan.schedule == Schedule::Burst {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        let began = Instant::now();
        drain();
        let drained = self.logged + began.elapsed();
        let quantile = |share: f64| match self.sorted.len() {
            0 => Value::Null,
            length => self.sorted[((length - 1) as f64 * share) as usize].into(),
        };
        let mean = self.sorted.iter().sum::<u64>() as f64 / self.sorted.len().max(1) as f64;
        println!(
            "{}",
            json!({"p50": quantile(0.5), "p99": quantile(0.99), "p999": quantile(0.999), "max": quantile(1.0),
                   "mean": mean, "cpu": self.cpu, "logged": self.logged.as_secs_f64(),
                   "drained": drained.as_secs_f64(), "count": self.count})
        );
    }
}

/// The binary form of `gen_calls.py`.
pub fn read_load(path: &str) -> Vec<Call> {
    let file = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let (mut bytes, mut calls) = (file.as_slice(), Vec::new());
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let [op, inputs, output] = [0, 4, 8].map(number);
        let text = |from: usize, length: usize| String::from_utf8(bytes[from..from + length].to_vec()).unwrap();
        calls.push(Call {
            op_name: text(24, op),
            inputs: text(24 + op, inputs),
            output: text(24 + op + inputs, output),
        });
        bytes = &bytes[24 + op + inputs + output..];
    }
    calls
}
