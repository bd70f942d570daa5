//! Carrying what waits to a machine with a network, and receipts back.

use crate::moments::Age;
use clap::{Args, ValueHint};
use std::path::PathBuf;

/// `weave pack`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave pack /media/stick/robot7              everything that waits
  weave pack /media/stick/robot7 team/demo    one project
  weave pack -n /media/stick/robot7           how much it would be

It can be killed or unplugged at any time and run again: it goes on where it was.
On the machine with a network: weave unpack, weave sync, weave receipt.
When the stick is back, weave pack takes the receipt and packs what is new.
Give each device a folder of its own. What is in it is not encrypted.")]
pub struct Pack {
    /// The folder for it, on a stick or wherever it can be fetched from
    #[arg(value_hint = ValueHint::DirPath)]
    pub bundle: PathBuf,

    /// Only these projects: ENTITY/PROJECT as recorded, or PROJECT
    pub projects: Vec<String>,

    /// Tell what would be packed, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Wait so long when a sync of the directory runs [default: 30s]
    #[arg(long, value_name = "TIME")]
    pub wait: Option<Age>,
}

/// `weave unpack`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave unpack /media/stick/robot7
  weave sync -d ~/.weave/unpacked/robot7-1a2b3c4d
  weave receipt /media/stick/robot7

Each device has a directory of its own, which its later bundles continue.
What is damaged is told, and the rest is unpacked.")]
pub struct Unpack {
    /// The folder that weave pack wrote
    #[arg(value_hint = ValueHint::DirPath)]
    pub bundle: PathBuf,

    /// The directory for it [default: ~/.weave/unpacked/DEVICE]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub into: Option<PathBuf>,
}

/// `weave receipt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  weave receipt /media/stick/robot7    after weave unpack and weave sync

With it the device knows what was sent, although it never was online: weave pack takes it there.")]
pub struct Receipt {
    /// The folder that weave pack wrote
    #[arg(value_hint = ValueHint::DirPath)]
    pub bundle: PathBuf,

    /// The directory that it was unpacked into [default: ~/.weave/unpacked/DEVICE]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub from: Option<PathBuf>,
}
