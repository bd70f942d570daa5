//! What is told while data files are read: how far it is, and what cannot be read. That is left out, and never keeps what can
//! be read from anybody.

use super::progress::Progress;
use super::{style, warn};
use crate::outcome::Ending;
use crate::traces::Told;
use std::collections::HashSet;

/// Reading, as people see it.
pub struct Reading {
    progress: Progress,
    damage: HashSet<String>,
}

impl Reading {
    /// Reading begins. A program that reads the answer hears of damage alone.
    pub fn new(is_for_program: bool) -> Reading {
        Reading { progress: Progress::new(is_for_program), damage: HashSet::new() }
    }

    /// Tells of it; of what is damaged once, however often it is met.
    pub fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Read { done, all } => self.progress.tell_bytes("reading", done, all),
            Told::Damage(error) => {
                if self.damage.insert(error.text().to_string()) {
                    warn(&format!("{}; it is left out, and weave fsck tells more", style::PLAIN.paint(error.text())));
                }
            }
        }
    }

    /// How a command ends that has read.
    pub fn end(self) -> Ending {
        if self.damage.is_empty() {
            Ending::All
        } else {
            Ending::Some
        }
    }
}
