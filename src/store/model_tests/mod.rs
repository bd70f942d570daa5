//! The store against a model of it: random histories of what programs, packers and recoveries do, on a disk that fails,
//! fills, and forgets what was not synced, with processes that end between any two operations.
//!
//! A history is a row of [`Step`]s, each with what it needs of chance, so that what is left of a history without some of
//! its steps is a history too: a failing one is printed in its shortest form. `MODEL_SEED` repeats one history,
//! `MODEL_HISTORIES` sets their number (`make soak-model`).

mod check;
mod history;
mod kept;
mod steps;

use history::History;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use steps::Step;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Plays a history; answers what was wrong.
fn play(steps: &[Step]) -> Result<u64, String> {
    let played = catch_unwind(AssertUnwindSafe(|| History::play(steps)));
    played.unwrap_or_else(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        Err(text.or(cause.downcast_ref::<&str>().map(|t| t.to_string())).unwrap_or("a panic".into()))
    })
}

/// The ids of journals are random, and with them some orders.
fn fails(steps: &[Step]) -> Option<String> {
    (0..4).find_map(|_| play(steps).err())
}

/// Leaves out what is not needed to fail.
fn shortest(mut steps: Vec<Step>) -> Vec<Step> {
    let mut size = steps.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let mut shrunk = false;
        while at < steps.len() {
            let rest: Vec<Step> = steps[..at].iter().chain(steps.iter().skip(at + size)).cloned().collect();
            match fails(&rest) {
                Some(_) => (steps, shrunk) = (rest, true),
                None => at += size,
            }
        }
        size = if size == 1 && shrunk { 1 } else { size / 2 };
    }
    steps
}

/// Plays a history that was wrong once, in many ways to decide what is left to chance.
fn keeps(steps: &[Step]) {
    for variation in 0..20 {
        let mixed = |Step(seed, what): &Step| Step(seed.wrapping_add(variation * 0x1_0001), what.clone());
        let steps: Vec<Step> = steps.iter().map(mixed).collect();
        if let Err(failure) = play(&steps) {
            panic!("{failure}\nvariation {variation}");
        }
    }
}

#[test]
fn no_history_loses_or_doubles_what_was_promised() {
    if let Some(seed) = setting("MODEL_SEED") {
        return play_seed(seed);
    }
    let histories = setting("MODEL_HISTORIES").unwrap_or(2_000);
    let first = setting("MODEL_FIRST").unwrap_or(0);
    let (next, operations) = (AtomicU64::new(first), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + histories {
                    return;
                }
                match play(&steps::random(seed)) {
                    Ok(count) => _ = operations.fetch_add(count, Ordering::Relaxed),
                    Err(_) => play_seed(seed),
                }
            });
        }
    });
    println!("{histories} histories with {} operations on the disk", operations.into_inner());
}

fn play_seed(seed: u64) {
    let steps = steps::random(seed);
    let Some(failure) = fails(&steps) else { return };
    let short = shortest(steps);
    let failure = fails(&short).unwrap_or(failure);
    let lines: Vec<String> = short.iter().map(|step| format!("    {step:?},")).collect();
    panic!("history {seed}: {failure}\nits shortest form:\n{}", lines.join("\n"));
}
