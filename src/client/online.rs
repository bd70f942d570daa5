//! The part of a session that reaches for the network: the key and the project are checked when it opens, and what is
//! stored is sent at flush and finish.

use std::time::Instant;

use super::options::Options;
use crate::error::{Error, Result, Status};
use crate::store::Store;
use crate::sync::environment::Environment;

/// A session's way to the server.
pub(super) struct Online {}

impl Online {
    /// Finds the account's entity, and sees to it that the project exists. Answers both names as the server has them.
    pub(super) fn connect(
        _entity: Option<&str>,
        _project: &str,
        _options: &Options,
        _environment: &Environment,
    ) -> Result<(String, String, Online)> {
        Err(Error::new(Status::Network, "x"))
    }

    /// Sends what the project has stored.
    pub(super) fn sync(&self, _store: &Store, _project: &str, _until: Option<Instant>) -> Result<()> {
        Ok(())
    }

    /// Reads data of the server.
    pub(super) fn query(&self, _path: &str, _request: &[u8]) -> Result<String> {
        Err(Error::new(Status::Network, "x"))
    }
}
