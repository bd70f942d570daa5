//! `weave unpack`: an offline directory of a device's bundle; and `weave receipt`: what came of it, for the device.

use super::{end_on_signals, out, Context};
use crate::arguments::{Receipt, Unpack};
use crate::outcome::{Ending, Failure, Outcome};
use crate::sizes::{count, show};
use crate::terminal::progress::Progress;
use crate::terminal::style::{GOOD, NAME};
use crate::terminal::tell_failure;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use weave::client::options::directory;
use weave::sync::carry::unpack::{directory_of, header, unpack};
use weave::sync::carry::write_receipt;

/// Unpacks it.
pub fn run(context: &Context, given: &Unpack) -> Outcome {
    let into = directory_for(context, &given.bundle, given.into.as_deref())?;
    end_on_signals()?;
    let mut progress = Progress::new(context.json);
    let unpacked = unpack(&given.bundle, &into, &mut |done, all| progress.tell_bytes("unpacking", done, all))?;
    drop(progress);
    let mut out = out();
    let (header, problems) = (&unpacked.header, &unpacked.problems);
    if context.json {
        let told = json!({
            "offline_dir": into, "device": {"id": header.device, "name": header.name}, "number": header.number,
            "packed_at": header.at, "projects": header.projects, "files": unpacked.files, "bytes": unpacked.bytes,
            "known": unpacked.known, "problems": problems,
        });
        writeln!(out, "{told}")?;
    } else {
        let (name, at) = (NAME.paint(&header.name), &header.at);
        writeln!(out, "Bundle {} of {name}, packed {at}:", header.number)?;
        let (files, bytes) = (GOOD.paint(count(unpacked.files)), show(unpacked.bytes));
        writeln!(out, "  unpacked: {files} ({bytes}), known already: {}", count(unpacked.known))?;
        writeln!(out, "Send it:      weave sync -d {}", into.display())?;
        writeln!(out, "and then:     weave receipt {}", given.bundle.display())?;
    }
    drop(out);
    for problem in problems {
        tell_failure(&Failure::nothing(problem));
    }
    Ok(if problems.is_empty() { Ending::All } else { Ending::Some })
}

/// Writes the receipt.
pub fn receipt(context: &Context, given: &Receipt) -> Outcome {
    let from = directory_for(context, &given.bundle, given.from.as_deref())?;
    let written = write_receipt(&given.bundle, &from)?;
    let mut out = out();
    if context.json {
        let told = json!({"whole": written.whole, "partly": written.partly, "records": written.records,
                          "rejected": written.rejected});
        writeln!(out, "{told}")?;
        return Ok(Ending::All);
    }
    writeln!(out, "Records that are done: {}, rejected: {}", count(written.records), count(written.rejected))?;
    writeln!(out, "Files that are done:   {}, others: {}", count(written.whole), count(written.partly))?;
    writeln!(out, "On the device: weave pack {}", given.bundle.display())?;
    Ok(Ending::All)
}

/// The given directory, or that of the device.
fn directory_for(context: &Context, bundle: &Path, given: Option<&Path>) -> Result<PathBuf, Failure> {
    let header = header(bundle)?;
    match given {
        Some(given) => Ok(given.to_path_buf()),
        None => Ok(directory_of(&header, &directory(Some("~/.weave/unpacked".into()), &context.environment)?)),
    }
}
