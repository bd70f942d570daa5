//! Sending what is stored to a Weave server.
//!
//! The lower half talks to the server: [`environment`] and [`connection`] (settings), [`address`], [`credentials`],
//! [`proxy`], [`transport`] (one request), [`failure`] (what a refusal means), [`retry`] (how often it is tried again)
//! and [`project`] (the project exists on the server). It touches the network, the settings and credential files of
//! W&B, and nothing of the store.
//!
//! The upper half decides what is sent: [`refmap`] (references as the server must have them) and [`results`] (what came
//! of it).

pub mod address;
pub mod connection;
pub mod credentials;
pub mod environment;
pub mod failure;
mod identity;
mod learned;
mod netrc;
pub mod project;
pub mod proxy;
pub mod refmap;
pub mod results;
pub mod retry;
pub mod transport;
