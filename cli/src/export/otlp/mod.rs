//! Calls as spans of OpenTelemetry: OTLP 1.x, posted as protobuf ([`post`]) or written as lines of JSON ([`file`]).
//!
//! [`span`] makes a span of a call, with [`ids`], [`attributes`], [`failure`] and, for calls of models, [`genai`],
//! [`chat`] and [`usage`]. [`message`] is what goes over the wire, [`batch`] what goes at once. `docs/cli-export.md` has the mapping.

mod attributes;
mod batch;
mod chat;
mod failure;
pub mod file;
mod genai;
mod ids;
mod message;
pub mod post;
mod span;
mod usage;
