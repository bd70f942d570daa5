//! Whether a refusal is a record's own fault.
//!
//! One that meets every record is not: a server that refuses a thousand calls alike says something about itself, or
//! about this library, and none of them may be set aside for that. And a server's own fault (500) is a record's only
//! when it comes again and again for this one while its neighbours pass (protocol, section 16).

use crate::error::{Error, Status};
use crate::sync::server::failure::{Failure, FailureKind};

/// With so many refused and none accepted, every record is refused.
const TOO_MANY: usize = 20;

/// A record that was refused alone, why, and whether that is its own fault for certain.
pub type Suspect<T> = (T, Failure, bool);

/// The records of one kind that were refused.
#[derive(Debug)]
pub struct Judge<T> {
    has_passed: bool,
    suspects: Vec<Suspect<T>>,
}

impl<T> Default for Judge<T> {
    fn default() -> Self {
        Judge { has_passed: false, suspects: Vec::new() }
    }
}

/// What to do about a refused record.
#[derive(Debug)]
pub enum Verdict<T> {
    /// Nothing yet.
    Wait,
    /// These are to blame.
    Refused(Vec<Suspect<T>>),
    /// None is; the error to end with.
    AllAreRefused(Error),
}

impl<T> Judge<T> {
    /// A record was refused alone.
    pub fn refused(&mut self, record: T, failure: Failure) -> Verdict<T> {
        if self.has_passed {
            return Verdict::Refused(vec![(record, failure, true)]);
        }
        self.suspects.push((record, failure.clone(), false));
        match self.suspects.len() < TOO_MANY {
            true => Verdict::Wait,
            false => Verdict::AllAreRefused(Error::new(
                Status::Incomplete,
                format!("the server refuses every record of this kind, so none was set aside: {failure}"),
            )),
        }
    }

    /// A record was accepted. Answers those that are to blame.
    pub fn passed(&mut self) -> Vec<Suspect<T>> {
        self.has_passed = true;
        self.suspects.drain(..).map(|(record, failure, _)| (record, failure, true)).collect()
    }

    /// Nothing more comes, and none was accepted. What the server said of a record itself counts, unless it said the same
    /// of several.
    pub fn close(&mut self) -> Vec<Suspect<T>> {
        let mut suspects = std::mem::take(&mut self.suspects);
        let said = |suspect: &Suspect<T>| (suspect.1.status(), suspect.1.reason().to_owned());
        let first = suspects.first().map(said);
        let all_alike = suspects.len() > 1 && suspects.iter().all(|suspect| Some(said(suspect)) == first);
        for (_, failure, is_certain) in &mut suspects {
            *is_certain = !all_alike && failure.kind() != FailureKind::ServerError;
        }
        suspects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use ureq::http::HeaderMap;

    fn failure(status: u16) -> Failure {
        Failure::of_answer("POST http://x", status, &HeaderMap::new(), b"{\"reason\":\"no\"}", Timestamp::UNIX_EPOCH)
    }

    fn certain(suspects: Vec<Suspect<()>>) -> Vec<bool> {
        suspects.into_iter().map(|(_, _, certain)| certain).collect()
    }

    #[test]
    fn a_record_is_to_blame_when_a_neighbour_passes_before_or_after_it() {
        let mut judge = Judge::default();
        assert!(matches!(judge.refused((), failure(500)), Verdict::Wait));
        assert_eq!(certain(judge.passed()), [true]);
        let Verdict::Refused(suspects) = judge.refused((), failure(422)) else { panic!() };
        assert_eq!(certain(suspects), [true]);
    }

    #[test]
    fn none_is_to_blame_when_all_are_refused() {
        let mut judge = Judge::default();
        let verdicts: Vec<Verdict<()>> = (0..TOO_MANY).map(|_| judge.refused((), failure(422))).collect();
        assert!(matches!(verdicts.last(), Some(Verdict::AllAreRefused(_))));
        assert!(verdicts.iter().rev().skip(1).all(|verdict| matches!(verdict, Verdict::Wait)));
    }

    #[test]
    fn of_a_few_records_what_is_invalid_is_to_blame_and_what_the_server_failed_at_is_not() {
        let mut judge = Judge::default();
        judge.refused((), failure(400));
        assert_eq!(certain(judge.close()), [true]);
        judge.refused((), failure(400));
        judge.refused((), failure(500));
        assert_eq!(certain(judge.close()), [true, false]);
    }

    #[test]
    fn none_of_a_few_is_to_blame_of_which_the_server_says_the_same() {
        let mut judge = Judge::default();
        judge.refused((), failure(422));
        judge.refused((), failure(422));
        assert_eq!(certain(judge.close()), [false, false]);
    }
}
