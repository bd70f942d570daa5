//! Looking up the names of servers, with a limit.
//!
//! The system's look-up has none of its own: with a resolver that does not answer it takes tens of seconds, and nothing
//! can end it. It runs on a thread that is left to itself when the limit is over; one for each name, however often that
//! is asked for meanwhile.

use super::stop::Stop;
use crate::store::process::{lock, spawn_quiet, PerProcess};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, Timeout};

/// The longest wait between two looks at the stop.
const SLICE: Duration = Duration::from_millis(50);

/// The look-ups that this process has under way, by `HOST:PORT`.
static UNDER_WAY: PerProcess<Mutex<HashMap<String, Arc<LookUp>>>> = PerProcess::new();

/// Looks up names within a limit, or until it is to stop.
#[derive(Debug)]
pub(super) struct Names {
    look: Look,
    limit: Duration,
    stop: Stop,
}

/// Finds the addresses of `HOST:PORT`, in whatever time that takes.
type Look = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// One look-up: its answer, once there is one.
#[derive(Default)]
struct LookUp {
    answer: Mutex<Option<Result<Vec<SocketAddr>, String>>>,
    answered: Condvar,
}

impl Names {
    pub(super) fn new(limit: Duration, stop: &Stop) -> Names {
        Names::by(addresses, limit, stop)
    }

    /// The same, by another way than the system's.
    pub(super) fn by(look: Look, limit: Duration, stop: &Stop) -> Names {
        Names { look, limit, stop: stop.clone() }
    }

    fn find(&self, name: &str, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        let until = Instant::now() + limit.min(self.limit);
        let look_up = begin(name, self.look);
        let mut answer = lock(&look_up.answer);
        loop {
            if let Some(answer) = answer.as_ref() {
                return answer.clone().map_err(|reason| Error::Io(io::Error::other(reason)));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.is_due() {
                return Err(Error::Timeout(Timeout::Resolve));
            }
            answer = look_up.answered.wait_timeout(answer, left.min(SLICE)).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn addresses(name: &str) -> io::Result<Vec<SocketAddr>> {
    name.to_socket_addrs().map(Iterator::collect)
}

/// Begins to look up a name, unless that is under way.
fn begin(name: &str, look: Look) -> Arc<LookUp> {
    let mut under_way = lock(UNDER_WAY.get());
    if let Some(look_up) = under_way.get(name) {
        return look_up.clone();
    }
    let look_up = Arc::new(LookUp::default());
    under_way.insert(name.to_owned(), look_up.clone());
    let (theirs, key) = (look_up.clone(), name.to_owned());
    let answer = move || {
        let found = look(&key).map_err(|cause| cause.to_string());
        lock(UNDER_WAY.get()).remove(&key);
        *lock(&theirs.answer) = Some(found);
        theirs.answered.notify_all();
    };
    let started = spawn_quiet("weave-names", answer.clone());
    drop(under_way);
    if started.is_err() {
        answer(); // without its limit
    }
    look_up
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let (Some(scheme), Some(authority)) = (uri.scheme(), uri.authority()) else {
            return Err(Error::BadUri(uri.to_string()));
        };
        let name = DefaultResolver::host_and_port(scheme, authority).ok_or(Error::HostNotFound)?;
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let found = match host.parse::<IpAddr>() {
            Ok(_) => addresses(&name)?,
            Err(_) => self.find(&name, *timeout.after)?,
        };
        let mut wanted = self.empty();
        // As many as there is room for.
        config.ip_family().keep_wanted(found.into_iter()).all(|address| wanted.try_push(address).is_ok());
        match wanted.is_empty() {
            true => Err(Error::HostNotFound),
            false => Ok(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    static BEGUN: AtomicUsize = AtomicUsize::new(0);

    fn never(_: &str) -> io::Result<Vec<SocketAddr>> {
        BEGUN.fetch_add(1, Ordering::SeqCst);
        loop {
            std::thread::park();
        }
    }

    fn resolved(uri: &str) -> Result<ResolvedSocketAddrs, Error> {
        let timeout =
            NextTimeout { after: Duration::from_secs(1).into(), reason: Timeout::Resolve, ..Default::default() };
        Names::new(Duration::from_secs(10), &Stop::new()).resolve(&uri.parse().unwrap(), &Config::default(), timeout)
    }

    #[test]
    fn a_name_that_nobody_answers_for_is_given_up_and_asked_for_once() {
        for limits in [(60, 3_600_000), (3_600_000, 60)].map(|(a, b)| [a, b].map(Duration::from_millis)) {
            let given_up = Names::by(never, limits[0], &Stop::new()).find("mute.example:1", limits[1]);
            assert!(matches!(given_up, Err(Error::Timeout(Timeout::Resolve))));
        }
        assert_eq!(BEGUN.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_stop_ends_the_wait() {
        let stop = Stop::new();
        stop.ask();
        let for_ever = |_: &str| loop {
            std::thread::park()
        };
        let limit = Duration::from_secs(3600);
        assert!(Names::by(for_ever, limit, &stop).find("stopped.example:1", limit).is_err());
    }

    #[test]
    fn names_and_numbers_are_found_and_what_is_not_there_is_told() {
        let port_of = |uri| resolved(uri).unwrap()[0].to_string();
        assert!(port_of("http://localhost:81/").ends_with(":81"));
        assert_eq!(port_of("https://127.0.0.1/"), "127.0.0.1:443");
        assert_eq!(port_of("http://[::1]:8080/"), "[::1]:8080");
        let failure =
            super::super::failure::Failure::of_error("p", &resolved("http://no.such.invalid/").err().unwrap());
        assert!(failure.is_dead_link());
    }
}
