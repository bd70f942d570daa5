//! Whether a refusal is a record's own fault.
//!
//! One that meets every record is not: a server that refuses a thousand calls alike says something about itself, or
//! about this library, and none of them may be set aside for that. What tells is whether another record is accepted.
//!
//! What is said of a record itself (400, 404, 409, 413, 422) needs no more than that, before or after. A 404 is such a
//! one, since the project was found to be there. A 403 may meet every record from some moment on, when the key may not
//! write any more or the storage is full, and so may a 500: what was accepted before that says nothing. They are a
//! record's own only when a request is accepted that began after it was refused, alone or with a few others. A 500 that
//! comes again and again while its neighbours pass is the record's (protocol, section 16).

use crate::error::{Error, Status};
use crate::sync::server::failure::{Failure, FailureKind};
use std::time::Instant;

/// With so many refused and none accepted among them, every record is refused.
const TOO_MANY: usize = 20;

/// A record that was refused alone, why, and whether that is its own fault for certain.
pub type Suspect<T> = (T, Failure, bool);

/// The records of one kind that were refused.
#[derive(Debug)]
pub struct Judge<T> {
    /// When the last request began that was accepted.
    accepted: Option<Instant>,
    /// Refused records that nothing tells of, and when each was refused.
    suspects: Vec<(T, Failure, Instant)>,
}

impl<T> Default for Judge<T> {
    fn default() -> Self {
        Judge { accepted: None, suspects: Vec::new() }
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
    /// A record was refused alone just now.
    pub fn refused(&mut self, record: T, failure: Failure) -> Verdict<T> {
        self.refused_since(record, failure, Instant::now())
    }

    /// A record was refused alone, and at this time for the first time, or with others.
    pub fn refused_since(&mut self, record: T, failure: Failure, since: Instant) -> Verdict<T> {
        if self.is_to_blame(&failure, since) {
            return Verdict::Refused(vec![(record, failure, true)]);
        }
        self.suspects.push((record, failure.clone(), since));
        match self.suspects.len() < TOO_MANY {
            true => Verdict::Wait,
            false => Verdict::AllAreRefused(Error::new(
                Status::Incomplete,
                format!("the server refuses one record of this kind after the other, so none was set aside: {failure}"),
            )),
        }
    }

    /// A record was accepted, where one request follows the other. Answers those that are to blame.
    pub fn passed(&mut self) -> Vec<Suspect<T>> {
        self.passed_since(Instant::now())
    }

    /// A record was accepted by a request that began at this time. Answers those that are to blame.
    pub fn passed_since(&mut self, begun: Instant) -> Vec<Suspect<T>> {
        self.accepted = self.accepted.max(Some(begun));
        let suspects = std::mem::take(&mut self.suspects);
        let (to_blame, left) =
            suspects.into_iter().partition::<Vec<_>, _>(|(_, failure, since)| self.is_to_blame(failure, *since));
        self.suspects = left;
        to_blame.into_iter().map(|(record, failure, _)| (record, failure, true)).collect()
    }

    /// Nothing more comes. Where nothing tells, what the server said of a record itself counts, unless it said the same
    /// of several.
    pub fn close(&mut self) -> Vec<Suspect<T>> {
        let said = |failure: &Failure| (failure.status(), failure.reason().to_owned());
        let first = self.suspects.first().map(|(_, failure, _)| said(failure));
        let all_alike =
            self.suspects.len() > 1 && self.suspects.iter().all(|(_, failure, _)| Some(said(failure)) == first);
        let judged = self.suspects.drain(..).map(|(record, failure, _)| {
            let is_certain = !all_alike && !may_meet_all(&failure);
            (record, failure, is_certain)
        });
        judged.collect()
    }

    /// Whether so many were refused that others than their neighbours should be tried before all are given up.
    pub fn is_in_two_minds(&self) -> bool {
        self.suspects.len() >= TOO_MANY / 2
    }

    fn is_to_blame(&self, failure: &Failure, since: Instant) -> bool {
        self.accepted.is_some_and(|begun| !may_meet_all(failure) || since <= begun)
    }
}

/// Whether a refusal may come to meet every record, whatever is in it.
fn may_meet_all(failure: &Failure) -> bool {
    matches!(failure.kind(), FailureKind::Forbidden | FailureKind::ServerError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use std::time::Duration;
    use ureq::http::HeaderMap;

    fn failure(status: u16) -> Failure {
        Failure::of_answer("POST http://x", status, &HeaderMap::new(), b"{\"reason\":\"no\"}", Timestamp::UNIX_EPOCH)
    }

    fn certain(suspects: Vec<Suspect<()>>) -> Vec<bool> {
        suspects.into_iter().map(|(_, _, certain)| certain).collect()
    }

    #[test]
    fn what_is_said_of_a_record_is_its_fault_when_another_passes_before_or_after_it() {
        for status in [400, 404, 409, 413, 422] {
            let mut judge = Judge::default();
            assert!(matches!(judge.refused((), failure(status)), Verdict::Wait));
            assert_eq!(certain(judge.passed()), [true]);
            let Verdict::Refused(suspects) = judge.refused((), failure(status)) else { panic!("{status}") };
            assert_eq!(certain(suspects), [true]);
        }
    }

    #[test]
    fn what_may_meet_every_record_is_its_fault_when_a_later_request_passes() {
        for status in [403, 500] {
            let (mut judge, passed) = (Judge::default(), Instant::now());
            judge.passed_since(passed);
            let refused_at = passed + Duration::from_secs(1);
            assert!(matches!(judge.refused_since((), failure(status), refused_at), Verdict::Wait), "{status}");
            assert_eq!(certain(judge.passed_since(refused_at + Duration::from_secs(1))), [true]);
        }
    }

    #[test]
    fn a_request_that_began_before_a_refusal_does_not_tell_whose_fault_it_is() {
        let (mut judge, refused_at) = (Judge::default(), Instant::now());
        judge.refused_since((), failure(403), refused_at);
        assert!(judge.passed_since(refused_at - Duration::from_secs(1)).is_empty());
        assert_eq!(certain(judge.passed_since(refused_at)), [true]);
    }

    #[test]
    fn what_was_refused_again_and_again_while_another_passed_is_to_blame_at_once() {
        let (mut judge, first) = (Judge::default(), Instant::now());
        judge.passed_since(first + Duration::from_secs(1));
        let Verdict::Refused(suspects) = judge.refused_since((), failure(500), first) else { panic!() };
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
    fn none_is_to_blame_when_all_are_refused_from_some_moment_on() {
        let (mut judge, passed) = (Judge::default(), Instant::now());
        judge.passed_since(passed);
        let refused = |_| judge.refused_since((), failure(403), passed + Duration::from_secs(1));
        let verdicts: Vec<Verdict<()>> = (0..TOO_MANY).map(refused).collect();
        assert!(matches!(verdicts.last(), Some(Verdict::AllAreRefused(_))));
        assert_eq!(certain(judge.close()), [false; TOO_MANY]);
    }

    #[test]
    fn of_a_few_records_what_is_invalid_is_to_blame_and_what_may_meet_all_is_not() {
        let mut judge = Judge::default();
        judge.refused((), failure(400));
        assert_eq!(certain(judge.close()), [true]);
        judge.refused((), failure(400));
        judge.refused((), failure(500));
        judge.refused((), failure(403));
        assert_eq!(certain(judge.close()), [true, false, false]);
    }

    #[test]
    fn none_of_a_few_is_to_blame_of_which_the_server_says_the_same() {
        let mut judge = Judge::default();
        judge.refused((), failure(422));
        judge.refused((), failure(422));
        assert_eq!(certain(judge.close()), [false, false]);
    }
}
