//! Digests by which the server names contents (protocol, section 11).

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::Engine;
use sha2::{Digest, Sha256};

use super::json::{canonical, Value};
use std::io::{self, Read};

/// The digest of a file's bytes.
pub fn bytes_digest(bytes: &[u8]) -> String {
    encoded(&Sha256::digest(bytes))
}

/// The digest of bytes that are read to their end.
pub fn reader_digest(mut reader: impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut chunk) {
            Ok(0) => return Ok(encoded(&hash.finalize())),
            Ok(read) => hash.update(chunk.get(..read).unwrap_or_default()),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

fn encoded(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash).replace('-', "X").replace('_', "Y")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_the_same_digest_when_they_are_streamed() {
        for length in [0, 1, 64 * 1024, 200_000] {
            let bytes = vec![7; length];
            assert_eq!(reader_digest(bytes.as_slice()).unwrap(), bytes_digest(&bytes));
        }
    }
}
