//! The arguments of the commands that look after a directory: `rejected`, `verify`, `clean`, `fsck`, `doctor`.

use crate::moments::Age;
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueHint};
use std::path::PathBuf;
use weave::sync::results::Counted;

/// `weave rejected`.
#[derive(Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  weave rejected list                         what servers refused, and why
  weave rejected show 0197a3b2-…              one of them, with its content
  weave rejected retry team/demo && weave sync
  weave rejected export refused.jsonl         a copy to look at, or to mend
  weave rejected drop --kind feedback         give them up for good

A rejected record is kept with the reason, and is sent again only when it is put back with `retry`."
)]
pub struct Rejected {
    /// What to do with them
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with rejected records.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Tell which records were rejected and why, those of one reason together
    List {
        /// Which ones
        #[command(flatten)]
        which: Which,
        /// Each of them, not only how many have the same reason
        #[arg(short, long)]
        all: bool,
    },
    /// Print rejected records with their content
    Show {
        /// Their ids, as `weave rejected list --all` tells them
        #[arg(required = true, value_name = "ID")]
        ids: Vec<String>,
    },
    /// Put records back to those that wait; the next `weave sync` sends them
    Retry(Which),
    /// Give records up for good
    Drop {
        /// Which ones
        #[command(flatten)]
        which: Which,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Copy them with their content to a file, a JSON object a line
    Export {
        /// The file, which must not exist yet
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
        /// Only this project: ENTITY/PROJECT as recorded, or PROJECT
        project: Option<String>,
        /// Only this kind
        #[arg(long, value_parser = kinds())]
        kind: Option<String>,
    },
}

/// Which of the rejected records.
#[derive(Debug, Args)]
pub struct Which {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,
    /// Only this kind
    #[arg(long, value_parser = kinds())]
    pub kind: Option<String>,
    /// Only those with this id; can be given several times
    #[arg(long = "id", value_name = "ID")]
    pub ids: Vec<String>,
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(Counted::ALL.map(Counted::name))
}

/// `weave verify`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave verify                    ask the server for everything that it was sent
  weave verify team/demo --put-back && weave sync

It ends with 1 when something is missing or could not be asked. What somebody has deleted on the server looks as if it had never come: look at what is missing before it is put back.")]
pub struct Verify {
    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,
    /// Put what is missing back to those that wait; the next `weave sync` sends it
    #[arg(long)]
    pub put_back: bool,
    /// Name everything that is missing, not only the first of each kind
    #[arg(short, long)]
    pub all: bool,
}

/// `weave clean`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave clean                     what was sent more than 7 days ago
  weave clean --older-than 12h
  weave clean --older-than 0s     everything that was sent
  weave clean --dry-run           what would go

Only what a server has acknowledged is deleted, never what waits or was rejected. Receipts stay, so that `weave verify` can still ask for it; but what is deleted here cannot be put back any more.")]
pub struct Clean {
    /// How long ago it must have been sent, such as 12h or 30d
    #[arg(long, value_name = "TIME", default_value = "7d")]
    pub older_than: Age,
    /// Tell what would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

/// `weave fsck`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave fsck                      look through everything, and change nothing
  weave fsck --repair             put in order what can be

It ends with 0 when all is in order, 1 when something is left that is not, 2 when the directory is none of the library's or could not be looked at.

A repair packs what dead programs left, and keeps of damaged files what is whole; what it changes is copied to .weave/damaged first, with the reason. Programs can go on logging meanwhile; a sync cannot run. Nothing is sent twice by it.")]
pub struct Fsck {
    /// Put in order what can be
    #[arg(long)]
    pub repair: bool,
}

/// `weave doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave doctor
  weave doctor -d /data/robot7 --json | jq '.checks[] | select(.state != \"ok\")'

It ends with 0 when all is well, 1 with warnings, 2 when something would keep a program from logging or a sync from sending, 3 when the server refuses the key. The key itself is never shown.")]
pub struct Doctor {
    /// Wait at most so long for the server
    #[arg(long, value_name = "TIME", default_value = "5s")]
    pub timeout: Age,
}
