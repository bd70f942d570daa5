//! What cannot be read in data files: it is told and left out, and never keeps what can be read from anybody.

use super::{style, warn};
use crate::outcome::Ending;
use std::collections::HashSet;
use weave::Error;

/// What was told so far.
#[derive(Default)]
pub struct Damage(HashSet<String>);

impl Damage {
    /// Tells of it, once however often it is met.
    pub fn tell(&mut self, error: &Error) {
        if self.0.insert(error.text().to_string()) {
            warn(&format!("{}; it is left out, and weave fsck tells more", style::PLAIN.paint(error.text())));
        }
    }

    /// How a command ends that met it.
    pub fn ending(&self) -> Ending {
        if self.0.is_empty() {
            Ending::All
        } else {
            Ending::Some
        }
    }
}
