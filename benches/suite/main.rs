//! The part of the benchmark that is Rust: the library's own programs and the yardsticks, one command each, which print
//! what they measured as one line of JSON. `benches/run.py` (`make bench`) runs them and judges.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod disk;
mod logging;
mod plan;
mod process;
mod sink;
mod syncing;
mod yardsticks;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        Some(("log", rest)) => logging::planned(rest),
        Some(("flushed", rest)) => logging::flushed(rest),
        Some(("recover", rest)) => logging::recover(rest),
        Some(("backlog", rest)) => logging::backlog(rest),
        Some(("apart", rest)) => logging::apart(rest),
        Some(("write", rest)) => yardsticks::write(rest),
        Some(("copy", rest)) => yardsticks::copy(rest),
        Some(("check", rest)) => yardsticks::check(rest),
        Some(("size", rest)) => disk::size(rest),
        Some(("rate", rest)) => disk::rate(rest),
        Some(("compressors", rest)) => disk::compressors(rest),
        Some(("memory", rest)) => process::memory(rest),
        Some(("idle", rest)) => process::idle(rest),
        Some(("sync", rest)) => syncing::sync(rest),
        Some(("plain", rest)) => syncing::plain(rest),
        Some(("sink", _)) => sink::serve(),
        _ => println!("`make bench` runs the benchmark"),
    }
}
