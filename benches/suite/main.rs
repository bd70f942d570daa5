//! What logging and syncing cost, each figure beside a yardstick of the same run, since machines are noisy.
//!
//! `make bench` prints a table and writes `target/bench.json`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod compression;
mod load;
mod logging;
mod report;
mod syncing;
mod yardsticks;

fn main() {
    // `cargo test --benches` and friends only ask whether it runs.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let load = load::fixed();
    let mut report = report::Report::default();
    let yardsticks = yardsticks::measure();
    logging::measure(&load, &yardsticks, &mut report);
    syncing::measure(&load, &mut report);
    compression::measure(&load, &mut report);
    report.finish();
}
