//! Offline tracing for W&B Weave.
//!
//! The layers, each knowing only the ones below it: [`ffi`] (the C interface), [`client`] (sessions and live calls),
//! [`sync`] (sending what is stored), [`store`] (journal and data files), [`record`] (what a record is).

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod client;
pub mod error;
pub mod ffi;
pub mod log;
pub mod record;
pub mod store;
pub mod sync;

pub use error::{Error, Result, Status};
