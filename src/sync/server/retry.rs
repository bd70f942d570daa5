//! How often a request is tried again, and how long is waited in between (protocol, section 8).

use std::time::{Duration, Instant};

use super::environment::Environment;
use super::failure::Failure;
use super::stop::Stop;
use crate::error::Result;

/// The id of one logical request, the same for all its attempts. It is a courtesy to the server (protocol, section
/// 2.3), so a request goes without one where the system gives no random bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryId(Option<String>);

impl RetryId {
    /// A random UUID.
    pub fn random() -> RetryId {
        let mut bytes = [0; 16];
        let filled = getrandom::fill(&mut bytes);
        RetryId(filled.ok().map(|()| uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
    }

    /// The id as text.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// The bounds of retrying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts of one request, the first included.
    pub max_attempts: u32,
    /// Attempts when nothing can be connected (one where that is known by silence alone), and of several records together
    /// when one of them may be the cause (a repeated 500).
    pub max_attempts_without_hope: u32,
    /// The wait before the second attempt; it doubles from there.
    pub first_wait: Duration,
    /// The longest wait that is chosen here.
    pub longest_wait: Duration,
    /// The longest wait that a server may ask for.
    pub longest_wait_asked_for: Duration,
    /// No further attempt begins after this time.
    pub max_elapsed: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            max_attempts: 8,
            max_attempts_without_hope: 3,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(8),
            longest_wait_asked_for: Duration::from_secs(300),
            max_elapsed: Duration::from_secs(600),
        }
    }
}

impl RetryPolicy {
    /// The default bounds, as changed by `WEAVE_RETRY_MAX_ATTEMPTS` and `WEAVE_RETRY_MAX_INTERVAL`.
    pub fn resolve(environment: &Environment) -> Result<RetryPolicy> {
        let mut policy = RetryPolicy::default();
        if let Some(attempts) = environment.count("WEAVE_RETRY_MAX_ATTEMPTS")? {
            policy.max_attempts = attempts;
        }
        if let Some(longest) = environment.seconds("WEAVE_RETRY_MAX_INTERVAL")? {
            policy.longest_wait_asked_for = longest;
            policy.longest_wait = policy.longest_wait.min(longest);
        }
        Ok(policy)
    }

    /// The wait before another attempt, or `None` when there shall be none. `attempt` counts those made, from 1;
    /// `elapsed` is the time since the first began; `jitter` is a number from 0 to 1.
    pub fn wait(&self, failure: &Failure, attempt: u32, elapsed: Duration, jitter: f64) -> Option<Duration> {
        if !failure.is_transient() || failure.is_silence() {
            return None;
        }
        let without_hope = failure.is_dead_link();
        let allowed =
            if without_hope { self.max_attempts.min(self.max_attempts_without_hope) } else { self.max_attempts };
        if attempt >= allowed {
            return None;
        }
        let wait = match failure.retry_after().filter(|asked| !asked.is_zero()) {
            Some(asked) if asked > self.longest_wait_asked_for => return None,
            Some(asked) => asked,
            None => {
                let doubled = self.first_wait.saturating_mul(1 << (attempt - 1).min(20));
                // Less up to a quarter, so that many senders do not come back at the same moment.
                doubled.min(self.longest_wait).mul_f64(1.0 - 0.25 * jitter.clamp(0.0, 1.0))
            }
        };
        (elapsed + wait <= self.max_elapsed).then_some(wait)
    }
}

impl RetryPolicy {
    /// The same policy with few attempts.
    pub fn brief(&self) -> RetryPolicy {
        RetryPolicy { max_attempts: self.max_attempts.min(self.max_attempts_without_hope), ..self.clone() }
    }

    /// [`RetryPolicy::wait`] with a jitter by chance.
    pub fn next_wait(&self, failure: &Failure, attempt: u32, elapsed: Duration) -> Option<Duration> {
        self.wait(failure, attempt, elapsed, jitter())
    }
}

/// Retrying within a policy, until the caller asks to stop.
pub struct Retry<'a> {
    /// The bounds.
    pub policy: &'a RetryPolicy,
    /// Looked at before each attempt and while waiting.
    pub stop: &'a Stop,
}

impl Retry<'_> {
    /// Makes attempts until one succeeds, fails for good, or the bounds are reached. `place` is what is being asked,
    /// for the text of a stop.
    pub fn run<T>(
        &self,
        place: &str,
        mut attempt: impl FnMut(&RetryId) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        let id = RetryId::random();
        let began = Instant::now();
        let mut made = 0;
        loop {
            if self.stop.is_due() {
                return Err(Failure::stopped(place, self.stop));
            }
            let failure = match attempt(&id) {
                Ok(done) => return Ok(done),
                Err(failure) => failure,
            };
            made += 1;
            match self.policy.next_wait(&failure, made, began.elapsed()) {
                Some(wait) => {
                    self.stop.pause(wait);
                }
                None => return Err(failure),
            }
        }
    }
}

/// A random number from 0 to 1; without random bytes the middle serves.
pub fn jitter() -> f64 {
    let mut bytes = [0; 4];
    match getrandom::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::FailureKind;
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::path::Path;
    use ureq::http::{HeaderMap, HeaderValue};

    fn fast() -> RetryPolicy {
        RetryPolicy {
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_millis(2),
            ..RetryPolicy::default()
        }
    }

    fn answered(status: u16, retry_after: Option<&'static str>) -> Failure {
        let headers: HeaderMap = retry_after
            .map(|value| ("retry-after".parse().unwrap(), HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        Failure::of_answer("POST http://x/y", status, &headers, b"", jiff::Timestamp::UNIX_EPOCH)
    }

    fn dead() -> Failure {
        Failure::of_error("POST http://x/y", &ureq::Error::HostNotFound)
    }

    fn attempts_until_failure(failure: &Failure) -> u32 {
        let made = Cell::new(0);
        let policy = fast();
        let outcome = Retry { policy: &policy, stop: &Stop::new() }.run("p", |_| {
            made.set(made.get() + 1);
            Err::<(), _>(failure.clone())
        });
        assert_eq!(&outcome.unwrap_err(), failure);
        made.get()
    }

    #[test]
    fn a_passing_fault_is_tried_up_to_the_bound_and_a_refusal_once() {
        assert_eq!(attempts_until_failure(&answered(503, None)), 8);
        assert_eq!(attempts_until_failure(&answered(422, None)), 1);
    }

    #[test]
    fn a_dead_link_ends_soon() {
        assert_eq!(attempts_until_failure(&dead()), 3);
    }

    #[test]
    fn who_does_not_answer_when_connected_is_not_asked_again() {
        let silence = ureq::Error::Timeout(ureq::Timeout::Connect);
        assert_eq!(attempts_until_failure(&Failure::of_error("POST http://x/y", &silence)), 1);
    }

    #[test]
    fn success_ends_the_attempts_and_all_carry_one_id() {
        let ids = RefCell::new(Vec::new());
        let policy = fast();
        let outcome = Retry { policy: &policy, stop: &Stop::new() }.run("p", |id| {
            ids.borrow_mut().push(id.clone());
            if ids.borrow().len() < 3 {
                Err(answered(502, None))
            } else {
                Ok("done")
            }
        });
        assert_eq!(outcome.unwrap(), "done");
        let ids = ids.into_inner();
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| id == &ids[0]) && uuid::Uuid::parse_str(ids[0].as_str().unwrap()).is_ok());
    }

    #[test]
    fn cancelling_ends_a_wait() {
        let policy = RetryPolicy { first_wait: Duration::from_secs(3600), longest_wait: Duration::MAX, ..fast() };
        let policy = RetryPolicy { max_elapsed: Duration::MAX, ..policy };
        let made = Cell::new(0);
        let stop = Stop::new();
        let outcome = Retry { policy: &policy, stop: &stop }.run("p", |_| {
            made.set(made.get() + 1);
            stop.ask();
            Err::<(), _>(answered(503, None))
        });
        assert_eq!(outcome.unwrap_err().kind(), FailureKind::Cancelled);
        assert_eq!(made.get(), 1);
    }

    #[test]
    fn waits_double_up_to_the_longest_less_the_jitter() {
        let policy = RetryPolicy::default();
        let waits: Vec<_> = (1..8)
            .map(|made| policy.wait(&answered(503, None), made, Duration::ZERO, 0.0).unwrap().as_millis())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000, 8000]);
        let jittered = policy.wait(&answered(503, None), 1, Duration::ZERO, 1.0).unwrap();
        assert_eq!(jittered, Duration::from_millis(375));
    }

    #[test]
    fn the_wait_asked_for_is_kept_within_its_bound() {
        let policy = RetryPolicy::default();
        let wait = |asked| policy.wait(&answered(429, Some(asked)), 1, Duration::ZERO, 1.0);
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("301"), None);
        assert_eq!(wait("0"), Some(Duration::from_millis(375)));
    }

    #[test]
    fn no_attempt_begins_after_the_time_is_over() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait(&answered(503, None), 1, policy.max_elapsed, 0.0), None);
    }

    #[test]
    fn the_bounds_can_be_set_by_variables() {
        let at = Path::new("/");
        let variables = [("WEAVE_RETRY_MAX_ATTEMPTS", "2"), ("WEAVE_RETRY_MAX_INTERVAL", "4")];
        let policy = RetryPolicy::resolve(&Environment::given(&variables, at, at)).unwrap();
        assert_eq!((policy.max_attempts, policy.longest_wait), (2, Duration::from_secs(4)));
        assert_eq!(policy.longest_wait_asked_for, Duration::from_secs(4));
        let wrong = Environment::given(&[("WEAVE_RETRY_MAX_ATTEMPTS", "0")], at, at);
        assert!(RetryPolicy::resolve(&wrong).unwrap_err().text().contains("WEAVE_RETRY_MAX_ATTEMPTS"));
    }
}
