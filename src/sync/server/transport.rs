//! One request to a Weave server and its answer, over HTTP with ureq.
//!
//! A success is an answer of status 200 to 299 that a Weave server can have given; whatever else happens is a
//! [`Failure`]. Nothing is tried again here, except once with a fresh access token. Redirects are not followed: a
//! redirected POST would become a GET whose success means nothing.

use std::path::Path;
use std::time::Duration;

use base64::prelude::{Engine, BASE64_STANDARD};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::Deserialize;
use serde_json::Value;
use ureq::http::{HeaderValue, Response};
use ureq::tls::{parse_pem, PemItem, RootCerts, TlsConfig};
use ureq::unversioned::multipart::{Form, Part};
use ureq::{Agent, AsSendBody, Body, Proxy, ProxyProtocol};

use super::address::Address;
use super::connection::{CaFile, Destination};
use super::credentials::{Credentials, Secret};
use super::failure::{Failure, FailureKind};
use super::identity::Identity;
use super::retry::RetryId;
use crate::error::{Error, Result, Status};
use crate::record::digest::reader_digest;

/// More than any answer that a sender asks for: a million row digests are 47 MB.
const LARGEST_ANSWER: u64 = 128 << 20;

/// How many times the limit of one step the whole body may take: 31 MiB within 300 s need 0.9 Mbit/s.
const BODY_STEPS: u32 = 10;

/// The body of a successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    place: String,
    body: Vec<u8>,
}

impl Answer {
    /// The bytes.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The answer in the shape that the protocol says it has.
    pub fn json<T: DeserializeOwned>(&self) -> std::result::Result<T, Failure> {
        serde_json::from_slice(&self.body).map_err(|cause| self.foreign(&cause))
    }

    /// The answer of a streaming route: one JSON value per line.
    pub fn json_lines<T: DeserializeOwned>(&self) -> std::result::Result<Vec<T>, Failure> {
        let lines = serde_json::Deserializer::from_slice(&self.body).into_iter();
        lines.collect::<std::result::Result<_, _>>().map_err(|cause| self.foreign(&cause))
    }

    fn foreign(&self, cause: &serde_json::Error) -> Failure {
        Failure::new(FailureKind::Foreign, &self.place, format!("the answer has another form than expected: {cause}"))
    }
}

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
    request_limit: Duration,
}

impl Transport {
    /// Prepares the way; the network is not touched yet.
    pub fn new(destination: &Destination) -> Result<Transport> {
        let tls = tls(destination)?;
        let base = agent(destination, &tls, destination.base_proxy.clone());
        let same_way = destination.base_proxy == destination.traces_proxy;
        let traces = if same_way { base.clone() } else { agent(destination, &tls, destination.traces_proxy.clone()) };
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
            request_limit: destination.timeout.saturating_mul(BODY_STEPS + 5),
        })
    }

    /// The trace server's address.
    pub fn traces(&self) -> &Address {
        &self.traces.address
    }

    /// The time after which no request of this transport is under way any more: the sum of the limits of its steps.
    pub fn request_limit(&self) -> Duration {
        self.request_limit
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
        self.signed(&place, |authorization| {
            let outcome = send(&self.traces, path, authorization, Some("application/json"), id, body);
            let mut response = outcome.map_err(|cause| Failure::of_error(&place, &cause))?;
            if !response.status().is_success() {
                return Err(refusal(&place, response));
            }
            reader_digest(response.body_mut().as_reader())
                .map_err(|cause| Failure::of_error(&place, &ureq::Error::Io(cause)))
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
        // Quotes and line ends would end the header that the name stands in.
        let file_name = file_name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        let server = &self.traces;
        let place = place("POST", server, path);
        checked(self.signed(&place, |authorization| {
            let part = match content {
                Content::Bytes(bytes) => Part::bytes(bytes),
                Content::File(path) => Part::file(path).map_err(|cause| {
                    let error = Error::io("cannot read", path, &cause);
                    Failure::new(FailureKind::LocalFile, &place, error.text())
                })?,
            };
            let part = part
                .file_name(&file_name)
                .mime_str("application/octet-stream")
                .map_err(|cause| Failure::of_error(&place, &cause))?;
            let form = fields.iter().fold(Form::new(), |form, (name, value)| form.text(name, value));
            post_to(server, path, authorization, None, id, form.part("file", part), &place)
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
        let place = place("GET", &self.traces, "/server_info");
        let answer = self.signed(&place, |authorization| {
            let request = self.traces.agent.get(self.traces.address.at("/server_info"));
            finish(&place, request.header("Authorization", authorization).call())
        })?;
        answer.json()
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
        self.signed(&place, |authorization| post_to(server, path, authorization, Some(content_type), id, body, &place))
    }

    /// Makes a request with its `Authorization`; a refused access token is exchanged for a fresh one, once.
    fn signed<T>(
        &self,
        place: &str,
        request: impl Fn(HeaderValue) -> std::result::Result<T, Failure>,
    ) -> std::result::Result<T, Failure> {
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
        finish(&format!("POST {address}"), request.send(form)).map(|answer| answer.body)
    }
}

fn place(method: &str, server: &Server, path: &str) -> String {
    format!("{method} {}", server.address.at(path))
}

fn post_to(
    server: &Server,
    path: &str,
    authorization: HeaderValue,
    content_type: Option<&str>,
    id: &RetryId,
    body: impl AsSendBody,
    place: &str,
) -> std::result::Result<Answer, Failure> {
    finish(place, send(server, path, authorization, content_type, id, body))
}

fn send(
    server: &Server,
    path: &str,
    authorization: HeaderValue,
    content_type: Option<&str>,
    id: &RetryId,
    body: impl AsSendBody,
) -> std::result::Result<Response<Body>, ureq::Error> {
    let mut request = server.agent.post(server.address.at(path)).header("Authorization", authorization);
    if let Some(content_type) = content_type {
        request = request.header("Content-Type", content_type);
    }
    if let Some(id) = id.as_str() {
        request = request.header("X-Weave-Retry-Id", id);
    }
    request.send(body)
}

fn finish(
    place: &str,
    outcome: std::result::Result<Response<Body>, ureq::Error>,
) -> std::result::Result<Answer, Failure> {
    let mut response = outcome.map_err(|cause| Failure::of_error(place, &cause))?;
    if !response.status().is_success() {
        return Err(refusal(place, response));
    }
    match response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec() {
        Ok(body) => Ok(Answer { place: place.to_owned(), body }),
        Err(cause) => Err(Failure::of_error(place, &cause)),
    }
}

/// The status and headers of a refusal tell enough even where its body is torn.
fn refusal(place: &str, mut response: Response<Body>) -> Failure {
    let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec().unwrap_or_default();
    Failure::of_answer(place, response.status().as_u16(), response.headers(), &body, Timestamp::now())
}

/// A body that is no JSON under status 200 comes from something else than a Weave server, a sign-in page for instance:
/// it acknowledges nothing.
fn checked(answer: Answer) -> std::result::Result<Answer, Failure> {
    match serde_json::from_slice::<IgnoredAny>(&answer.body) {
        Ok(_) => Ok(answer),
        Err(_) => {
            let start = String::from_utf8_lossy(answer.body.get(..200).unwrap_or(&answer.body)).into_owned();
            Err(Failure::new(FailureKind::Foreign, &answer.place, format!("the answer is no JSON: {start}")))
        }
    }
}

fn agent(destination: &Destination, tls: &TlsConfig, proxy: Option<Proxy>) -> Agent {
    let step = Some(destination.timeout);
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("libweave/", env!("CARGO_PKG_VERSION")))
        .accept("application/json")
        .proxy(proxy)
        .tls_config(tls.clone())
        // No limit for looking up names: ureq would do it in a thread that outlives the limit.
        .timeout_connect(step)
        .timeout_send_request(step)
        .timeout_send_body(Some(destination.timeout.saturating_mul(BODY_STEPS)))
        .timeout_recv_response(step)
        .timeout_recv_body(step)
        .timeout_per_read(step)
        .timeout_per_write(step)
        .build()
        .new_agent()
}

fn tls(destination: &Destination) -> Result<TlsConfig> {
    let proxies = [&destination.base_proxy, &destination.traces_proxy];
    let needed = destination.base.is_https()
        || destination.traces.is_https()
        || proxies.into_iter().flatten().any(|proxy| proxy.protocol() == ProxyProtocol::Https);
    let roots = match &destination.ca_file {
        Some(file) if needed && !destination.insecure => RootCerts::from(certificates(file)?.into_iter()),
        _ => RootCerts::WebPki,
    };
    Ok(TlsConfig::builder().disable_verification(destination.insecure).root_certs(roots).build())
}

fn certificates(file: &CaFile) -> Result<Vec<ureq::tls::Certificate<'static>>> {
    let wrong = |why: String| {
        Error::new(
            Status::InvalidArgument,
            format!(
                "{} {}: {why}; name a PEM file of certificates in ca_file or WEAVE_CA_FILE",
                file.origin,
                file.path.display()
            ),
        )
    };
    let pem = std::fs::read(&file.path).map_err(|cause| wrong(format!("cannot be read: {cause}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|cause| wrong(format!("is damaged: {cause}")))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(certificates)
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
