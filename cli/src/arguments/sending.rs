//! What waits, and sending it.

use crate::moments::Age;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `weave status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave status
  weave status -d /data/robot7 --json | jq '.projects[].kinds.calls.pending'")]
pub struct Status {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,
}

/// `weave sync`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave sync                                    everything
  weave sync team/demo                          one project
  weave sync first-project --to team/demo       what was logged as first-project goes to team/demo
  weave sync --max-time 10m --limit-rate 200kB  over a slow line, what matters most first
  weave sync --watch                            now, and again as programs log

It can be stopped at any time with Ctrl-C and run again: nothing is lost, and nothing is sent twice.")]
pub struct Sync {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,

    /// Send the one project to this ENTITY/PROJECT, or PROJECT of the usual entity
    #[arg(long, value_name = "ENTITY/PROJECT", conflicts_with = "map")]
    pub to: Option<String>,

    /// Where projects go: a file with a line RECORDED=ENTITY/PROJECT for each
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub map: Option<PathBuf>,

    /// Tell what would be sent, and send nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Go on: send again whenever something was logged, until Ctrl-C
    #[arg(short, long, conflicts_with_all = ["dry_run", "max_time", "max_bytes"])]
    pub watch: bool,

    /// Stop after this time, such as 90s or 10m; what matters most goes first
    #[arg(long, value_name = "TIME")]
    pub max_time: Option<Age>,

    /// Stop before more than so many bytes are sent, such as 50MB; what matters most goes first
    #[arg(long, value_name = "SIZE", value_parser = crate::sizes::parse)]
    pub max_bytes: Option<u64>,

    /// Send at most so many bytes a second, such as 200kB
    #[arg(long, value_name = "SIZE", value_parser = crate::sizes::parse)]
    pub limit_rate: Option<u64>,

    /// So many requests at once, 1 to 16 [default: 3]
    #[arg(short = 'j', long, value_name = "N")]
    pub connections: Option<usize>,

    /// Close calls whose program ended before they did; else they show as running
    #[arg(long)]
    pub close_interrupted: bool,

    /// Wait so long when another sync of the directory runs
    #[arg(long, value_name = "TIME")]
    pub wait: Option<Age>,

    /// Do not ask before projects are sent elsewhere than they were recorded for
    #[arg(short, long)]
    pub yes: bool,
}
