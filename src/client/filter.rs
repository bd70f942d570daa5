//! The program's say in what is kept: it sees each record before it is stored, and may change or drop it.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::record::json::{accept, Rules};
use crate::record::kind::RecordType;

/// What is done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is stored.
    Keep,
    /// It is not, and is counted.
    Drop,
}

/// Decides about each record, on the thread that logs it, with no lock held.
pub type Filter = dyn Fn(&mut FilteredRecord<'_>) -> Decision + Send + Sync;

/// A record that is about to be kept.
#[derive(Debug)]
pub struct FilteredRecord<'r> {
    record_type: RecordType,
    data: Cow<'r, str>,
    changed: bool,
    refused: Option<Error>,
}

impl<'r> FilteredRecord<'r> {
    /// Asks the program; the text is what is to be stored, and whether the program changed it. `None`: dropped.
    ///
    /// A replacement that was refused refuses the record, whatever the program decides then: what it wanted to hide must
    /// not be stored instead.
    pub(super) fn ask(
        filter: &Filter,
        record_type: RecordType,
        data: Cow<'r, str>,
    ) -> Result<Option<(Cow<'r, str>, bool)>> {
        let mut record = FilteredRecord { record_type, data, changed: false, refused: None };
        match (filter(&mut record), record.refused) {
            (Decision::Drop, _) => Ok(None),
            (Decision::Keep, Some(error)) => Err(error),
            (Decision::Keep, None) => Ok(Some((record.data, record.changed))),
        }
    }

    /// The type, as it stands in a line: `call_complete`, `call_start`, …
    pub fn record_type(&self) -> RecordType {
        self.record_type
    }

    /// The record's data: the JSON of the request that it stands for.
    pub fn json(&self) -> &str {
        &self.data
    }

    /// Replaces the data. It is checked as what the program logs is checked.
    pub fn set_json(&mut self, json: &[u8]) -> Result<()> {
        let accepted = accept(json, "record", &Rules { object: true, ..Rules::default() });
        match accepted {
            Ok(accepted) => {
                self.data = Cow::Owned(accepted.into_owned());
                self.changed = true;
                self.refused = None;
                Ok(())
            }
            Err(error) => self.refuse(error),
        }
    }

    /// Data that cannot be looked at refuses the record, as data that is not allowed does.
    pub fn refuse(&mut self, error: Error) -> Result<()> {
        self.refused = Some(error.clone());
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(filter: &Filter) -> Result<Option<(Cow<'static, str>, bool)>> {
        FilteredRecord::ask(filter, RecordType::CallComplete, Cow::Borrowed(r#"{"a":1}"#))
    }

    #[test]
    fn a_record_is_kept_changed_or_dropped() {
        assert_eq!(asked(&|_| Decision::Keep).unwrap(), Some((Cow::Borrowed(r#"{"a":1}"#), false)));
        assert_eq!(asked(&|_| Decision::Drop).unwrap(), None);
        let changed = asked(&|record| {
            record.set_json(br#"{"a":NaN}"#).unwrap();
            Decision::Keep
        });
        assert_eq!(changed.unwrap(), Some((Cow::Borrowed(r#"{"a":null}"#), true)));
    }

    #[test]
    fn a_refused_replacement_refuses_the_record() {
        let refused = asked(&|record| {
            assert!(record.set_json(b"[1]").is_err());
            Decision::Keep
        });
        assert!(refused.is_err());
    }
}
