//! Sending what is stored to a Weave server.
//!
//! The lower half talks to the server: [`environment`] and [`connection`] (settings), [`address`], [`credentials`],
//! [`proxy`], [`transport`] (one request), [`failure`] (what a refusal means), [`retry`] (how often it is tried again)
//! and [`project`] (the project exists on the server). It touches the network, the settings and credential files of
//! W&B, and nothing of the store.
//!
//! The upper half decides what is sent: [`run()`] (projects and order), `pending` (records from data files), `progress`
//! (what was acknowledged), [`refmap`] (where references lead on the server), `sender` (batches and refusals), a file
//! for each kind of record, and [`results`].

pub mod address;
mod calls;
pub mod connection;
pub mod credentials;
pub mod environment;
pub mod failure;
mod feedback;
mod files;
mod identity;
mod learned;
mod netrc;
mod objects;
mod open_calls;
mod pending;
mod progress;
pub mod project;
pub mod proxy;
pub mod refmap;
pub mod results;
pub mod retry;
mod run;
mod sender;
pub mod transport;

pub use connection::Connection;
pub use credentials::Secret;
pub use environment::Environment;
pub use results::Results;
pub use run::{run, Outcome, Request, Update};
