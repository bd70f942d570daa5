//! The part of a session that reaches for the network: the key and the project are checked when it opens, and what is
//! stored is sent at flush and finish.

use std::sync::Arc;
use std::time::Instant;

use super::options::{Options, ProgressFn};
use crate::error::{Error, Result, Status};
use crate::record::json::{accept, Rules};
use crate::store::Store;
use crate::sync::server::project;
use crate::sync::server::retry::{Retry, RetryPolicy};
use crate::sync::server::transport::Transport;
use crate::sync::Connection;
use crate::sync::Environment;
use crate::sync::Secret;
use crate::sync::{Choices, Request, Stop, Update};

/// A session's way to the server.
pub(super) struct Online {
    connection: Connection,
    environment: Environment,
    transport: Transport,
    retry: RetryPolicy,
    progress: Option<Arc<ProgressFn>>,
}

impl Options {
    /// What the options say of the way to the server.
    pub fn connection(&self) -> Connection {
        Connection {
            base_url: self.base_url.clone(),
            trace_server_url: self.trace_server_url.clone(),
            api_key: self.api_key.as_deref().map(Secret::new),
            ca_file: self.ca_file.clone(),
            insecure: self.insecure,
            timeout: self.http_timeout,
        }
    }
}

impl Online {
    /// Finds the account's entity, and sees to it that the project exists. Answers both names as the server has them.
    pub(super) fn connect(
        entity: Option<&str>,
        name: &str,
        options: &Options,
        environment: &Environment,
    ) -> Result<(String, String, Online)> {
        let connection = options.connection();
        let destination = connection.resolve(environment)?;
        let transport = Transport::new(&destination, &Stop::new())?;
        let retry = Retry { policy: &destination.retry, stop: &Stop::new() };
        let entity = match entity {
            Some(entity) => entity.to_owned(),
            None => project::default_entity(&transport, &retry)?,
        };
        let name = project::ensure(&transport, &retry, &entity, name)?;
        Ok((
            entity,
            name,
            Online {
                connection,
                environment: environment.clone(),
                transport,
                retry: destination.retry,
                progress: options.progress.clone(),
            },
        ))
    }

    /// Sends what the project has stored. What could not be sent stays stored.
    pub(super) fn sync(&self, store: &Store, project: &str, until: Option<Instant>) -> Result<()> {
        let in_time = || until.is_none_or(|until| Instant::now() < until);
        let mut go_on = |told: &Update<'_>| in_time() && self.progress.as_ref().is_none_or(|progress| progress(told));
        let request = Request {
            offline_dir: store.dir(),
            project: Some(project),
            connection: &self.connection,
            environment: &self.environment,
            choices: Choices::default(),
            stop: Stop::new(),
        };
        match crate::sync::run(&request, &mut go_on)?.error() {
            None => Ok(()),
            Some(error) if error.status() == Status::Cancelled && !in_time() => Err(Error::new(
                Status::Timeout,
                "the time limit was reached before everything was sent; the rest is kept for the next sync",
            )),
            Some(error) => Err(error),
        }
    }

    /// Reads data of the server.
    pub(super) fn query(&self, path: &str, request: &[u8]) -> Result<String> {
        if !path.starts_with('/') {
            return Err(Error::new(
                Status::InvalidArgument,
                format!(
                    "path: \"{path}\" is not the path of a request; begin it with '/', such as /calls/stream_query"
                ),
            ));
        }
        let request = accept(request, "request", &Rules { object: true, ..Rules::default() })?;
        let retry = Retry { policy: &self.retry, stop: &Stop::new() };
        let answer =
            retry.run(path, |id| self.transport.post_query(path, request.as_bytes(), id)).map_err(Error::from)?;
        String::from_utf8(answer.body().to_vec())
            .map_err(|_| Error::new(Status::Server, format!("{path}: the server's answer is not text")))
    }
}
