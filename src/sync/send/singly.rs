//! A folder whose records are sent one by one: files, tables, ops and objects.

use super::judge::Judge;
use super::pending::{Pending, Place};
use super::sender::{Refused, Sender};
use crate::error::Result;
use crate::sync::results::Counted;
use crate::sync::server::failure::Failure;

/// The folder, and what became of its records so far.
pub struct Singly {
    /// What they count as.
    pub what: Counted,
    /// The records.
    pub pending: Pending,
    judge: Judge<Refused>,
}

impl Singly {
    /// Nothing of it was sent yet.
    pub fn new(what: Counted, pending: Pending) -> Self {
        Singly { what, pending, judge: Judge::default() }
    }

    /// The server has a record.
    pub fn accepted(&mut self, sender: &mut Sender<'_, '_, '_>, place: Place) -> Result<()> {
        sender.accepted(&mut self.pending, &[place], self.what, 1)?;
        sender.condemn(&mut self.pending, self.judge.passed())
    }

    /// The server refused a record with this id.
    pub fn refused(&mut self, sender: &mut Sender<'_, '_, '_>, place: Place, id: &str, failure: Failure) -> Result<()> {
        let refused = Refused { place, what: self.what, id: id.to_string() };
        sender.refused_by(&mut self.pending, &mut self.judge, refused, failure)
    }

    /// A record cannot be sent, for a reason of its own.
    pub fn set_aside(&mut self, sender: &mut Sender<'_, '_, '_>, place: Place, id: &str, reason: &str) -> Result<()> {
        sender.set_aside(&mut self.pending, &[place], self.what, id, None, reason)
    }

    /// Every record was tried.
    pub fn finish(&mut self, sender: &mut Sender<'_, '_, '_>) -> Result<()> {
        sender.condemn(&mut self.pending, self.judge.close())?;
        sender.finish(&mut self.pending)
    }
}
