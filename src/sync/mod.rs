//! Sending what is stored to a Weave server.
//!
//! [`server`] is how a server is reached. This folder decides what is sent: [`run()`] (the order), `targets` (where
//! projects go), [`choices`]. `snapshot`, `pending`, `line` and `parts` read records, `batch` gathers them, `delivery` brings batches to
//! the server exactly once, with `route` (requests and look-ups), `pool` (several at once), `channel` (requests for one
//! project), `judge` (whose fault a refusal is) and `progress` (what was acknowledged). A file for each kind of record:
//! `calls` with `pairs`, `open_calls`, `turn` and `needs`; `objects` with [`refmap`] and `learned`; `files`; `feedback`.
//!
//! What is looked after beside a sync: [`rejected`] records and putting them back (`requeue`), [`receipts`] and asking for
//! what they name ([`verify`]), [`cleaning`].

mod batch;
mod calls;
mod channel;
pub mod choices;
pub mod cleaning;
mod delivery;
pub mod directory;
mod feedback;
mod files;
mod judge;
mod learned;
mod line;
mod lines;
mod lookup;
mod needs;
mod objects;
mod open_calls;
mod pairs;
mod parts;
mod pending;
mod pool;
mod progress;
mod put_back;
mod ranges;
pub mod receipt_ids;
pub mod receipts;
pub mod refmap;
pub mod rejected;
mod requeue;
pub mod results;
mod route;
mod run;
mod sender;
pub mod server;
mod snapshot;
mod targets;
mod turn;
pub mod verify;

pub use choices::Choices;
pub use results::Results;
pub use run::{run, Outcome, Request, Update};
pub use server::connection::Connection;
pub use server::credentials::Secret;
pub use server::environment::Environment;
pub use server::stop::Stop;
