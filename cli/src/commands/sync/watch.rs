//! `weave sync --watch`: one sync after the other, as programs log.

use super::{report, Sending};
use crate::commands::out;
use crate::outcome::{ending_of, Ending, Failure, Outcome};
use crate::terminal;
use std::io::Write;
use std::time::Duration;
use weave::sync::directory::choose;
use weave::sync::inventory;
use weave::Status;

/// How often it is looked whether something waits.
const LOOK: Duration = Duration::from_secs(2);

/// The longest wait after failures.
const LONGEST: Duration = Duration::from_secs(300);

/// Sends until it is stopped. What the server cannot take for the moment is tried again; a refused key ends it.
pub fn run(sending: &Sending<'_>) -> Outcome {
    sending.stop_on_signals()?;
    let (mut wait, mut ending, mut seen) = (LOOK, Ending::All, None);
    while !sending.stop.is_asked() {
        let bytes = pending(sending)?;
        // What waits for something else, such as the end of a call, is not tried again and again.
        if bytes > 0 && (seen != Some(bytes) || wait > LOOK) {
            let outcome = sending.send();
            let error = match &outcome {
                Ok(outcome) => outcome.error(),
                Err(failure) if failure.ending == Ending::Refused => return outcome.map(|_| Ending::All),
                Err(failure) => Some(weave::Error::new(Status::Network, failure.text.clone())),
            };
            if let Ok(outcome) = &outcome {
                if outcome.results.total().synced > 0 {
                    match sending.context.json {
                        true => writeln!(out(), "{}", report::as_json(outcome, &sending.left()?))?,
                        false => report::tell(&mut out(), outcome)?,
                    }
                }
            }
            seen = Some(pending(sending)?);
            ending = error.as_ref().map_or(Ending::All, |error| ending_of(error.status()).min(Ending::Some));
            match error {
                Some(error) if error.status() == Status::Cancelled => break,
                Some(error) if error.status() == Status::Unauthorized => return Err(error.into()),
                Some(error) => {
                    terminal::tell_failure(&error.into());
                    wait = (wait * 2).min(LONGEST);
                }
                None => wait = LOOK,
            }
        }
        sending.stop.pause(wait);
    }
    Ok(ending)
}

/// The bytes of the files that wait of the projects that are sent.
fn pending(sending: &Sending<'_>) -> Result<u64, Failure> {
    let inventory = inventory::take(&sending.context.dir)?;
    let all = inventory.projects.iter().map(|project| project.dir.clone()).collect();
    let chosen = choose(all, &sending.projects)?;
    let projects = inventory.projects.iter().filter(|project| chosen.contains(&project.dir));
    Ok(projects.flat_map(|project| project.kinds.values()).map(|of| of.pending.bytes).sum())
}
