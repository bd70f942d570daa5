//! How far a piece of work is: bars on a terminal, and elsewhere a plain line now and then.

use crate::sizes::{count, show};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How bars look: when it is not known how much there is, of records, and of bytes.
const UNKNOWN: &str = "{prefix:<32} {spinner} {done} {rate}";
const RECORDS: &str = "{prefix:<32} {wide_bar} {done} of {all} {rate} {eta} left";
const BYTES: &str = "{prefix:<32} {wide_bar} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {eta} left";

/// A line in so much time where nobody sees bars.
const EACH: Duration = Duration::from_secs(5);

/// The bars that are shown. Whatever else is written to the terminal meanwhile goes above them.
static SHOWN: Mutex<Option<MultiProgress>> = Mutex::new(None);

/// Writes something to standard error, above the bars that are shown.
pub fn above(write: impl FnOnce()) {
    let shown = SHOWN.lock().ok().and_then(|shown| shown.clone());
    match shown {
        Some(bars) => bars.suspend(write),
        None => write(),
    }
}

/// Nobody wants to hear of what takes less.
const PATIENCE: Duration = Duration::from_millis(300);

/// The progress of one piece of work.
pub struct Progress {
    begun: Instant,
    shown: Shown,
}

/// How it is told.
enum Shown {
    /// A bar for each part, on a terminal.
    Bars {
        /// All of them.
        bars: MultiProgress,
        /// The one of the part that is being done: its name, and how it is shown.
        current: Option<(String, ProgressBar)>,
    },
    /// Lines.
    Lines {
        /// When the last one was written.
        told: Instant,
    },
    /// Nothing: a program reads the answer.
    Silent,
}

impl Progress {
    /// Progress for people, unless a program reads the answer.
    pub fn new(is_for_program: bool) -> Progress {
        let begun = Instant::now();
        let shown = match (is_for_program, io::stderr().is_terminal()) {
            (true, _) => Shown::Silent,
            (false, false) => Shown::Lines { told: begun },
            (false, true) => Shown::bars(),
        };
        Progress { begun, shown }
    }

    /// Tells that `done` of `all` records of a part are done; `all` is 0 where it is not known.
    pub fn tell(&mut self, part: &str, done: u64, all: u64) {
        self.tell_in(part, done, all, RECORDS, count);
    }

    /// The same of bytes.
    pub fn tell_bytes(&mut self, part: &str, done: u64, all: u64) {
        self.tell_in(part, done, all, BYTES, show);
    }

    fn tell_in(&mut self, part: &str, done: u64, all: u64, known: &str, say: fn(u64) -> String) {
        match &mut self.shown {
            Shown::Silent => {}
            Shown::Lines { told } => {
                if told.elapsed() >= EACH {
                    *told = Instant::now();
                    let of = if all > 0 { format!(" of {}", say(all)) } else { String::new() };
                    let _ = writeln!(io::stderr(), "{part}: {}{of}", say(done));
                }
            }
            Shown::Bars { .. } if self.begun.elapsed() < PATIENCE => {}
            Shown::Bars { bars, current } => {
                if current.as_ref().is_none_or(|(name, _)| name != part) {
                    if let Some((_, former)) = current.take() {
                        former.finish_and_clear();
                    }
                    *current = Some((part.to_string(), bars.add(bar(part, done, all, known))));
                }
                if let Some((_, bar)) = current {
                    bar.set_position(done);
                }
            }
        }
    }
}

impl Shown {
    fn bars() -> Shown {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(mut shown) = SHOWN.lock() {
            *shown = Some(bars.clone());
        }
        Shown::Bars { bars, current: None }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Shown::Bars { bars, current } = &mut self.shown {
            if let Some((_, bar)) = current.take() {
                bar.finish_and_clear();
            }
            let _ = bars.clear();
            if let Ok(mut shown) = SHOWN.lock() {
                *shown = None;
            }
        }
    }
}

fn bar(part: &str, begun_at: u64, all: u64, known: &str) -> ProgressBar {
    let (bar, template) = match all {
        0 => (ProgressBar::no_length(), UNKNOWN),
        _ => (ProgressBar::new(all), known),
    };
    // A template that does not parse is a fault of this file, which the tests would show as a bare bar.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let done = |state: &ProgressState, to: &mut dyn fmt::Write| write(to, count(state.pos()));
    let all = |state: &ProgressState, to: &mut dyn fmt::Write| write(to, count(state.len().unwrap_or_default()));
    let rate = |state: &ProgressState, to: &mut dyn fmt::Write| {
        write(to, count(state.per_sec().round() as u64) + "/s");
    };
    let style = style.with_key("done", done).with_key("all", all).with_key("rate", rate);
    bar.with_style(style).with_prefix(part.to_string()).with_position(begun_at)
}

fn write(to: &mut dyn fmt::Write, text: String) {
    let _ = to.write_str(&text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_templates_of_bars_parse() {
        for template in [UNKNOWN, RECORDS, BYTES] {
            ProgressStyle::with_template(template).unwrap();
        }
    }
}
