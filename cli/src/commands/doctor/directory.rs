//! The offline directory and its disk.

use super::{Check, State};
use crate::arguments::Common;
use crate::commands::Context;
use crate::sizes::show;
use rustix::fs::{access, statvfs, Access};
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use weave::client::Options;
use weave::store::{journal, layout, usage};

/// With less than this a program soon finds no room.
const LITTLE: u64 = 256 << 20;

/// Looks at it.
pub fn look(context: &Context, common: &Common) -> Vec<Check> {
    let dir = &context.dir;
    let origin = match (&common.offline_dir, context.environment.text("WEAVE_OFFLINE_DIR")) {
        (Some(_), _) => "-d",
        (None, Some(_)) => "WEAVE_OFFLINE_DIR",
        (None, None) => "the default",
    };
    let shown = format!("{} ({origin})", std::path::absolute(dir).unwrap_or_else(|_| dir.clone()).display());
    let about = match dir.metadata() {
        Ok(about) if about.is_dir() => about,
        Ok(_) => return vec![Check::bad("directory", State::Failed, format!("{shown} is no directory"), GIVE)],
        Err(cause) => {
            let text = format!("{shown}: {cause}");
            return vec![Check::bad(
                "directory",
                State::Warning,
                text,
                "a program that logs makes it; else give another",
            )];
        }
    };
    let mut checks = vec![of_library(context, shown), modes(dir, &about), writable(dir)];
    checks.extend(space(context));
    checks.extend(programs(dir));
    checks
}

const GIVE: &str = "give another with -d or WEAVE_OFFLINE_DIR";

fn of_library(context: &Context, shown: String) -> Check {
    match context.is_logged_to() {
        Ok(true) => Check::ok("directory", shown),
        // Whether it may be read is told by a line of its own.
        _ if access(&context.dir, Access::READ_OK | Access::EXEC_OK).is_err() => Check::ok("directory", shown),
        _ => Check::bad("directory", State::Warning, format!("{shown}: no program has logged to it"), GIVE),
    }
}

fn modes(dir: &Path, about: &Metadata) -> Check {
    let (mode, owner) = (about.permissions().mode() & 0o777, about.uid());
    let text = format!("{mode:04o}, owner {owner}");
    let me = rustix::process::geteuid().as_raw();
    if owner != me && me != 0 {
        let text = format!("{text}, while you are {me}");
        return Check::bad("modes", State::Warning, text, "log and sync as the owner, or with group_access");
    }
    if mode & 0o007 != 0 {
        let advice = format!("chmod o= {}", dir.display());
        return Check::bad("modes", State::Warning, format!("{text}: everybody can get at what is logged"), advice);
    }
    Check::ok("modes", text)
}

fn writable(dir: &Path) -> Check {
    match access(dir, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Check::ok("access", "it can be read and written"),
        Err(cause) => {
            let advice = "run as its owner, mount it for writing, or give another directory";
            Check::bad("access", State::Failed, format!("it cannot be read and written: {cause}"), advice)
        }
    }
}

fn space(context: &Context) -> Vec<Check> {
    let free = match statvfs(&context.dir) {
        Ok(about) => about.f_bavail.saturating_mul(about.f_frsize),
        Err(cause) => return vec![Check::bad("space", State::Warning, format!("not known: {cause}"), GIVE)],
    };
    let text = format!("{} free on its disk", show(free));
    let mut checks = vec![match free {
        ..LITTLE => Check::bad("space", State::Warning, text, "make room: weave clean deletes what was sent"),
        _ => Check::ok("space", text),
    }];
    checks.push(match Options::default().max_directory_size(&context.environment) {
        Err(error) => Check::bad("quota", State::Failed, error.text(), "mend or unset the variable"),
        Ok(None) => Check::ok("quota", "none; WEAVE_MAX_DIRECTORY_SIZE sets one"),
        Ok(Some(quota)) => quota_used(&context.dir, quota),
    });
    checks
}

fn quota_used(dir: &Path, quota: u64) -> Check {
    let used = match usage::bytes_below(dir) {
        Ok(used) => used,
        Err(error) => return Check::bad("quota", State::Warning, error.text(), "see the modes in the directory"),
    };
    let text = format!("{} of {} are used (WEAVE_MAX_DIRECTORY_SIZE)", show(used), show(quota));
    match used > quota / 32 * 31 {
        true => Check::bad("quota", State::Warning, text, "weave sync and weave clean make room"),
        false => Check::ok("quota", text),
    }
}

/// The programs that log here, and those that left something.
fn programs(dir: &Path) -> Option<Check> {
    if !dir.join(layout::LIBRARY_FOLDER).is_dir() {
        return None;
    }
    let journals = match journal::all(dir) {
        Ok(journals) => journals,
        Err(error) => {
            return Some(Check::bad("programs", State::Failed, error.text(), "see the modes in the directory"))
        }
    };
    let live = journals.iter().filter_map(|path| journal::id_of(path)).filter(|id| journal::is_in_use(dir, id)).count();
    let left = journals.len() - live;
    let text = format!("{live} log to it, {left} ended without a flush");
    Some(match left {
        0 => Check::ok("programs", text),
        _ => Check::bad(
            "programs",
            State::Warning,
            text,
            "weave sync takes over what they left, and so does their next start",
        ),
    })
}
