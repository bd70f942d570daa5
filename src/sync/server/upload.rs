//! The bytes of a file on their way into a request.
//!
//! They are read while the request is sent, and ureq tells a fault of reading them as one of the network. So the first
//! one is kept here. As many bytes are given as were announced: ureq would wait for those that are not there any more
//! until its time is over.

use super::transport::Content;
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Take};

/// What a [`Content`] holds, to be read once.
pub(super) struct Upload<'a> {
    bytes: Take<Box<dyn Read + 'a>>,
    /// Why the bytes could not be read.
    pub(super) failed: Option<Error>,
}

impl<'a> Upload<'a> {
    /// Opens what is to be sent. Only a regular file has a length and an end.
    pub(super) fn open(content: Content<'a>) -> Result<Upload<'a>> {
        let (bytes, length): (Box<dyn Read + 'a>, u64) = match content {
            Content::Bytes(bytes) => (Box::new(bytes), bytes.len() as u64),
            // Looked at before it is opened: opening a pipe waits for its writer.
            Content::File(path) if !path.metadata()?.is_file() => return Err(Error::other("it is no regular file")),
            Content::File(path) => {
                let file = File::open(path)?;
                let length = file.metadata()?.len();
                (Box::new(file), length)
            }
        };
        Ok(Upload { bytes: bytes.take(length), failed: None })
    }

    /// How many bytes it gives, while none was read.
    pub(super) fn length(&self) -> u64 {
        self.bytes.limit()
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            match self.bytes.read(buffer) {
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Ok(0) if self.bytes.limit() > 0 && !buffer.is_empty() => {
                    return Err(Error::other("it was cut while it was sent"));
                }
                read => return read,
            }
        }
    }
}

impl Read for Upload<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.next(buffer).map_err(|cause| {
            let told = cause.kind().into();
            self.failed = Some(cause);
            told
        })
    }
}
