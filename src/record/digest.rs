//! Digests by which the server names contents (protocol, section 11).

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use sha2::{Digest, Sha256};

use super::json::{canonical, Value};

/// The digest of a file's bytes.
pub fn bytes_digest(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)).replace('-', "X").replace('_', "Y")
}

/// The digest of an object or of a table's row.
pub fn value_digest(value: &Value) -> String {
    bytes_digest(canonical(value).as_bytes())
}

/// The digest of a table, of the digests of its rows in order.
pub fn table_digest<'d>(row_digests: impl IntoIterator<Item = &'d str>) -> String {
    let mut hash = Sha256::new();
    for digest in row_digests {
        hash.update(digest);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
