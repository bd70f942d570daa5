//! Sending what is stored to a Weave server.
//!
//! [`server`] is how a server is reached. This folder decides what is sent: [`run()`] (projects and order), `pending`
//! (records from data files), `progress` (what was acknowledged), [`refmap`] (where references lead on the server),
//! `sender` (batches and refusals), a file for each kind of record, and [`results`].
//!
//! What is looked after beside a sync: [`rejected`] records and putting them back (`requeue`), [`receipts`] and asking for
//! what they name ([`verify`]), [`cleaning`].

mod calls;
pub mod choices;
pub mod cleaning;
pub mod directory;
mod feedback;
mod files;
mod learned;
mod lines;
mod lookup;
mod objects;
mod open_calls;
mod pending;
mod progress;
mod put_back;
pub mod receipt_ids;
pub mod receipts;
pub mod refmap;
pub mod rejected;
mod requeue;
pub mod results;
mod run;
mod sender;
pub mod server;
pub mod verify;

pub use choices::Choices;
pub use results::Results;
pub use run::{run, Outcome, Request, Update};
pub use server::connection::Connection;
pub use server::credentials::Secret;
pub use server::environment::Environment;
pub use server::stop::Stop;
