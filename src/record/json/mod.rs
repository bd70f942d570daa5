//! JSON: read as the server reads it, checked where a caller hands it in, written as it is hashed and as it is stored.

mod accept;
mod fault;
mod grammar;
mod lexer;
mod object;
mod redact;
mod repair;
mod text;
mod usage_watch;
mod value;
mod write;

pub use accept::{accept, accept_bytes, accept_output, find_usage, Rules, UsageAt, MAX_LEVELS};
pub use fault::Fault;
pub(crate) use grammar::MAX_DEPTH;
pub use object::Object;
pub use redact::Redact;
pub use text::Text;
pub use value::{Int, Value};
pub use write::{canonical, compact, python_dumps};

#[cfg(test)]
mod tests;
