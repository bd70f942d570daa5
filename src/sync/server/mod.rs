//! How a Weave server is reached: addresses, keys and proxies, one request, what a refusal means, how often it is tried
//! again, and the project that must be there.
//!
//! Touches the network, the settings and credential files of W&B, and nothing of the store.

pub mod address;
mod agent;
pub mod answer;
pub mod connection;
pub mod credentials;
mod cryptography;
pub mod elsewhere;
pub mod environment;
pub mod failure;
mod identity;
mod interrupt;
mod names;
mod netrc;
mod opening;
mod pace;
pub mod project;
pub mod proxy;
pub mod retry;
pub mod stop;
pub mod transport;
mod upload;
