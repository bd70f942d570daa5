//! Looking at what was logged.

use super::which::{Began, Which};
use clap::Args;

/// `weave ls`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave ls                            the newest 20 traces
  weave ls team/demo -n 100           100 of one project
  weave ls --calls --failed           the newest calls that failed, also within traces
  weave ls --since 2h --op retrieve   what began in the last two hours, of ops with this in their name
  weave ls --text \"order 4711\"       with this text in inputs, output or anything else

What waits and what was sent are listed alike, also while programs log.")]
pub struct Ls {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,

    /// So many at most
    #[arg(short, long, default_value_t = 20, value_name = "N")]
    pub number: usize,

    /// Calls within traces too, and not only what is no part of another call
    #[arg(short, long)]
    pub calls: bool,

    /// Which calls.
    #[command(flatten)]
    pub which: Which,

    /// Only those that have not ended
    #[arg(long, conflicts_with = "failed")]
    pub running: bool,

    /// When they began.
    #[command(flatten)]
    pub began: Began,

    /// Only those with this text in their inputs, output or anything else, as it stands in the JSON
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
}

/// `weave show`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave show 01a22991-76c7-7406-bd8f-3d40d8215bd0
  weave show 01a22991-76c7-7406-bd8f-3d40d8215bd0 --json | jq .inputs")]
pub struct Show {
    /// The id of a call or of a trace
    pub id: String,

    /// Texts in values in full, however long
    #[arg(short, long)]
    pub full: bool,
}

/// `weave tail`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave tail
  weave tail team/demo --failed

A program's calls are in data files some time after they were logged: a minute at most, and after a flush at once.")]
pub struct Tail {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,

    /// Calls within traces too, and not only what is no part of another call
    #[arg(short, long)]
    pub calls: bool,

    /// Which calls.
    #[command(flatten)]
    pub which: Which,
}
