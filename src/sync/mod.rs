//! Sending what is stored to a Weave server, and looking after what was sent.
//!
//! [`run()`] is a sync: `snapshot` (what is pending), `targets` (where it goes), [`choices`], [`results`]; [`plan`] tells what
//! one would send, [`inventory`] what a directory holds. [`verify`] asks a server for what it was sent, [`cleaning`] deletes,
//! [`check`] finds what is damaged and mends it, [`carry`] brings records to another machine that sends them, and receipts
//! back. Below: `send` (bringing records to the server), `kept` (what is on the disk of it), [`server`] (how a server is
//! reached). `line`, `lookup` and `price` are for all of them: what a line of a data file says, what a server has, and which
//! price is which.

pub mod carry;
pub mod check;
pub mod choices;
pub mod cleaning;
pub mod inventory;
mod kept;
pub mod line;
mod lookup;
pub mod plan;
mod price;
pub mod results;
mod run;
mod send;
pub mod server;
mod snapshot;
pub mod targets;
pub mod verify;

pub use choices::Choices;
pub use kept::{directory, receipt_ids, receipts, rejected};
pub use results::Results;
pub use run::{run, Outcome, Request, Update};
pub use server::connection::Connection;
pub use server::credentials::Secret;
pub use server::environment::Environment;
pub use server::stop::Stop;
