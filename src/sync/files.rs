//! Sending files: the record says which, the bytes lie beside the data files.

use super::pending::{Line, Pending};
use super::results::Counted;
use super::sender::Sender;
use super::server::failure::{Failure, FailureKind};
use super::server::transport::Content;
use crate::error::Result;
use serde::Deserialize;

#[derive(Deserialize)]
struct FileRecord {
    #[serde(default)]
    name: String,
    digest: Option<String>,
    /// Under which other name than the digest the prototype of this format kept the bytes.
    file_id: Option<String>,
}

#[derive(Deserialize)]
struct Created {
    digest: String,
}

/// Sends the pending files of a project.
pub fn send(sender: &mut Sender<'_>) -> Result<()> {
    for folder in ["files", "files_metadata"] {
        let mut pending = Pending::open(sender.project, folder, &sender.progress)?;
        let mut text = Vec::new();
        while let Some(place) = pending.next(&mut text)? {
            let record = serde_json::from_slice::<Line<'_>>(&text)
                .and_then(|line| serde_json::from_str::<FileRecord>(line.data.get()));
            match record {
                Ok(record) => match send_file(sender, &record) {
                    Ok(None) => sender.accepted(&mut pending, &[place], Counted::Files, 1)?,
                    Ok(Some(reason)) => sender.refused(Counted::Files, &reason)?,
                    Err(failure) => sender.refused_by(Counted::Files, failure)?,
                },
                Err(cause) => sender.refused(Counted::Files, &format!("a line cannot be read: {cause}"))?,
            }
        }
        sender.finish(&mut pending)?;
    }
    Ok(())
}

/// Sends the bytes; gives a reason when what the server got is not what was recorded.
fn send_file(sender: &Sender<'_>, record: &FileRecord) -> std::result::Result<Option<String>, Failure> {
    let kept_as = record.file_id.as_deref().or(record.digest.as_deref()).unwrap_or_default();
    if kept_as.is_empty() || kept_as.contains('/') {
        return Ok(Some(format!("the record of file \"{}\" does not say where its bytes are", record.name)));
    }
    let path = sender.project.file_body(kept_as);
    let name = if record.name.is_empty() { "file" } else { &record.name };
    let answer = upload(sender, name, Content::File(&path))?;
    Ok(match &record.digest {
        Some(digest) if *digest != answer => {
            Some(format!("{} was changed after it was recorded: its digest is now {answer}", path.display()))
        }
        _ => None,
    })
}

/// Sends bytes as a file of the target; returns the server's digest.
pub fn upload(sender: &Sender<'_>, name: &str, content: Content<'_>) -> std::result::Result<String, Failure> {
    let fields = [("project_id", sender.target.as_str())];
    let post = |path: &str| sender.attempt(path, |id| sender.transport.post_file(path, &fields, name, content, id));
    let answer = match post("/file/create") {
        Err(failure) if failure.kind() == FailureKind::RouteMissing => post("/files/create"), // the older name
        outcome => outcome,
    };
    Ok(answer?.json::<Created>()?.digest)
}
