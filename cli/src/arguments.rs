//! What can be written behind `weave`. Help, the manual's pages and the completions of shells are made of these
//! definitions.

pub mod care;

use crate::moments::Age;
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
use std::path::PathBuf;

/// The whole line.
#[derive(Debug, Parser)]
#[command(
    name = "weave",
    version,
    about = "See, check, send, clean, repair and carry what libweave has stored offline",
    after_help = AFTER,
    propagate_version = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// What is the same for every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER: &str = "\
Examples:
  weave status                  what waits, and where it would go
  weave sync                    send everything
  weave ls --failed             the newest traces that failed
  weave show 0197a3b2-…         one call with its inputs, output and children

It ends with 0 when all was done, 1 when some of it failed or is left, 2 when nothing could be tried, 3 when it was refused.
The address and the key of the server come from WANDB_BASE_URL, WANDB_API_KEY and netrc, as for the library.";

/// What is the same for every command.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// The offline directory [default: WEAVE_OFFLINE_DIR, else ~/.weave/offline]
    #[arg(short = 'd', long, global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub offline_dir: Option<PathBuf>,

    /// Answer as JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,

    /// Colours: where a terminal shows them and NO_COLOR is not set, always, or never
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
}

/// When to show colours.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tell what waits, what was sent, and where it would go
    Status(Status),
    /// Send what waits to the server
    Sync(Sync),
    /// List, retry, drop or export what servers refused
    Rejected(care::Rejected),
    /// Ask the server whether it has everything that was sent
    Verify(care::Verify),
    /// Delete what was sent long enough ago
    Clean(care::Clean),
    /// Find what is torn, damaged or foreign, and put it in order
    Fsck(care::Fsck),
    /// Look at what logging and syncing stand on: directory, disk, server, key, clock
    Doctor(care::Doctor),
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the manual's pages into a directory
    #[command(hide = true)]
    Manual {
        /// The directory
        directory: PathBuf,
    },
}

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
