//! Sending files: the record says which, the bytes lie beside the data files.

use super::channel::Channel;
use super::pending::Place;
use super::sender::{not_json, Sender};
use super::singly::Singly;
use crate::error::Result;
use crate::sync::line::parse;
use crate::sync::results::Counted;
use crate::sync::server::failure::{Failure, FailureKind};
use crate::sync::server::transport::Content;
use serde::Deserialize;

#[derive(Deserialize)]
struct FileRecord {
    #[serde(default)]
    name: String,
    digest: Option<String>,
    /// Under which other name than the digest the prototype of this format kept the bytes.
    file_id: Option<String>,
}

impl FileRecord {
    fn kept_as(&self) -> &str {
        self.file_id.as_deref().or(self.digest.as_deref()).unwrap_or_default()
    }
}

#[derive(Deserialize)]
struct Created {
    digest: String,
}

/// The folders that have records of files: ours, and that of the prototype of this format.
pub const FOLDERS: [&str; 2] = ["files", "files_metadata"];

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

/// The name under which the bytes lie that a record is about.
pub fn kept_as(data: &str) -> String {
    serde_json::from_str::<FileRecord>(data).map(|record| record.kept_as().to_string()).unwrap_or_default()
}

/// Sends the file of one record.
pub fn send_one(sender: &mut Sender<'_, '_, '_>, folder: &mut Singly, place: Place, line: &[u8]) -> Result<()> {
    let record = parse(line, false).and_then(|line| serde_json::from_str::<FileRecord>(line.data).map_err(not_json));
    let record = match record {
        Ok(record) => record,
        Err(error) => return folder.set_aside(sender, place, "", error.text()),
    };
    let digest = record.digest.clone().unwrap_or_default();
    let kept_as = record.kept_as();
    if kept_as.is_empty() || kept_as.contains('/') {
        let reason = format!("the record of file \"{}\" does not say where its bytes are", record.name);
        return folder.set_aside(sender, place, &digest, &reason);
    }
    let path = sender.project.dir.file_body(kept_as);
    let bytes = path.metadata().map(|about| about.len()).unwrap_or_default();
    sender.check_limits(usize::try_from(bytes).unwrap_or(usize::MAX))?;
    let name = if record.name.is_empty() { "file" } else { &record.name };
    match upload(&sender.project.channel, name, Content::File(&path)) {
        Ok(answer) if record.digest.is_some() && answer != digest => {
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
