//! Sending what is stored to a Weave server.
//!
//! [`server`] is how a server is reached. This folder decides what is sent: [`run()`] (projects and order), `pending`
//! (records from data files), `progress` (what was acknowledged), [`refmap`] (where references lead on the server),
//! `sender` (batches and refusals), a file for each kind of record, and [`results`].

mod calls;
pub mod choices;
mod feedback;
mod files;
mod learned;
mod objects;
mod open_calls;
mod pending;
mod progress;
pub mod refmap;
pub mod results;
mod run;
mod sender;
pub mod server;

pub use choices::Choices;
pub use results::Results;
pub use run::{run, Outcome, Request, Update};
pub use server::connection::Connection;
pub use server::credentials::Secret;
pub use server::environment::Environment;
pub use server::stop::Stop;
