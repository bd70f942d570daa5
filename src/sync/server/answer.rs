//! What a server answers: a body in the form that the protocol says it has, or a refusal.

use super::failure::Failure;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, IgnoredAny};
use ureq::http::Response;
use ureq::Body;

/// More than any answer that a sender asks for: a million row digests are 47 MB.
pub(super) const LARGEST_ANSWER: u64 = 128 << 20;

/// The body of a successful answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub(super) place: String,
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
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
        let reason = format!("the answer has another form than expected: {cause}");
        Failure::of_success(&self.place, self.status, reason)
    }
}

/// The status and headers of a refusal tell enough even where its body is torn.
pub(super) fn refusal(place: &str, mut response: Response<Body>) -> Failure {
    let body = response.body_mut().with_config().limit(LARGEST_ANSWER).read_to_vec().unwrap_or_default();
    Failure::of_answer(place, response.status().as_u16(), response.headers(), &body, Timestamp::now())
}

/// A body that is no JSON under status 200 comes from something else than a Weave server, a sign-in page for instance,
/// or was cut: it acknowledges nothing.
pub(super) fn checked(answer: Answer) -> std::result::Result<Answer, Failure> {
    if serde_json::from_slice::<IgnoredAny>(&answer.body).is_ok() {
        return Ok(answer);
    }
    let start = String::from_utf8_lossy(answer.body.get(..200).unwrap_or(&answer.body)).into_owned();
    let reason = match start.trim().is_empty() {
        true => "the answer is empty".to_owned(),
        false => format!("the answer is no JSON: {start}"),
    };
    Err(Failure::of_success(&answer.place, answer.status, reason))
}
