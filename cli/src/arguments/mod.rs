//! What can be written behind `weave`. Help, the manual's pages and the completions of shells are made of these
//! definitions.

pub mod care;
mod carrying;
mod export;
mod reading;
mod sending;
mod which;

pub use carrying::{Pack, Receipt, Unpack};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;
pub use export::Export;
pub use reading::{Ls, Show, Tail};
pub use sending::{Status, Sync};
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
    /// List the newest traces, or calls
    Ls(Ls),
    /// Show a call or a trace: its tree, inputs, output, error
    Show(Show),
    /// Tell of calls as they are logged
    Tail(Tail),
    /// Write calls for other programs: JSON lines, CSV, Parquet, OpenTelemetry
    Export(Export),
    /// Write what waits into a folder, to be carried to a machine with a network
    Pack(Pack),
    /// Make an offline directory of what was packed on another machine
    Unpack(Unpack),
    /// Write into a bundle what was sent of it, for the machine that packed it
    Receipt(Receipt),
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
