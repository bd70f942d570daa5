//! Posting spans to a collector: OTLP over HTTP, as protobuf. What is refused for a moment is sent again, as the protocol
//! says: after 429, 502, 503 and 504, not before the time that the collector asks for.

use super::batch::Batch;
use super::message::{Answer, PartialSuccess};
use super::span;
use crate::export::Form;
use crate::outcome::{Ending, Failure};
use crate::sizes::{counted, show};
use crate::terminal;
use crate::traces::call::Call;
use prost::Message;
use std::path::PathBuf;
use std::time::Instant;
use weave::sync::server::address::Address;
use weave::sync::server::elsewhere::Elsewhere;
use weave::sync::server::failure::{Failure as Refusal, FailureKind};
use weave::sync::server::retry::RetryPolicy;
use weave::sync::{Environment, Stop};

/// A batch is sent when it is so large, or has so many spans: collectors take 20 MiB, some gateways less.
const BATCH_BYTES: usize = 1 << 20;
const BATCH_SPANS: usize = 2000;

/// Sends them.
pub struct Post {
    way: Elsewhere,
    url: String,
    policy: RetryPolicy,
    stop: Stop,
    batch: Batch,
    sent: u64,
    rejected: u64,
}

impl Post {
    /// To a collector. Headers are `NAME: VALUE` or `NAME=VALUE`; those of the environment stand behind them.
    pub fn new(url: &str, given: &[String], environment: &Environment, stop: &Stop) -> Result<Post, Failure> {
        if url.split('/').nth(2).is_some_and(|host| host.contains('@')) {
            return Err(Failure::nothing(
                "--otlp: give a name and password as a header: --header 'Authorization: Basic …'",
            ));
        }
        let address = Address::parse(url, "--otlp").map_err(|_| {
            let text = format!("--otlp: {url} is no address of a collector; give such as http://localhost:4318");
            Failure::nothing(text)
        })?;
        let has_path = address.as_str().splitn(4, '/').nth(3).is_some();
        let address = match has_path {
            true => address,
            false => Address::parse(&address.at("/v1/traces"), "--otlp")?,
        };
        let certificate = "OTEL_EXPORTER_OTLP_CERTIFICATE";
        let ca_file = environment.path(certificate).map(|path: PathBuf| (path, certificate));
        let headers = headers(given, environment)?;
        Ok(Post {
            way: Elsewhere::new(&address, &headers, ca_file, environment, stop)?,
            url: address.as_str().to_string(),
            policy: RetryPolicy::resolve(environment)?,
            stop: stop.clone(),
            batch: Batch::default(),
            sent: 0,
            rejected: 0,
        })
    }

    /// Where it goes.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many spans the collector took.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// How many it did not take, although it took others of the same request, or since they are too large.
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    fn send(&mut self) -> Result<(), Failure> {
        let spans = self.batch.spans() as u64;
        if spans == 0 {
            return Ok(());
        }
        let body = self.batch.take().encode_to_vec();
        match self.attempts(&body) {
            Ok(answer) => {
                let PartialSuccess { rejected_spans, error_message } = self.read(&answer)?;
                let rejected = u64::try_from(rejected_spans).unwrap_or_default().min(spans);
                self.sent += spans - rejected;
                self.rejected += rejected;
                if rejected > 0 {
                    let spans = counted(rejected, "spans");
                    terminal::warn(&format!("the collector did not take {spans}: {error_message}"));
                } else if !error_message.is_empty() {
                    terminal::warn(&format!("the collector says: {error_message}"));
                }
                Ok(())
            }
            Err(refusal) if refusal.kind() == FailureKind::TooLarge => {
                self.rejected += spans;
                let (spans, size) = (counted(spans, "spans"), show(body.len() as u64));
                terminal::warn(&format!("the collector did not take {spans}: {size} are too much for it"));
                Ok(())
            }
            Err(refusal) => Err(self.failure(&refusal)),
        }
    }

    fn attempts(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let (began, mut made) = (Instant::now(), 0);
        loop {
            let refusal = match self.way.post("application/x-protobuf", body) {
                Ok(answer) => return Ok(answer),
                Err(refusal) => refusal,
            };
            made += 1;
            let may_pass = matches!(refusal.status(), None | Some(429 | 502 | 503 | 504));
            match self.policy.next_wait(&refusal, made, began.elapsed()).filter(|_| may_pass) {
                Some(wait) if !self.stop.pause(wait) => {}
                _ => return Err(refusal),
            }
        }
    }

    /// An answer that is none of a collector's acknowledges nothing: a sign-in page, for instance.
    fn read(&self, answer: &[u8]) -> Result<PartialSuccess, Failure> {
        let read = Answer::decode(answer).map_err(|_| {
            let text = format!("{}: what answers there is no collector that takes OTLP as protobuf", self.url);
            Failure { ending: self.ending(Ending::Refused), ..Failure::nothing(text) }
        })?;
        Ok(read.partial_success.unwrap_or_default())
    }

    fn failure(&self, refusal: &Refusal) -> Failure {
        if self.stop.is_asked() {
            return self.stopped();
        }
        let (ending, what, hint) = match refusal.kind() {
            FailureKind::Unreachable => {
                let hint = "; is a collector listening there, and are the proxy variables right?";
                (Ending::Nothing, "cannot be reached", hint)
            }
            FailureKind::Unauthorized | FailureKind::Forbidden => {
                (Ending::Refused, "refused", "; give its key with --header or OTEL_EXPORTER_OTLP_HEADERS")
            }
            FailureKind::RouteMissing | FailureKind::NotFound => {
                (Ending::Refused, "takes no traces there", "; the path is /v1/traces as a rule")
            }
            FailureKind::RateLimited | FailureKind::ServerError => (Ending::Nothing, "failed", "; try again later"),
            _ => (Ending::Refused, "refused", ""),
        };
        // Collectors say why in protobuf, whose numbers are no text.
        let reason: String = refusal.reason().chars().filter(|letter| !letter.is_control()).collect();
        let colon = if reason.is_empty() { "" } else { ": " };
        let status = refusal.status().map(|status| format!(" ({status})")).unwrap_or_default();
        let text = format!("{} {what}{status}{colon}{reason}{hint}; {}", self.url, self.so_far());
        Failure { ending: self.ending(ending), ..Failure::nothing(text) }
    }

    /// An export that somebody stopped.
    pub fn stopped(&self) -> Failure {
        Failure { ending: Ending::Some, ..Failure::nothing(format!("stopped; {}", self.so_far())) }
    }

    fn so_far(&self) -> String {
        match self.sent {
            0 => "nothing was sent".to_string(),
            sent => format!("{} went before, and would go again", counted(sent, "spans")),
        }
    }

    fn ending(&self, ending: Ending) -> Ending {
        if self.sent > 0 {
            Ending::Some
        } else {
            ending
        }
    }
}

impl Form for Post {
    fn add(&mut self, call: &Call) -> Result<(), Failure> {
        let Some(span) = span::of(call) else { return Ok(()) };
        // What would make a batch too large begins the next one.
        if self.batch.bytes() > 0 && self.batch.bytes() + span.encoded_len() > BATCH_BYTES {
            self.send()?;
        }
        self.batch.add(&call.project, span);
        match self.batch.spans() < BATCH_SPANS {
            true => Ok(()),
            false => self.send(),
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.send()
    }
}

/// The headers that were given, and those of the environment whose names were not: `name=value,name=value`, with `%xx`
/// for what cannot stand there.
fn headers(given: &[String], environment: &Environment) -> Result<Vec<(String, String)>, Failure> {
    let mut all: Vec<(String, String)> = Vec::new();
    for header in given {
        let (name, value) = header
            .split_once([':', '='])
            .ok_or_else(|| Failure::nothing("--header: give it as 'NAME: VALUE' or NAME=VALUE"))?;
        all.push((name.trim().to_string(), value.trim().to_string()));
    }
    let variables = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
    let listed = variables.iter().find_map(|name| environment.text(name)).unwrap_or_default();
    for (name, value) in listed.split(',').filter_map(|entry| entry.split_once('=')) {
        let name = name.trim();
        if !all.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
            all.push((name.to_string(), decoded(value.trim())));
        }
    }
    Ok(all)
}

fn decoded(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        match piece.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                bytes.extend_from_slice(&piece.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend_from_slice(piece.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::given(variables, Path::new("/"), Path::new("/"))
    }

    #[test]
    fn an_address_without_a_path_has_that_of_traces() {
        let url = |given: &str| Post::new(given, &[], &environment(&[]), &Stop::new()).unwrap().url;
        assert_eq!(url("http://localhost:4318"), "http://localhost:4318/v1/traces");
        assert_eq!(url("http://localhost:4318/"), "http://localhost:4318/v1/traces");
        assert_eq!(url("https://api.example.com/otlp/v1/traces"), "https://api.example.com/otlp/v1/traces");
    }

    #[test]
    fn headers_that_are_given_rule_over_those_of_the_environment() {
        let environment = environment(&[("OTEL_EXPORTER_OTLP_HEADERS", "key=a%20b%2C, other=c=d,key2=100%")]);
        let given = ["Key: mine".to_string(), "x-id=7".to_string()];
        let pair = |name: &str, value: &str| (name.to_string(), value.to_string());
        let expected = [pair("Key", "mine"), pair("x-id", "7"), pair("other", "c=d"), pair("key2", "100%")];
        assert_eq!(headers(&given, &environment).unwrap(), expected);
        assert_eq!(headers(&[], &environment).unwrap()[0], pair("key", "a b,"));
    }

    #[test]
    fn a_header_that_is_none_is_told_without_what_it_says() {
        let failure = headers(&["hunter2".to_string()], &environment(&[])).unwrap_err();
        assert!(failure.text.contains("NAME: VALUE") && !failure.text.contains("hunter2"), "{}", failure.text);
    }
}
