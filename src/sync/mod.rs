//! Sending what is stored to a Weave server.
//!
//! [`server`] is how a server is reached. This folder decides what is sent: [`run()`] (the order), `targets` (where
//! projects go), [`choices`]. `pending`, `line` and `parts` read records, `batch` gathers them, `delivery` brings batches to
//! the server exactly once, with `route` (requests and look-ups), `pool` (several at once), `channel` (requests for one
//! project), `judge` (whose fault a refusal is) and `progress` (what was acknowledged). A file for each kind of record:
//! `calls` with `pairs`, `open_calls`, `turn` and `needs`; `objects` with [`refmap`] and `learned`; `files`; `feedback`.

mod batch;
mod calls;
mod channel;
pub mod choices;
mod delivery;
mod feedback;
mod files;
mod judge;
mod learned;
mod line;
mod needs;
mod objects;
mod open_calls;
mod pairs;
mod parts;
mod pending;
mod pool;
mod progress;
mod ranges;
pub mod refmap;
pub mod results;
mod route;
mod run;
mod sender;
pub mod server;
mod targets;
mod turn;

pub use choices::Choices;
pub use results::Results;
pub use run::{run, Outcome, Request, Update};
pub use server::connection::Connection;
pub use server::credentials::Secret;
pub use server::environment::Environment;
pub use server::stop::Stop;
