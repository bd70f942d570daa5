//! What can happen in a history.

use crate::store::disk::faults::{Faults, Random};

/// One event, with the seed of what is left to chance in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step(pub u64, pub What);

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The process opens the directory, or another process does, as which it then logs too.
    Open(Choices),
    /// A record is logged in one of the open sessions.
    Log { session: u64, entry: Entry },
    /// The same, on a thread that has ended when the step has.
    LogOnThread { session: u64, entry: Entry },
    /// The bytes of a file are stored.
    PutFile { number: u64, length: usize },
    /// The packer takes a turn; the durability interval may be over.
    Turn { session: u64, interval_is_over: bool },
    /// The program flushes, and may have the data files closed.
    Flush { session: u64, close: bool },
    /// A program that shares the directory chooses how data files are written.
    Choose { session: u64, compress: bool },
    /// The program closes the directory.
    Close { session: u64 },
    /// The disk fails from now on.
    Fail(Faults),
    /// It does not any more.
    Mend,
    /// Every process is killed at this moment.
    Kill,
    /// They are killed after so many more operations.
    KillAfter(u64),
    /// Somebody recovers what was abandoned.
    Recover { compress: bool },
    /// The power is lost.
    LosePower,
}

/// What a program chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choices {
    pub compress: bool,
    pub mapped: bool,
    pub max_file_size: u64,
    pub journal_size: u64,
}

/// A record: its number, the number of its project, how long its text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub part: Part,
    pub number: u64,
    pub project: u64,
    pub length: usize,
}

/// What kind of record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    Start,
    End,
    Complete,
    Object,
    Cost,
}

/// A history.
pub fn random(seed: u64) -> Vec<Step> {
    let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let mut started: Vec<Entry> = Vec::new();
    let length = 10 + random.below(60);
    let usual = choices(&mut random);
    // Some histories have no failing disk, some no loss of power: what they do must hold without exception.
    let (may_fail, may_lose_power) = (random.chance(600), random.chance(600));
    let mut steps = vec![Step(random.number(), What::Open(usual))];
    for number in 0..length {
        let session = random.below(2);
        let what = match random.below(100) {
            0..=41 => {
                let entry = entry(&mut random, number, &mut started);
                match random.chance(150) {
                    true => What::LogOnThread { session, entry },
                    false => What::Log { session, entry },
                }
            }
            42..=44 => What::PutFile { number: random.below(3), length: random.below(9000) as usize },
            45..=60 => What::Turn { session, interval_is_over: random.chance(600) },
            61..=66 => What::Flush { session, close: random.chance(300) },
            67 if random.chance(300) => What::Choose { session, compress: random.chance(500) },
            67..=68 => What::Close { session },
            69..=74 => What::Open(if random.chance(200) { choices(&mut random) } else { usual }),
            75..=78 if may_fail => What::Fail(faults(&mut random)),
            79..=83 => What::Mend,
            84..=85 => What::Kill,
            86..=90 => What::KillAfter(random.below(40)),
            91..=94 if may_lose_power => What::LosePower,
            _ => What::Recover { compress: if random.chance(200) { !usual.compress } else { usual.compress } },
        };
        // A record does not come alone.
        let again = if matches!(what, What::Log { .. }) { random.below(8) } else { 0 };
        steps.push(Step(random.number(), what));
        for more in 0..again {
            let entry = entry(&mut random, 100 * (number + 1) + more, &mut started);
            steps.push(Step(random.number(), What::Log { session, entry }));
        }
    }
    steps
}

fn choices(random: &mut Random) -> Choices {
    Choices {
        compress: random.chance(600),
        mapped: random.chance(700),
        max_file_size: if random.chance(500) { 1_000_000 } else { 500 + random.below(6000) },
        journal_size: if random.chance(800) { 1_000_000 } else { 4_000 },
    }
}

fn faults(random: &mut Random) -> Faults {
    let mut often = || if random.chance(400) { [20, 100, 300, 1000][random.below(4) as usize] } else { 0 };
    Faults { no_space: often(), broken: often(), sync: often() }
}

fn entry(random: &mut Random, number: u64, started: &mut Vec<Entry>) -> Entry {
    let length = match random.below(10) {
        0 => 1500 + random.below(700), // about the largest record of a ring
        1 => random.below(9000),
        2..=3 => random.below(1200),
        _ => random.below(200),
    } as usize;
    let project = if random.chance(800) { 0 } else { random.below(3) };
    let part = match random.below(10) {
        0..=2 => Part::Start,
        3..=5 if !started.is_empty() => {
            let start = started.swap_remove(random.below(started.len() as u64) as usize);
            return Entry { part: Part::End, length, ..start };
        }
        6 => Part::Object,
        7 => Part::Cost,
        _ => Part::Complete,
    };
    let entry = Entry { part, number, project, length };
    if part == Part::Start {
        started.push(entry);
    }
    entry
}
