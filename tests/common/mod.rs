//! What the integration tests stand on.

#![allow(dead_code, reason = "each test program uses its own part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod network;
pub mod offline;
pub mod server;
