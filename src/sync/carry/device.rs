//! Who a device is: an id that its offline directory keeps, so that a bundle and a receipt are told from those of others.

use super::sealed::hex;
use crate::error::{Error, Result, Status};
use crate::record::ids::random_bytes;
use crate::store::layout::{Access, DEVICE_FILE, LIBRARY_FOLDER};
use crate::sync::kept::lines::Appender;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// A device, as its directory tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Random, in hexadecimal.
    pub id: String,
    /// The name of the machine when the id was made.
    pub name: String,
    /// The number of its last bundle.
    #[serde(default)]
    pub bundles: u64,
}

impl Device {
    /// The device that has an offline directory; `None` when it has packed nothing yet.
    pub fn of(root: &Path) -> Result<Option<Device>> {
        let path = path_of(root);
        match fs::read(&path) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(Error::io("cannot read", &path, &cause)),
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|cause| {
                let text =
                    format!("{} cannot be read ({cause}); remove it, and this is another device", path.display());
                Error::new(Status::Io, text)
            }),
        }
    }

    /// A device that has packed nothing yet.
    pub(super) fn new() -> Device {
        Device { id: hex(random_bytes::<8>()), name: machine(), bundles: 0 }
    }

    /// Notes it.
    pub(super) fn save(&self, root: &Path, access: Access) -> Result<()> {
        let path = path_of(root);
        let mut text = serde_json::to_vec(self).map_err(|cause| Error::io("cannot write", &path, &cause.into()))?;
        text.push(b'\n');
        Appender::replace(path, access, &text).map(|_| ())
    }
}

fn path_of(root: &Path) -> PathBuf {
    root.join(LIBRARY_FOLDER).join(DEVICE_FILE)
}

/// The folder for what is unpacked of a device: its name, for people, and enough of its id.
pub(super) fn folder_name(name: &str, id: &str) -> String {
    format!("{}-{}", plain(name), id.get(..8).unwrap_or(id))
}

fn machine() -> String {
    let files = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let name = files.iter().find_map(|file| fs::read_to_string(file).ok()).or_else(|| std::env::var("HOSTNAME").ok());
    plain(&name.unwrap_or_default())
}

/// What of a name may stand in a path anywhere.
fn plain(name: &str) -> String {
    let kept: String = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(40).collect();
    match kept.trim_matches('-') {
        "" => "device".to_string(),
        kept => kept.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_keeps_its_id_and_another_directory_is_another_one() {
        let [here, there] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        assert_eq!(Device::of(here.path()).unwrap(), None);
        let device = Device::new();
        device.save(here.path(), Access::Owner).unwrap();
        assert_eq!(Device::of(here.path()).unwrap(), Some(device.clone()));
        assert_ne!(Device::new().id, device.id);
        fs::create_dir_all(there.path().join(LIBRARY_FOLDER)).unwrap();
        fs::write(path_of(there.path()), b"{").unwrap();
        assert!(Device::of(there.path()).unwrap_err().text().contains("device.json"));
    }

    #[test]
    fn the_name_of_a_folder_leads_nowhere_else() {
        assert_eq!(folder_name("../robot 7\n", "0123456789abcdef"), "robot7-01234567");
        assert_eq!(folder_name("..", ""), "device-");
    }
}
