//! The server and the way to it: addresses, proxy, certificates, key, clock, account.

use super::{Check, State};
use crate::commands::Context;
use crate::moments;
use crate::outcome::{ending_of, Ending};
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::Timestamp;
use std::thread;
use std::time::{Duration, Instant};
use weave::client::Options;
use weave::sync::server::address::{self, Address};
use weave::sync::server::connection::{Connection, Destination};
use weave::sync::server::credentials::{self, Credentials, Secret};
use weave::sync::server::failure::{Failure, FailureKind};
use weave::sync::server::project::{self, Account};
use weave::sync::server::proxy;
use weave::sync::server::retry::{Retry, RetryPolicy};
use weave::sync::server::transport::{ServerInfo, Transport};
use weave::sync::{Environment, Stop};
use weave::{Error, Result, Status};

/// A clock that is off by more puts calls where nobody looks for them, and tokens out of their time.
const CLOCK_OFF: Duration = Duration::from_secs(60);

/// Looks at what is set, then asks the server, once and no longer than the limit.
pub fn look(context: &Context, limit: Duration) -> Vec<Check> {
    let environment = &context.environment;
    let (base, origin) = match address::base_with_origin(None, environment) {
        Ok(found) => found,
        Err(error) => return vec![unusable("server", &error)],
    };
    let (traces, traces_origin) = match address::traces_with_origin(None, &base, environment) {
        Ok(found) => found,
        Err(error) => return vec![unusable("server", &error)],
    };
    let key = key(&base, environment);
    let has_key = key.state == State::Ok;
    let mut checks = vec![
        Check::ok("server", format!("{base} ({origin})")),
        Check::ok("trace server", format!("{traces} ({traces_origin})")),
        proxy_of(&traces, environment),
        key,
    ];
    // Whether somebody is there can be asked without a key, too.
    let api_key = (!has_key).then(|| Secret::new("none"));
    let connection = Connection { api_key, ..Options::default().connection() };
    let destination = match connection.resolve(environment) {
        Ok(destination) => Destination {
            timeout: destination.timeout.min(limit),
            retry: RetryPolicy { max_attempts: 1, ..destination.retry },
            ..destination
        },
        Err(error) => {
            if !checks.iter().any(|check| check.text == error.text()) {
                checks.push(unusable("connection", &error));
            }
            return checks;
        }
    };
    checks.push(certificates(&destination));
    let stop = Stop::new();
    match Transport::new(&destination, &stop) {
        Ok(transport) => checks.extend(ask(&transport, &destination, &stop, has_key)),
        Err(error) => checks.push(unusable("connection", &error)),
    }
    checks
}

fn unusable(name: &'static str, error: &Error) -> Check {
    Check::bad(name, State::Failed, error.text(), "mend the setting that is named")
}

fn proxy_of(traces: &Address, environment: &Environment) -> Check {
    match proxy::with_origin(traces, environment) {
        Ok(None) => Check::ok("proxy", "none"),
        Ok(Some((proxy, origin))) => {
            let login = if proxy.username().is_some() { ", with a login" } else { "" };
            Check::ok("proxy", format!("{}:{} ({origin}{login})", proxy.host(), proxy.port()))
        }
        Err(error) => unusable("proxy", &error),
    }
}

fn key(base: &Address, environment: &Environment) -> Check {
    match credentials::resolve_with_origin(None, base, environment) {
        Ok((Credentials::Key(key), origin)) => {
            Check::ok("key", format!("set ({origin}, {} characters)", key.reveal().chars().count()))
        }
        Ok((Credentials::IdentityToken { token_file, .. }, origin)) => match token_file.is_file() {
            true => Check::ok("key", format!("an identity token in {} ({origin})", token_file.display())),
            false => {
                let text = format!("{} is not there ({origin})", token_file.display());
                Check::bad("key", State::Failed, text, "put the identity token there, or set WANDB_API_KEY")
            }
        },
        Err(error) => {
            Check::bad("key", State::Failed, error.text(), "programs can log without a key; a sync needs one")
        }
    }
}

fn certificates(destination: &Destination) -> Check {
    let is_used = destination.base.is_https() || destination.traces.is_https();
    match (&destination.ca_file, destination.insecure, is_used) {
        (_, _, false) => Check::ok("certificates", "not needed for http"),
        (_, true, _) => {
            let text = "not checked (WEAVE_INSECURE_DISABLE_SSL): whoever is in between reads and changes what is sent";
            Check::bad(
                "certificates",
                State::Warning,
                text,
                "name the authority's certificate in WEAVE_CA_FILE instead",
            )
        }
        (Some(file), ..) => {
            Check::ok("certificates", format!("those of {} alone ({})", file.path.display(), file.origin))
        }
        (None, ..) => Check::ok("certificates", "the public authorities"),
    }
}

type Answered = std::result::Result<(ServerInfo, Option<String>), Failure>;

/// Both servers are asked at once: a network that swallows everything is to be waited for once.
fn ask(transport: &Transport, destination: &Destination, stop: &Stop, has_key: bool) -> Vec<Check> {
    let retry = Retry { policy: &destination.retry, stop };
    let began = Instant::now();
    let (answered, took, account) = thread::scope(|scope| {
        let account = has_key.then(|| scope.spawn(|| project::account(transport, &retry)));
        let answered = transport.server_info_and_date();
        let gone = || Err(Error::new(Status::Panic, "the question for the account broke off"));
        let took = began.elapsed();
        (answered, took, account.map(|account| account.join().unwrap_or_else(|_| gone())))
    });
    let mut checks = vec![match &answered {
        Err(failure) if !has_key && failure.kind() == FailureKind::Unauthorized => {
            Check::ok("connection", format!("the trace server answered in {}, and wants a key", moments::span(took)))
        }
        answered => reached(answered, took),
    }];
    checks.extend(clock(&answered));
    match account {
        // A network that is away was told of by the line above.
        Some(Err(error)) if error.status() == Status::Network && answered.is_err() => {}
        Some(account) => checks.push(told_account(account)),
        None => {}
    }
    checks
}

fn reached(answered: &Answered, took: Duration) -> Check {
    match answered {
        Ok((info, _)) => {
            let version = info.trace_server_version.as_deref().unwrap_or("of an older version");
            Check::ok("connection", format!("the trace server {version} answered in {}", moments::span(took)))
        }
        Err(failure) => {
            let advice = match failure.kind() {
                FailureKind::Unreachable => {
                    "see the address, the proxy, the certificates and the network; programs can log meanwhile"
                }
                FailureKind::Unauthorized | FailureKind::Forbidden => {
                    "set the right key in WANDB_API_KEY, or in ~/.netrc"
                }
                FailureKind::Foreign | FailureKind::RouteMissing => "see the address: what answers is no Weave server",
                _ => "try again later",
            };
            let is_refusal = matches!(failure.kind(), FailureKind::Unauthorized | FailureKind::Forbidden);
            let state = if is_refusal { State::Refused } else { State::Failed };
            Check::bad("connection", state, failure.to_string(), advice)
        }
    }
}

fn clock(answered: &Answered) -> Option<Check> {
    let (_, date) = answered.as_ref().ok()?;
    let date = date.as_deref().and_then(|date| DateTimeParser::new().parse_timestamp(date).ok())?;
    Some(of_clock(Timestamp::now().duration_since(date)))
}

/// `off` is how far this machine's clock is ahead of the server's, which tells whole seconds.
fn of_clock(off: jiff::SignedDuration) -> Check {
    let by = off.unsigned_abs();
    let side = if off.is_negative() { "behind" } else { "ahead of" };
    match by > CLOCK_OFF {
        true => Check::bad(
            "clock",
            State::Warning,
            format!("{} {side} the server's", moments::span(by)),
            "set it: calls stand at wrong times, and certificates and tokens may seem to be out of date",
        ),
        false => Check::ok("clock", "as the server's"),
    }
}

fn told_account(account: Result<Account>) -> Check {
    match account {
        Ok(Account { name, default_entity }) => {
            let name = name.unwrap_or_else(|| "without a name".to_string());
            match default_entity {
                Some(entity) => Check::ok("account", format!("{name}; projects without an entity go to {entity}")),
                None => {
                    let advice = "name projects as entity/project, or set WANDB_ENTITY";
                    Check::bad("account", State::Warning, format!("{name} has no default entity"), advice)
                }
            }
        }
        Err(error) => {
            let is_refusal = ending_of(error.status()) == Ending::Refused;
            let (state, advice) = match is_refusal {
                true => (State::Refused, "set the right key in WANDB_API_KEY, or in ~/.netrc"),
                false => (State::Failed, "see the address of the W&B server; try again later"),
            };
            Check::bad("account", state, error.text(), advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_clock_may_be_off_by_a_minute() {
        for (seconds, state) in [(0, State::Ok), (-60, State::Ok), (61, State::Warning), (-3600, State::Warning)] {
            assert_eq!(of_clock(SignedDuration::from_secs(seconds)).state, state, "{seconds}");
        }
        assert_eq!(of_clock(SignedDuration::from_secs(-7200)).text, "2 h 0 m behind the server's");
    }
}
