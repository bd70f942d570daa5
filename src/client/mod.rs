//! Sessions and live calls: what a program logs, checked and turned into records for the store.
//!
//! [`options`], [`storage`] and [`sending`] (settings and their environment variables), [`Client`] (a session), [`LiveCall`] and the
//! calls logged in one go, `summary` and [`rollup`] (usage and status, also of children in their parents), [`context`]
//! (a parent as one line of text),
//! [`filter`] (the program's say in what is kept), and one file each for objects, files, feedback and costs. Only
//! `online` reaches for the network, mostly on the thread of `sender`.

mod batch;
mod call;
#[allow(clippy::module_inception)]
mod client;
pub mod context;
mod costs;
mod feedback;
mod files;
pub mod filter;
mod log_call;
mod objects;
mod online;
pub mod options;
pub mod rollup;
mod sender;
pub mod sending;
mod start;
pub mod storage;
mod summary;
mod system;
mod usage;

pub use call::LiveCall;
pub use client::Client;
pub use context::Context;
pub use filter::{Decision, Filter, FilteredRecord};
pub use options::Options;
pub use sending::SyncSettings;
pub use start::{exception_text, CallOptions, Parent};
