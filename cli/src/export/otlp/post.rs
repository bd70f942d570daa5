//! Posting spans to a collector: OTLP over HTTP, as protobuf. What is refused for a moment is sent again, as the protocol
//! says: after 429, 502, 503 and 504, not before the time that the collector asks for.

use super::batch::{self, Batch};
use super::message::{Answer, PartialSuccess, TracesData};
use super::span;
use crate::export::Form;
use crate::outcome::{Ending, Failure};
use crate::sizes::{counted, show};
use crate::terminal;
use crate::traces::call::Call;
use flate2::write::GzEncoder;
use flate2::Compression;
use prost::Message;
use std::borrow::Cow;
use std::io::Write;
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
    compresses: bool,
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
        let (mut headers, compresses) = (headers(given, environment)?, compresses(environment)?);
        if compresses {
            headers.push(("Content-Encoding".to_string(), "gzip".to_string()));
        }
        Ok(Post {
            compresses,
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
        let spans = self.batch.spans();
        if spans == 0 {
            return Ok(());
        }
        let data = self.batch.take();
        self.send_all(data, spans)
    }

    /// Sends spans; what is too much for the collector in halves, until a span alone is.
    fn send_all(&mut self, data: TracesData, count: usize) -> Result<(), Failure> {
        let (body, spans) = (data.encode_to_vec(), count as u64);
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
            Err(refusal) if is_too_large(&refusal) && count > 1 => {
                let [first, second] = batch::halves(data);
                self.send_all(first, count / 2)?;
                self.send_all(second, count - count / 2)
            }
            Err(refusal) if is_too_large(&refusal) => {
                self.rejected += 1;
                let size = show(body.len() as u64);
                terminal::warn(&format!("the collector did not take 1 span: {size} are too much for it"));
                Ok(())
            }
            Err(refusal) => Err(self.failure(&refusal)),
        }
    }

    fn attempts(&self, body: &[u8]) -> Result<Vec<u8>, Refusal> {
        let body = match self.compresses {
            true => Cow::Owned(gzip(body)),
            false => Cow::Borrowed(body),
        };
        let (began, mut made) = (Instant::now(), 0);
        loop {
            let refusal = match self.way.post("application/x-protobuf", &body) {
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

    /// An answer that is none of a collector's acknowledges nothing: a sign-in page, for instance. Some answer in JSON.
    fn read(&self, answer: &[u8]) -> Result<PartialSuccess, Failure> {
        let read = Answer::decode(answer).ok().or_else(|| Answer::of_json(answer)).ok_or_else(|| {
            let what = "what answers there is no collector that takes OTLP as protobuf";
            let text = format!("{}: {what}; {}", self.url, self.so_far());
            Failure { ending: self.ending(Ending::Refused), ..Failure::nothing(text) }
        })?;
        Ok(read.partial_success.unwrap_or_default())
    }

    fn failure(&self, refusal: &Refusal) -> Failure {
        if self.stop.is_asked() {
            return self.stopped();
        }
        let (ending, what, hint) = match refusal.kind() {
            FailureKind::Unreachable => (Ending::Nothing, "cannot be reached", self.hint(refusal.reason())),
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

    /// What to do when nobody answers as a collector does.
    fn hint(&self, reason: &str) -> &'static str {
        let is_about = |words: [&str; 4]| words.iter().any(|word| reason.to_ascii_lowercase().contains(word));
        if is_about(["certificate", "unknownissuer", "causedasendentity", "tls"]) {
            return "; name the certificate of who signed the collector's in OTEL_EXPORTER_OTLP_CERTIFICATE";
        }
        // A server of gRPC speaks HTTP/2 alone.
        if self.url.contains(":4317/") {
            return "; port 4317 is for gRPC as a rule, and 4318 for HTTP";
        }
        "; is a collector listening there, and are the proxy variables right?"
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

/// Whether a request was too large. The collector's own server says so with 400.
fn is_too_large(refusal: &Refusal) -> bool {
    refusal.kind() == FailureKind::TooLarge
        || (refusal.status() == Some(400) && refusal.reason().contains("request body too large"))
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// Whether the environment asks for gzip.
fn compresses(environment: &Environment) -> Result<bool, Failure> {
    let name = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
    match name.iter().find_map(|name| environment.text(name)).as_deref() {
        None | Some("none") => Ok(false),
        Some("gzip") => Ok(true),
        Some(other) => {
            Err(Failure::nothing(format!("OTEL_EXPORTER_OTLP_COMPRESSION: {other:?} is neither gzip nor none")))
        }
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
    fn who_cannot_reach_a_collector_is_told_what_to_look_at() {
        let hint = |url: &str, reason: &str| Post::new(url, &[], &environment(&[]), &Stop::new()).unwrap().hint(reason);
        let refused = "Connection refused";
        assert!(hint("http://localhost:4318", refused).contains("listening"));
        assert!(hint("http://localhost:4317", "invalid HTTP version").contains("4318"));
        assert!(hint("http://localhost:4318", "InvalidCertificate(UnknownIssuer)").contains("CERTIFICATE"));
    }

    #[test]
    fn compression_is_that_of_the_environment() {
        let compresses = |value: &str| compresses(&environment(&[("OTEL_EXPORTER_OTLP_COMPRESSION", value)])).ok();
        assert_eq!(["gzip", "none", "zstd"].map(compresses), [Some(true), Some(false), None]);
    }

    #[test]
    fn a_header_that_is_none_is_told_without_what_it_says() {
        let failure = headers(&["hunter2".to_string()], &environment(&[])).unwrap_err();
        assert!(failure.text.contains("NAME: VALUE") && !failure.text.contains("hunter2"), "{}", failure.text);
    }
}
