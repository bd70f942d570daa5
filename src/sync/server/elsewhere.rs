//! Posting to a server that is none of W&B's, such as an OpenTelemetry collector. Proxies, certificate authorities, limits
//! and the wish to stop hold as for W&B's; nothing is signed.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::http::{HeaderName, HeaderValue};
use ureq::Agent;

use super::address::Address;
use super::agent::{agent, is_tls, tls};
use super::answer::refusal;
use super::connection::{CaFile, Connection, Terms};
use super::environment::Environment;
use super::failure::Failure;
use super::proxy;
use super::stop::Stop;
use crate::error::{Error, Result, Status};

/// More than any answer that a collector gives.
const LARGEST_ANSWER: u64 = 1 << 20;

/// The way to one address of another server.
pub struct Elsewhere {
    place: String,
    address: String,
    agent: Agent,
    headers: Vec<(HeaderName, HeaderValue)>,
    has_answered: AtomicBool,
    stop: Stop,
}

impl Elsewhere {
    /// Prepares the way; the network is not touched yet. The headers go with every request. `ca_file` names certificate
    /// authorities and the setting that they come from; else the usual variables do.
    pub fn new(
        address: &Address,
        headers: &[(String, String)],
        ca_file: Option<(PathBuf, &'static str)>,
        environment: &Environment,
        stop: &Stop,
    ) -> Result<Elsewhere> {
        let Terms { ca_file: usual, insecure, timeout } = Connection::default().terms(environment)?;
        let ca_file = ca_file.map(|(path, origin)| CaFile { path, origin }).or(usual);
        let proxy = proxy::for_server(address, environment)?;
        let tls = tls(ca_file.as_ref().filter(|_| address.is_https() || is_tls(&proxy)), insecure)?;
        Ok(Elsewhere {
            place: format!("POST {address}"),
            address: address.as_str().to_owned(),
            agent: agent(timeout, &tls, proxy, stop),
            headers: headers.iter().map(|(name, value)| header(name, value)).collect::<Result<_>>()?,
            has_answered: AtomicBool::new(false),
            stop: stop.clone(),
        })
    }

    /// Posts a body; the body of the answer.
    pub fn post(&self, content_type: &str, body: &[u8]) -> std::result::Result<Vec<u8>, Failure> {
        if self.stop.is_due() {
            return Err(Failure::stopped(&self.place, &self.stop));
        }
        let mut request = self.agent.post(&self.address).header("Content-Type", content_type);
        request = request.header("Accept", content_type);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let mut response = request.send(body).map_err(|cause| self.failed(&cause))?;
        self.has_answered.store(true, Ordering::Relaxed);
        if !response.status().is_success() {
            return Err(refusal(&self.place, response));
        }
        let answer = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        answer.map_err(|cause| self.failed(&cause))
    }

    fn failed(&self, cause: &ureq::Error) -> Failure {
        let is_first = !self.has_answered.load(Ordering::Relaxed);
        let failure = Failure::of_error(&self.place, cause).before_any_answer(is_first);
        match self.stop.is_due() {
            true => failure.into_stopped(&self.stop),
            false => failure,
        }
    }
}

/// The value may be a key, so an error does not repeat it.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let refuse = |what: &str| Error::new(Status::InvalidArgument, format!("the header {name:?} has {what}"));
    let parsed = HeaderName::try_from(name).map_err(|_| refuse("a name that cannot be sent"))?;
    let mut value = HeaderValue::try_from(value).map_err(|_| refuse("a value that cannot be sent"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn a_header_that_cannot_be_sent_is_told_without_its_value() {
        let address = Address::parse("http://127.0.0.1:4318/v1/traces", "--otlp").unwrap();
        let environment = Environment::given(&[], Path::new("/"), Path::new("/"));
        let headers = [("key".to_owned(), "hunter2\n".to_owned())];
        let error = Elsewhere::new(&address, &headers, None, &environment, &Stop::new()).err().unwrap();
        assert!(error.text().contains("\"key\"") && !error.text().contains("hunter2"), "{error}");
    }
}
