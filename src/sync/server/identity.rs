//! Access tokens in exchange for an identity token (protocol, section 2.2).
//!
//! A token is kept in memory and in the credentials file that the official client uses too, and is replaced five
//! minutes before it ends. The file is written as a whole with mode 0600; the other servers' entries in it are kept.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{json, Map, Value};

use super::address::{escape, Address};
use super::credentials::Secret;
use super::failure::{Failure, FailureKind};
use crate::log::{self, Level};

const EARLY: SignedDuration = SignedDuration::from_mins(5);
const TIME_FORMAT: &str = "%Y-%m-%d %H:%M:%S";

/// An access token and its end.
#[derive(Debug, Clone)]
struct Grant {
    token: Secret,
    ends: Timestamp,
}

#[derive(Deserialize)]
struct GrantAnswer {
    access_token: String,
    expires_in: f64,
}

/// The source of access tokens for one server.
pub(super) struct Identity {
    token_file: PathBuf,
    cache_file: PathBuf,
    base: Address,
    held: Mutex<Option<Grant>>,
}

impl Identity {
    pub(super) fn new(token_file: PathBuf, cache_file: PathBuf, base: Address) -> Self {
        Identity { token_file, cache_file, base, held: Mutex::new(None) }
    }

    /// Where tokens are exchanged.
    pub(super) fn exchange_address(&self) -> String {
        self.base.at("/oidc/token")
    }

    /// A token that is good for at least five minutes: the one at hand, the one in the file, or a fresh one from
    /// `exchange`, which posts a form and gives the body of the answer.
    pub(super) fn token(
        &self,
        now: Timestamp,
        exchange: impl FnOnce(&str) -> Result<Vec<u8>, Failure>,
    ) -> Result<Secret, Failure> {
        let mut held = self.held.lock();
        let good = |grant: &Grant| now.duration_until(grant.ends) > EARLY;
        if let Some(grant) = held.as_ref().filter(|grant| good(grant)) {
            return Ok(grant.token.clone());
        }
        let cached = self.cached().filter(good);
        let fresh = cached.is_none();
        let grant = match cached {
            Some(grant) => grant,
            None => self.exchanged(now, exchange)?,
        };
        *held = Some(grant.clone());
        drop(held);
        if fresh {
            self.keep(&grant);
        }
        Ok(grant.token)
    }

    /// Asks the server for a token in spite of what is at hand, because it was refused.
    pub(super) fn renew(
        &self,
        now: Timestamp,
        exchange: impl FnOnce(&str) -> Result<Vec<u8>, Failure>,
    ) -> Result<Secret, Failure> {
        let mut held = self.held.lock();
        let grant = self.exchanged(now, exchange)?;
        *held = Some(grant.clone());
        drop(held);
        self.keep(&grant);
        Ok(grant.token)
    }

    fn exchanged(
        &self,
        now: Timestamp,
        exchange: impl FnOnce(&str) -> Result<Vec<u8>, Failure>,
    ) -> Result<Grant, Failure> {
        let place = self.exchange_address();
        let unusable = |why: String| Failure::new(FailureKind::Unauthorized, &place, why);
        let jwt = std::fs::read_to_string(&self.token_file).map_err(|cause| {
            unusable(format!("WANDB_IDENTITY_TOKEN_FILE {} cannot be read: {cause}", self.token_file.display()))
        })?;
        if jwt.trim().is_empty() {
            return Err(unusable(format!("WANDB_IDENTITY_TOKEN_FILE {} is empty", self.token_file.display())));
        }
        let grant_type = escape("urn:ietf:params:oauth:grant-type:jwt-bearer");
        let body = exchange(&format!("grant_type={grant_type}&assertion={}", escape(jwt.trim())))?;
        let answer: GrantAnswer = serde_json::from_slice(&body).map_err(|_| {
            Failure::new(FailureKind::Foreign, &place, "the answer holds no access_token and expires_in")
        })?;
        let lifetime = SignedDuration::try_from_secs_f64(answer.expires_in).unwrap_or(SignedDuration::ZERO);
        let ends = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
        Ok(Grant { token: Secret::new(answer.access_token), ends })
    }

    /// Keeps a token for other processes. Where that fails it costs one exchange in the next one, and nothing else.
    fn keep(&self, grant: &Grant) {
        if let Err(cause) = self.cache(grant) {
            log::write(Level::Warning, || {
                format!("the access token cannot be kept in {}: {cause}", self.cache_file.display())
            });
        }
    }

    fn cached(&self) -> Option<Grant> {
        let file: Value = serde_json::from_slice(&std::fs::read(&self.cache_file).ok()?).ok()?;
        let entry = file.get("credentials")?.get(self.base.as_str())?;
        let token = entry.get("access_token")?.as_str()?;
        let ends = entry.get("expires_at")?.as_str()?;
        Some(Grant { token: Secret::new(token), ends: format!("{ends}Z").parse().ok()? })
    }

    fn cache(&self, grant: &Grant) -> std::io::Result<()> {
        let mut file: Map<String, Value> = std::fs::read(&self.cache_file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let entry = json!({
            "access_token": grant.token.reveal(),
            "expires_at": grant.ends.strftime(TIME_FORMAT).to_string(),
        });
        match file.entry("credentials").or_insert_with(|| json!({})) {
            Value::Object(servers) => drop(servers.insert(self.base.as_str().to_owned(), entry)),
            other => *other = json!({ self.base.as_str(): entry }),
        }
        replace(&self.cache_file, &serde_json::to_vec(&file)?)
    }
}

/// Puts a private file in place at once, so that another process never reads half of it.
fn replace(file: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(directory) = file.parent() {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{}", std::process::id()));
    let beside = PathBuf::from(name);
    let written = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut open| open.write_all(content))
        .and_then(|()| std::fs::rename(&beside, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const NOW: &str = "2026-01-01T12:00:00Z";

    fn identity(directory: &Path) -> Identity {
        std::fs::write(directory.join("jwt"), "head.body.sign+\n").unwrap();
        let base = Address::parse("https://wandb.example.com", "base_url").unwrap();
        Identity::new(directory.join("jwt"), directory.join("deep/credentials.json"), base)
    }

    fn grant(token: &'static str) -> impl Fn(&str) -> Result<Vec<u8>, Failure> {
        move |_| Ok(json!({"access_token": token, "expires_in": 3600}).to_string().into_bytes())
    }

    fn none(_: &str) -> Result<Vec<u8>, Failure> {
        panic!("no exchange is needed")
    }

    fn at(minutes: i64) -> Timestamp {
        NOW.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn the_jwt_is_sent_as_a_bearer_assertion() {
        let directory = tempfile::tempdir().unwrap();
        let token = identity(directory.path()).token(at(0), |form| {
            assert_eq!(
                form,
                "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=head.body.sign%2B"
            );
            grant("one")(form)
        });
        assert_eq!(token.unwrap().reveal(), "one");
    }

    #[test]
    fn a_token_is_replaced_five_minutes_before_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let identity = identity(directory.path());
        identity.token(at(0), grant("one")).unwrap();
        assert_eq!(identity.token(at(54), none).unwrap().reveal(), "one");
        assert_eq!(identity.token(at(55), grant("two")).unwrap().reveal(), "two");
    }

    #[test]
    fn a_later_process_takes_the_token_from_the_private_file() {
        let directory = tempfile::tempdir().unwrap();
        identity(directory.path()).token(at(0), grant("one")).unwrap();
        let file = directory.path().join("deep/credentials.json");
        let stored: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let entry = json!({"access_token": "one", "expires_at": "2026-01-01 13:00:00"});
        assert_eq!(stored, json!({"credentials": {"https://wandb.example.com": entry}}));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(identity(directory.path()).token(at(54), none).unwrap().reveal(), "one");
        assert_eq!(identity(directory.path()).token(at(55), grant("two")).unwrap().reveal(), "two");
    }

    #[test]
    fn other_servers_keep_their_entries_in_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("deep/credentials.json");
        std::fs::create_dir(directory.path().join("deep")).unwrap();
        std::fs::write(&file, r#"{"credentials": {"https://other": {"access_token": "x"}}, "more": 1}"#).unwrap();
        identity(directory.path()).token(at(0), grant("one")).unwrap();
        let stored: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(stored["credentials"]["https://other"]["access_token"], "x");
        assert_eq!(stored["more"], 1);
    }

    #[test]
    fn a_refused_token_is_replaced_whatever_its_end() {
        let directory = tempfile::tempdir().unwrap();
        let identity = identity(directory.path());
        identity.token(at(0), grant("one")).unwrap();
        assert_eq!(identity.renew(at(1), grant("two")).unwrap().reveal(), "two");
        assert_eq!(identity.token(at(2), none).unwrap().reveal(), "two");
    }

    #[test]
    fn a_missing_or_empty_token_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let identity = identity(directory.path());
        std::fs::write(directory.path().join("jwt"), "\n").unwrap();
        let empty = identity.token(at(0), none).unwrap_err();
        std::fs::remove_file(directory.path().join("jwt")).unwrap();
        let missing = identity.token(at(0), none).unwrap_err();
        for failure in [empty, missing] {
            assert_eq!(failure.kind(), FailureKind::Unauthorized);
            assert!(failure.reason().contains("WANDB_IDENTITY_TOKEN_FILE"), "{failure}");
        }
    }

    #[test]
    fn a_damaged_cache_file_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("deep")).unwrap();
        std::fs::write(directory.path().join("deep/credentials.json"), "{ torn").unwrap();
        let first = identity(directory.path());
        assert_eq!(first.token(at(0), grant("one")).unwrap().reveal(), "one");
        assert_eq!(identity(directory.path()).token(at(1), none).unwrap().reveal(), "one");
    }
}
