//! The `weave` command: see, check, send, clean, repair and carry what libweave has stored.
//!
//! Over the library's Rust interface. [`arguments`] says what can be written behind `weave`, `commands` has a file for each
//! command, `terminal` what people see, `traces` reads calls, `export` writes them for other programs, [`outcome`] says how
//! it ends.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod arguments;
mod commands;
mod export;
mod moments;
mod outcome;
mod sizes;
mod terminal;
mod traces;

use arguments::{Arguments, Color};
use clap::Parser;
use outcome::{Ending, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.common.color {
        Color::Auto => {}
        Color::Always => anstream::ColorChoice::Always.write_global(),
        Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    terminal::tell_warnings();
    match commands::run(&arguments) {
        Ok(ending) => ending.into(),
        // Who reads the output has seen enough, as `head` does.
        Err(Failure { is_broken_pipe: true, .. }) => Ending::All.into(),
        Err(failure) => {
            terminal::tell_failure(&failure);
            failure.ending.into()
        }
    }
}
