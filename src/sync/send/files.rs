//! Sending files: the record says which, the bytes lie beside the data files.

use super::channel::Channel;
use super::pending::Place;
use super::sender::{not_json, Sender};
use super::singly::Singly;
use crate::error::Result;
use crate::store::file_record::{FileRecord, FOLDERS};
use crate::sync::line::parse;
use crate::sync::results::Counted;
use crate::sync::server::failure::{Failure, FailureKind};
use crate::sync::server::transport::Content;
use serde::Deserialize;

#[derive(Deserialize)]
struct NamedRecord {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    file: FileRecord,
}

#[derive(Deserialize)]
struct Created {
    digest: String,
}

/// Sends the pending files of a project. To send one again changes nothing.
pub fn send(sender: &mut Sender<'_, '_, '_>) -> Result<()> {
    for name in FOLDERS {
        let mut folder = Singly::new(Counted::Files, sender.pending(name));
        while let Some(place) = folder.pending.advance()? {
            let line = folder.pending.line().0.to_vec();
            send_one(sender, &mut folder, place, &line)?;
        }
        folder.finish(sender)?;
    }
    Ok(())
}

/// The digest that the record of a file names.
pub fn digest_of(data: &str) -> String {
    serde_json::from_str::<FileRecord>(data).ok().and_then(|record| record.digest).unwrap_or_default()
}

/// Sends the file of one record.
pub fn send_one(sender: &mut Sender<'_, '_, '_>, folder: &mut Singly, place: Place, line: &[u8]) -> Result<()> {
    let record = parse(line, false).and_then(|line| serde_json::from_str::<NamedRecord>(line.data).map_err(not_json));
    let NamedRecord { name, file } = match record {
        Ok(record) => record,
        Err(error) => return folder.set_aside(sender, place, "", error.text()),
    };
    let digest = file.digest.clone().unwrap_or_default();
    let Some(kept_as) = file.kept_as() else {
        let reason = format!("the record of file \"{name}\" does not say where its bytes are");
        return folder.set_aside(sender, place, &digest, &reason);
    };
    let path = sender.project.dir.file_body(kept_as);
    let bytes = path.metadata().map(|about| about.len()).unwrap_or_default();
    sender.check_limits(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let name = if name.is_empty() { "file" } else { &name };
    match upload(&sender.project.channel, name, Content::File(&path)) {
        Ok(answer) if file.digest.is_some() && answer != digest => {
            let reason = format!("{} was changed after it was recorded: its digest is now {answer}", path.display());
            sender.not_taken(Counted::Files, &reason)
        }
        Ok(_) => folder.accepted(sender, place),
        // Whoever has the bytes may put them back.
        Err(failure) if failure.kind() == FailureKind::LocalFile => {
            sender.not_taken(Counted::Files, &failure.to_string())
        }
        Err(failure) => folder.refused(sender, place, &digest, failure),
    }
}

/// Sends bytes as a file of the project; returns the server's digest.
pub fn upload(channel: &Channel<'_>, name: &str, content: Content<'_>) -> std::result::Result<String, Failure> {
    let fields = [("project_id", channel.target.as_str())];
    let post = |path: &str| channel.attempt(path, |id| channel.transport.post_file(path, &fields, name, content, id));
    let answer = match post("/file/create") {
        Err(failure) if failure.kind() == FailureKind::RouteMissing => post("/files/create"), // the older name
        outcome => outcome,
    };
    Ok(answer?.json::<Created>()?.digest)
}
