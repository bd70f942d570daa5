//! What an answer that is no success means, and what it allows (protocol, section 7).

use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimeParser;
use jiff::Timestamp;
use serde_json::Value;
use ureq::http::HeaderMap;
use ureq::Timeout;

use super::stop::Stop;
use crate::error::{Error, Status};

/// The longest reason that is kept of an answer, in characters.
const REASON_LENGTH: usize = 600;

/// The kinds of failure that a sender treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// No answer: the network, the proxy, TLS or a time limit.
    Unreachable,
    /// Something answered that is not a Weave server: a sign-in page, a redirect, a web server without the routes.
    Foreign,
    /// No key, or not the right one (401).
    Unauthorized,
    /// No access to the project, or to one named in a reference (403).
    Forbidden,
    /// The server does not know the route (404 of an older server).
    RouteMissing,
    /// The project, table base or call is not there (404).
    NotFound,
    /// The object was deleted (404 with `deleted_at`).
    Gone,
    /// The server computes another digest than the one that was sent (409).
    Conflict,
    /// The body or its nesting is over the limit (413).
    TooLarge,
    /// A value is refused (400) or does not fit the schema (422).
    Invalid,
    /// The project takes complete calls only (400 with its error code).
    CallsCompleteRequired,
    /// Too many requests (429).
    RateLimited,
    /// A passing fault of the server (408 and 5xx).
    ServerError,
    /// This server's database cannot do that (501).
    Unsupported,
    /// Any other refusal.
    Refused,
    /// A file of this machine could not be read for sending.
    LocalFile,
    /// The caller asked to stop.
    Cancelled,
}

/// A request that did not succeed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    kind: FailureKind,
    status: Option<u16>,
    place: String,
    reason: String,
    dead_link: bool,
    silent: bool,
    late: bool,
    perhaps_applied: bool,
    over: bool,
    retry_after: Option<Duration>,
    should_retry: Option<bool>,
}

impl Failure {
    /// A failure at a place (method and address) for a reason, without an answer of the server.
    pub fn new(kind: FailureKind, place: &str, reason: impl AsRef<str>) -> Self {
        Failure {
            kind,
            status: None,
            place: place.to_owned(),
            reason: shorten(reason.as_ref()),
            dead_link: false,
            silent: false,
            late: false,
            perhaps_applied: false,
            over: true,
            retry_after: None,
            should_retry: None,
        }
    }

    /// A request that is not made, because of a stop.
    pub fn stopped(place: &str, stop: &Stop) -> Self {
        Failure::new(FailureKind::Cancelled, place, "").into_stopped(stop)
    }

    /// The failure of a request that a stop has ended. Whether it may have arrived stays as it was.
    pub(super) fn into_stopped(self, stop: &Stop) -> Self {
        let reason = if stop.is_asked() { "stopped on request" } else { "stopped, since its time is over" };
        Failure {
            kind: FailureKind::Cancelled,
            reason: reason.to_owned(),
            dead_link: false,
            silent: false,
            late: false,
            should_retry: None,
            ..self
        }
    }

    /// Reads an answer of the server that is no success. `now` is what an HTTP date in `Retry-After` is compared with.
    pub fn of_answer(place: &str, status: u16, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Self {
        let json = serde_json::from_slice::<Value>(body).ok();
        let kind = kind_of(status, json.as_ref());
        let mut reason = match &json {
            Some(json) => reason_of(json),
            None => String::from_utf8_lossy(body).into_owned(),
        };
        if let (300..=399, Some(target)) = (status, header(headers, "location")) {
            reason = format!("it redirects to {target}; give the final address");
        }
        Failure {
            status: Some(status),
            // A limit on requests is looked at by most servers, but not by all, before anything is done.
            perhaps_applied: matches!(kind, FailureKind::ServerError | FailureKind::RateLimited)
                || matches!(status, 200..=299),
            // Something in between gave up waiting for the server.
            over: !matches!(status, 408 | 502 | 504),
            retry_after: wait_asked_for(headers, now),
            should_retry: header(headers, "x-should-retry").and_then(|value| value.parse().ok()),
            ..Failure::new(kind, place, reason)
        }
    }

    /// Reads a success whose body is not what a Weave server gives. What stands in between may have passed the request on
    /// and kept the answer, or a part of it.
    pub fn of_success(place: &str, status: u16, reason: impl AsRef<str>) -> Self {
        let (status, perhaps_applied) = (Some(status), true);
        Failure { status, perhaps_applied, ..Failure::new(FailureKind::Foreign, place, reason) }
    }

    /// Reads a request that got no answer.
    pub fn of_error(place: &str, cause: &ureq::Error) -> Self {
        // `dead_link`: nothing was ever connected, so nothing was sent either, and a further try at once is of little
        // use. `perhaps_applied`: the request may have arrived.
        let (dead_link, perhaps_applied) = match cause {
            ureq::Error::Io(cause) if is_certificate_trouble(cause) => (true, false),
            ureq::Error::Io(cause) => {
                let dead = matches!(
                    cause.kind(),
                    ErrorKind::ConnectionRefused
                        | ErrorKind::HostUnreachable
                        | ErrorKind::NetworkUnreachable
                        | ErrorKind::NetworkDown
                        | ErrorKind::AddrNotAvailable
                ) || is_name_trouble(cause);
                (dead, !dead)
            }
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => (true, false),
            ureq::Error::Timeout(_) | ureq::Error::Protocol(_) | ureq::Error::BodyStalled => (false, true),
            ureq::Error::HostNotFound
            | ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::TlsRequired
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)
            | ureq::Error::Pem(_)
            | ureq::Error::Http(_)
            | ureq::Error::BadUri(_) => (true, false),
            _ => (false, true),
        };
        let silent = matches!(cause, ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect));
        let reason = match cause {
            ureq::Error::Timeout(Timeout::Resolve) => "nobody told in time where that name leads".to_owned(),
            _ if silent => "nothing there answered in time".to_owned(),
            cause => without_prefix(&cause.to_string()).to_owned(),
        };
        // A time limit that has passed, and a connection that was cut, say nothing of what the server goes on doing.
        let over = dead_link;
        let late = matches!(cause, ureq::Error::Timeout(_)) && !silent;
        let failure = Failure::new(FailureKind::Unreachable, place, reason);
        Failure { dead_link, silent, late, perhaps_applied, over, ..failure }
    }

    /// The kind of failure.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The HTTP status, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The server's reason, or the network's, cut to a sane length.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How long the server asked to wait, if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether the same request may succeed later. The server's own word (`x-should-retry`) rules.
    pub fn is_transient(&self) -> bool {
        self.should_retry.unwrap_or(matches!(
            self.kind,
            FailureKind::Unreachable | FailureKind::RateLimited | FailureKind::ServerError
        ))
    }

    /// Whether one record among those sent may be the cause, so that sending them apart can help. A 500 is one only
    /// when it comes again and again (protocol, section 16).
    pub fn may_be_a_records_fault(&self) -> bool {
        match self.kind {
            FailureKind::Invalid
            | FailureKind::TooLarge
            | FailureKind::Forbidden
            | FailureKind::NotFound
            | FailureKind::Gone
            | FailureKind::Conflict
            | FailureKind::LocalFile => true,
            FailureKind::ServerError => self.status == Some(500),
            _ => false,
        }
    }

    /// Whether nothing could be connected: no name, no route, nobody listening, no trust; or nothing was ever answered.
    pub fn is_dead_link(&self) -> bool {
        self.dead_link
    }

    /// Says whether nothing was ever answered before it: what closes each connection is no better than what refuses it.
    pub fn before_any_answer(self, nothing: bool) -> Failure {
        Failure { dead_link: self.dead_link || nothing, ..self }
    }

    /// Whether nobody answered at all when it was connected: that took its time already, and another try would take the
    /// same again.
    pub fn is_silence(&self) -> bool {
        self.silent
    }

    /// Whether what was connected took longer than the request may.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// Whether the server may have carried the request out in spite of the failure.
    pub fn may_have_been_applied(&self) -> bool {
        self.perhaps_applied
    }
}

impl Failure {
    /// Whether the server is done with the request: nothing of it can be carried out from now on.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, reason) = (&self.place, &self.reason);
        let status = self.status.map(|status| format!(" answered {status}")).unwrap_or_default();
        match self.kind {
            FailureKind::Unreachable => {
                write!(f, "{place} could not be reached: {reason}. The records are kept; ")?;
                if reason.contains("certificate") {
                    f.write_str("name the CA's file in ca_file or WEAVE_CA_FILE, then sync again")
                } else {
                    f.write_str(
                        "check the network, the address (base_url, trace_server_url, WANDB_BASE_URL, \
                         WF_TRACE_SERVER_URL) and the proxy variables, then sync again",
                    )
                }
            }
            FailureKind::Foreign => write!(
                f,
                "{place}{status}, but not as a Weave server does: {reason}. The records are kept; check the address \
                 (base_url, trace_server_url, WANDB_BASE_URL, WF_TRACE_SERVER_URL)"
            ),
            FailureKind::Unauthorized => write!(
                f,
                "{place}{status}: {reason}. Check the API key (api_key, WANDB_API_KEY or ~/.netrc) and that it belongs \
                 to this server"
            ),
            FailureKind::Forbidden => {
                write!(f, "{place}{status}: {reason}. The API key has no access; check the entity and the project")
            }
            FailureKind::Cancelled => write!(f, "{place}: {reason}"),
            FailureKind::LocalFile => write!(f, "{reason}"),
            _ => write!(f, "{place}{status}: {reason}"),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let status = match failure.kind {
            FailureKind::Unreachable => Status::Network,
            FailureKind::Unauthorized => Status::Unauthorized,
            FailureKind::Forbidden => Status::Forbidden,
            FailureKind::TooLarge => Status::TooLarge,
            FailureKind::Invalid | FailureKind::Conflict => Status::Rejected,
            FailureKind::LocalFile => Status::Io,
            FailureKind::Cancelled => Status::Cancelled,
            _ => Status::Server,
        };
        Error::new(status, failure.to_string())
    }
}

fn kind_of(status: u16, json: Option<&Value>) -> FailureKind {
    let field = |name: &str| json.and_then(|json| json.get(name));
    match status {
        400 if field("error_code").and_then(Value::as_str) == Some("CALLS_COMPLETE_MODE_REQUIRED") => {
            FailureKind::CallsCompleteRequired
        }
        400 | 422 => FailureKind::Invalid,
        401 => FailureKind::Unauthorized,
        403 => FailureKind::Forbidden,
        404 if field("detail").and_then(Value::as_str) == Some("Not Found") => FailureKind::RouteMissing,
        404 if field("deleted_at").is_some() => FailureKind::Gone,
        404 if field("reason").is_some() || field("detail").is_some() || field("errors").is_some() => {
            FailureKind::NotFound
        }
        409 => FailureKind::Conflict,
        413 => FailureKind::TooLarge,
        429 => FailureKind::RateLimited,
        501 => FailureKind::Unsupported,
        408 | 500..=599 => FailureKind::ServerError,
        200..=399 | 404 | 405 => FailureKind::Foreign,
        _ => FailureKind::Refused,
    }
}

/// `reason`, `detail` as text or as the list of a failed validation, or the messages of GraphQL.
fn reason_of(json: &Value) -> String {
    let text = |name: &str| json.get(name).and_then(Value::as_str);
    if let Some(reason) = text("reason").or_else(|| text("detail")).or_else(|| text("error")) {
        return reason.to_owned();
    }
    let list = json.get("detail").or_else(|| json.get("errors")).and_then(Value::as_array);
    match list {
        Some(list) => list.iter().map(complaint).collect::<Vec<_>>().join("; "),
        None => json.to_string(),
    }
}

/// One entry of a list of complaints: where (`loc`) and what (`msg`, or `message` in GraphQL). The refused value itself
/// is left out: it may be large, or private.
fn complaint(entry: &Value) -> String {
    let what = entry.get("msg").or_else(|| entry.get("message")).and_then(Value::as_str).unwrap_or("refused");
    let place: Vec<String> = entry.get("loc").and_then(Value::as_array).map_or_else(Vec::new, |parts| {
        parts.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned)).collect()
    });
    if place.is_empty() {
        what.to_owned()
    } else {
        format!("{}: {what}", place.join("."))
    }
}

/// One line without control characters, of bounded length.
fn shorten(text: &str) -> String {
    let mut short = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !short.is_empty() {
            short.push(' ');
        }
        short.push_str(word);
        if let Some((end, _)) = short.char_indices().nth(REASON_LENGTH) {
            short.truncate(end);
            short.push('…');
            break;
        }
    }
    if short.is_empty() {
        short.push_str("no reason given");
    }
    short
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// `retry-after-ms`, else `Retry-After` in seconds or as an HTTP date.
fn wait_asked_for(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    if let Some(milliseconds) = header(headers, "retry-after-ms").and_then(|value| value.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(milliseconds / 1000.0).ok();
    }
    let value = header(headers, "retry-after")?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let until = DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(Duration::try_from(now.duration_until(until)).unwrap_or_default())
}

/// The HTTP library names the layer in front of the cause; the cause is what helps.
fn without_prefix(text: &str) -> &str {
    text.strip_prefix("io: ").unwrap_or(text)
}

/// rustls reports a failed check of the server's certificate as invalid data during the handshake.
fn is_certificate_trouble(cause: &std::io::Error) -> bool {
    cause.kind() == ErrorKind::InvalidData && cause.to_string().contains("certificate")
}

/// The standard library has no kind for a failed look-up of a name.
fn is_name_trouble(cause: &std::io::Error) -> bool {
    cause.to_string().starts_with("failed to lookup address information")
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
