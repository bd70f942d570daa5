//! One request to a Weave server and its answer, over HTTP with ureq.
//!
//! A success is an answer of status 200 to 299 that a Weave server can have given; whatever else happens is a
//! [`Failure`]. Nothing is tried again here, except once with a fresh access token. Redirects are not followed: a
//! redirected POST would become a GET whose success means nothing. When a [`Stop`] is due, the request under way ends.

use super::address::Address;
use super::agent::{agent, is_tls, tls, BODY_STEPS};
use super::answer::{checked, refusal, Answer, LARGEST_ANSWER};
use super::connection::Destination;
use super::credentials::{Credentials, Secret};
use super::failure::{Failure, FailureKind};
use super::identity::Identity;
use super::pace::Pace;
use super::retry::RetryId;
use super::stop::Stop;
use super::upload::Upload;
use crate::error::{Error, Result, Status};
use crate::record::digest::reader_digest;
use base64::prelude::{Engine, BASE64_STANDARD};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::Deserialize;
use serde_json::Value;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use ureq::http::{HeaderMap, HeaderValue, Response};
use ureq::unversioned::multipart::{Form, Part};
use ureq::{Agent, AsSendBody, Body, Proxy};

/// What `GET /server_info` answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServerInfo {
    /// The oldest official Python client that the server accepts.
    pub min_required_weave_python_version: String,
    /// The server's version; older servers leave it out.
    #[serde(default)]
    pub trace_server_version: Option<String>,
}

/// The bytes of a file to be sent.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// A file, streamed from where it lies.
    File(&'a Path),
}

enum Signature {
    Key(HeaderValue),
    Identity(Identity),
}

struct Server {
    address: Address,
    agent: Agent,
}

/// The way to one W&B server and its trace server. It may be used by several threads.
pub struct Transport {
    base: Server,
    traces: Server,
    signature: Signature,
    answer_limit: Duration,
    request_limit: Duration,
    /// Whether anything was ever answered.
    has_answered: AtomicBool,
    stop: Stop,
    pace: Pace,
}

impl Transport {
    /// Prepares the way; the network is not touched yet. When `stop` is due, requests end as cancelled.
    pub fn new(destination: &Destination, stop: &Stop) -> Result<Transport> {
        let proxies = [&destination.base_proxy, &destination.traces_proxy];
        let is_tls = destination.base.is_https() || destination.traces.is_https() || proxies.into_iter().any(is_tls);
        let tls = tls(destination.ca_file.as_ref().filter(|_| is_tls), destination.insecure)?;
        let agent = |proxy: &Option<Proxy>| agent(destination.timeout, &tls, proxy.clone(), stop);
        let base = agent(&destination.base_proxy);
        let same_way = destination.base_proxy == destination.traces_proxy;
        let traces = if same_way { base.clone() } else { agent(&destination.traces_proxy) };
        let signature = match &destination.credentials {
            Credentials::Key(key) => Signature::Key(basic(key)?),
            Credentials::IdentityToken { token_file, cache_file } => {
                Signature::Identity(Identity::new(token_file.clone(), cache_file.clone(), destination.base.clone()))
            }
        };
        Ok(Transport {
            base: Server { address: destination.base.clone(), agent: base },
            traces: Server { address: destination.traces.clone(), agent: traces },
            signature,
            answer_limit: destination.timeout,
            request_limit: destination.timeout.saturating_mul(2 * BODY_STEPS + 3),
            has_answered: AtomicBool::new(false),
            stop: stop.clone(),
            pace: Pace::default(),
        })
    }

    /// The same, sending at most so many bytes of bodies a second, all threads together: a body waits until those before
    /// it are paid for.
    pub fn with_rate(self, limit: Option<u64>) -> Transport {
        Transport { pace: Pace::new(limit), ..self }
    }

    /// How many bytes of bodies were sent, those of failed attempts included.
    pub fn sent_bytes(&self) -> u64 {
        self.pace.sent()
    }

    /// The trace server's address.
    pub fn traces(&self) -> &Address {
        &self.traces.address
    }

    /// The time after which no request of this transport is under way any more: the sum of the limits of its steps.
    pub fn request_limit(&self) -> Duration {
        self.request_limit
    }

    /// How long an answer may take once the request was sent.
    pub fn answer_limit(&self) -> Duration {
        self.answer_limit
    }

    /// Posts JSON to a path of the trace server whose answer is JSON.
    pub fn post_json(&self, path: &str, body: &[u8], id: &RetryId) -> std::result::Result<Answer, Failure> {
        checked(self.post(&self.traces, path, "application/json", body, id)?)
    }

    /// Posts JSON to a path of the trace server whose answer is one JSON value per line.
    pub fn post_query(&self, path: &str, body: &[u8], id: &RetryId) -> std::result::Result<Answer, Failure> {
        let answer = self.post(&self.traces, path, "application/json", body, id)?;
        answer.json_lines::<IgnoredAny>()?;
        Ok(answer)
    }

    /// Posts JSON to a path of the trace server whose answer is the bytes of a file; their digest, taken as they come.
    pub fn post_for_digest(&self, path: &str, body: &[u8], id: &RetryId) -> std::result::Result<String, Failure> {
        let place = place("POST", &self.traces, path);
        let measured = (body.len() as u64, body);
        self.signed(&place, |authorization| {
            let mut response =
                self.send(&self.traces, path, authorization, Some("application/json"), id, measured, &place)?;
            if !response.status().is_success() {
                return Err(refusal(&place, response));
            }
            reader_digest(response.body_mut().as_reader()).map_err(|cause| self.failed(&place, cause.into()))
        })
    }

    /// Posts one file with text fields as `multipart/form-data` to a path of the trace server.
    pub fn post_file(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        file_name: &str,
        content: Content<'_>,
        id: &RetryId,
    ) -> std::result::Result<Answer, Failure> {
        let server = &self.traces;
        let place = place("POST", server, path);
        checked(self.signed(&place, |authorization| {
            let unreadable = |cause: &io::Error| {
                let path = match content {
                    Content::File(path) => path,
                    Content::Bytes(_) => Path::new(file_name),
                };
                let error = Error::io("cannot read", path, cause);
                Failure::new(FailureKind::LocalFile, &place, error.text())
            };
            let mut upload = Upload::open(content).map_err(|cause| unreadable(&cause))?;
            let around = form(fields, file_name, Part::bytes(&[]))
                .and_then(|mut empty| Ok(io::copy(&mut empty, &mut io::sink())?))
                .map_err(|cause| Failure::of_error(&place, &cause))?;
            let length = around + upload.length();
            let body = form(fields, file_name, Part::reader(&mut upload))
                .map_err(|cause| Failure::of_error(&place, &cause))?;
            let sent = self.post_to(server, path, authorization, None, id, (length, body), &place);
            match upload.failed {
                Some(cause) => Err(unreadable(&cause)),
                None => sent,
            }
        })?)
    }

    /// Asks the W&B server. Errors within an answer of status 200 are failures too.
    pub fn graphql(&self, query: &str, variables: Value, id: &RetryId) -> std::result::Result<Value, Failure> {
        let body = serde_json::json!({ "query": query, "variables": variables }).to_string();
        let answer = self.post(&self.base, "/graphql", "application/json", body.as_bytes(), id)?;
        let mut json: Value = answer.json()?;
        match json.get("errors").and_then(Value::as_array) {
            Some(errors) if !errors.is_empty() => {
                let forbidden = errors
                    .iter()
                    .any(|error| error.pointer("/extensions/code").and_then(Value::as_str) == Some("PERMISSION_ERROR"));
                let kind = if forbidden { FailureKind::Forbidden } else { FailureKind::Refused };
                let messages: Vec<&str> =
                    errors.iter().filter_map(|error| error.get("message").and_then(Value::as_str)).collect();
                Err(Failure::new(kind, &answer.place, messages.join("; ")))
            }
            _ => Ok(json.get_mut("data").map(Value::take).unwrap_or_default()),
        }
    }

    /// Asks the trace server who it is.
    pub fn server_info(&self) -> std::result::Result<ServerInfo, Failure> {
        self.server_info_and_date().map(|(info, _)| info)
    }

    /// The same, with the `Date` of the answer, as the server wrote it.
    pub fn server_info_and_date(&self) -> std::result::Result<(ServerInfo, Option<String>), Failure> {
        let place = place("GET", &self.traces, "/server_info");
        let (answer, date) = self.signed(&place, |authorization| {
            let request = self.traces.agent.get(self.traces.address.at("/server_info"));
            let response = self.answered(&place, request.header("Authorization", authorization).call())?;
            let date = response.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_string);
            Ok((self.finish(&place, response)?, date))
        })?;
        Ok((answer.json()?, date))
    }

    fn post(
        &self,
        server: &Server,
        path: &str,
        content_type: &str,
        body: &[u8],
        id: &RetryId,
    ) -> std::result::Result<Answer, Failure> {
        let place = place("POST", server, path);
        let measured = (body.len() as u64, body);
        self.signed(&place, |authorization| {
            self.post_to(server, path, authorization, Some(content_type), id, measured, &place)
        })
    }

    /// Makes a request with its `Authorization`; a refused access token is exchanged for a fresh one, once.
    fn signed<T>(
        &self,
        place: &str,
        request: impl Fn(HeaderValue) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
        if self.stop.is_due() {
            return Err(Failure::stopped(place, &self.stop));
        }
        let identity = match &self.signature {
            Signature::Key(key) => return request(key.clone()),
            Signature::Identity(identity) => identity,
        };
        let exchange = |form: &str| self.exchange(identity, form);
        match request(bearer(&identity.token(Timestamp::now(), exchange)?, place)?) {
            Err(failure) if failure.kind() == FailureKind::Unauthorized => {
                request(bearer(&identity.renew(Timestamp::now(), exchange)?, place)?)
            }
            outcome => outcome,
        }
    }

    fn exchange(&self, identity: &Identity, form: &str) -> std::result::Result<Vec<u8>, Failure> {
        let address = identity.exchange_address();
        let request = self.base.agent.post(&address).header("Content-Type", "application/x-www-form-urlencoded");
        let place = format!("POST {address}");
        self.finish(&place, self.answered(&place, request.send(form))?).map(|answer| answer.body)
    }

    #[allow(clippy::too_many_arguments)]
    fn post_to(
        &self,
        server: &Server,
        path: &str,
        authorization: HeaderValue,
        content_type: Option<&str>,
        id: &RetryId,
        measured: (u64, impl AsSendBody),
        place: &str,
    ) -> std::result::Result<Answer, Failure> {
        self.finish(place, self.send(server, path, authorization, content_type, id, measured, place)?)
    }

    /// `body` comes with its length.
    #[allow(clippy::too_many_arguments)]
    fn send(
        &self,
        server: &Server,
        path: &str,
        authorization: HeaderValue,
        content_type: Option<&str>,
        id: &RetryId,
        (length, body): (u64, impl AsSendBody),
        place: &str,
    ) -> std::result::Result<Response<Body>, Failure> {
        if !self.pace.admit(length, &self.stop) {
            return Err(Failure::stopped(place, &self.stop));
        }
        let request = server.agent.post(server.address.at(path)).header("Authorization", authorization);
        let mut request = request.header("Content-Length", length);
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        if let Some(id) = id.as_str() {
            request = request.header("X-Weave-Retry-Id", id);
        }
        self.answered(place, request.send(body))
    }

    /// The answer to a request, whose body is still to be read.
    fn answered(
        &self,
        place: &str,
        outcome: std::result::Result<Response<Body>, ureq::Error>,
    ) -> std::result::Result<Response<Body>, Failure> {
        let response = outcome.map_err(|cause| self.failed(place, cause))?;
        self.has_answered.store(true, Ordering::Relaxed);
        Ok(response)
    }

    fn failed(&self, place: &str, cause: ureq::Error) -> Failure {
        let is_first = !self.has_answered.load(Ordering::Relaxed);
        let failure = Failure::of_error(place, &cause).before_any_answer(is_first);
        match self.stop.is_due() {
            true => failure.into_stopped(&self.stop),
            false => failure,
        }
    }

    fn finish(&self, place: &str, mut response: Response<Body>) -> std::result::Result<Answer, Failure> {
        if !response.status().is_success() {
            return Err(refusal(place, response));
        }
        let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec();
        let body = body.map_err(|cause| self.failed(place, cause))?;
        // The end of such an answer is the end of the connection, which the stop may have been.
        if self.stop.is_asked() && !tells_its_length(response.headers()) {
            return Err(self.failed(place, ureq::Error::ConnectionFailed));
        }
        Ok(Answer { place: place.to_owned(), status: response.status().as_u16(), body })
    }
}

/// A file with text fields before it. It has the same length around the bytes of the file whatever these are.
fn form<'p>(
    fields: &[(&'p str, &'p str)],
    file_name: &str,
    part: Part<'p>,
) -> std::result::Result<Form<'p>, ureq::Error> {
    // Quotes and line ends would end the header that the name stands in.
    let file_name = file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    let part = part.file_name(&file_name).mime_str("application/octet-stream")?;
    Ok(fields.iter().fold(Form::new(), |form, (name, value)| form.text(name, value)).part("file", part))
}

fn place(method: &str, server: &Server, path: &str) -> String {
    format!("{method} {}", server.address.at(path))
}

fn tells_its_length(headers: &HeaderMap) -> bool {
    headers.contains_key("content-length") || headers.contains_key("transfer-encoding")
}

/// `Basic base64("api:" + key)` (protocol, section 2.3).
fn basic(key: &Secret) -> Result<HeaderValue> {
    let encoded = BASE64_STANDARD.encode(format!("api:{}", key.reveal()));
    let mut value = HeaderValue::try_from(format!("Basic {encoded}"))
        .map_err(|_| Error::new(Status::Unauthorized, "the API key cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn bearer(token: &Secret, place: &str) -> std::result::Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
        .map_err(|_| Failure::new(FailureKind::Unauthorized, place, "the access token cannot be sent in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}
