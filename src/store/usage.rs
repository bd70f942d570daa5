//! How much is stored: files and bytes by project and kind, from names and sizes alone.

use super::layout;
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use serde_json::{json, Map, Value};
use std::fs;
use std::path::Path;

/// `{"bytes": …, "projects": {"entity/project": {"calls": {"pending_files", "pending_bytes", "synced_files",
/// "synced_bytes"}, …}}}`; kinds that have no file are left out. `bytes` counts everything in the directory.
pub fn directory_stats(root: &Path) -> Result<Value> {
    layout::check_exists(root)?;
    let mut projects = Map::new();
    for project in layout::projects(root)? {
        let mut kinds = Map::new();
        for kind in Kind::ALL {
            let (mut files, mut bytes) = ([0u64; 2], [0u64; 2]);
            for file in layout::data_files(&project.kind(kind))? {
                let size = fs::metadata(&file.path).map(|about| about.len()).unwrap_or_default();
                let [pending_files, synced_files] = &mut files;
                let [pending_bytes, synced_bytes] = &mut bytes;
                let (count, sum) =
                    if file.synced { (synced_files, synced_bytes) } else { (pending_files, pending_bytes) };
                *count += 1;
                *sum += size;
            }
            if files != [0, 0] {
                let about = json!({"pending_files": files[0], "pending_bytes": bytes[0],
                                   "synced_files": files[1], "synced_bytes": bytes[1]});
                kinds.insert(kind.folder().to_string(), about);
            }
        }
        projects.insert(project.name(), Value::Object(kinds));
    }
    Ok(json!({"bytes": bytes_below(root)?, "projects": projects}))
}

/// The bytes of everything in a folder.
pub(super) fn bytes_below(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for path in layout::entries(folder)? {
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => bytes += bytes_below(&path)?,
            Ok(about) => bytes += about.len(),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {} // deleted meanwhile
            Err(cause) => return Err(Error::io("cannot read", &path, &cause)),
        }
    }
    Ok(bytes)
}
