//! How much is stored: files and bytes by project and kind, from names and sizes alone.

use super::layout;
use crate::error::{Error, Result};
use crate::record::kind::Kind;
use serde_json::{json, Map, Value};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Some files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Files {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Files {
    /// Adds a file of so many bytes.
    pub fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

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

/// The bytes of everything in a folder that this process may read.
pub fn bytes_below(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for path in layout::readable_entries(folder)? {
        match fs::symlink_metadata(&path) {
            Ok(about) if about.is_dir() => bytes += bytes_below(&path)?,
            Ok(about) => bytes += about.len(),
            // Deleted meanwhile, or not for this process to see.
            Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {}
            Err(cause) => return Err(Error::io("cannot read", &path, &cause)),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::process;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_that_may_not_be_read_is_passed_over() {
        let test = "store::usage::tests::a_folder_that_may_not_be_read_is_passed_over";
        process::without_capabilities(test, |root| {
            fs::create_dir_all(root.join("team/demo/calls")).unwrap();
            fs::write(root.join("team/demo/calls/20260101_0000.jsonl"), b"{}\n").unwrap();
            fs::create_dir(root.join("lost+found")).unwrap();
            fs::set_permissions(root.join("lost+found"), fs::Permissions::from_mode(0o000)).unwrap();
            let stats = directory_stats(root).unwrap();
            assert_eq!(
                (&stats["bytes"], &stats["projects"]["team/demo"]["calls"]["pending_files"]),
                (&3.into(), &1.into())
            );
        });
    }
}
