//! The C interface: arguments, handles, strings, panics and error texts. Its rules are in docs/c-api.md.
//!
//! Each function turns what C gave into what [`crate::client`] takes, and nothing more. `unsafe` code stands here and in
//! the store's journal only; what it relies on is always the same and is said once: the caller keeps the conventions
//! (pointers are NULL or valid for what the function's comment says, handles are not freed yet).
//!
//! The files follow the order of the header, which is generated from them.

#![allow(unsafe_code)]
// The names are those of the C interface.
#![allow(non_camel_case_types)]
// The rules of pointers hold for the whole interface and stand in docs/c-api.md, not in every comment.
#![allow(clippy::missing_safety_doc)]
// Comments are written for the reader of the header.
#![allow(rustdoc::broken_intra_doc_links, rustdoc::bare_urls)]

pub mod aftercare;
pub mod call;
pub mod call_options;
pub mod callbacks;
pub mod client;
pub mod error;
pub mod feedback;
pub mod file;
mod guard;
pub mod json;
pub mod log;
pub mod object;
pub mod options;
pub mod options_server;
pub mod options_storage;
pub mod options_sync;
pub mod stop;
mod strings;
pub mod sync;
pub mod version;
