//! Files, images, sounds and other contents.

use super::Client;
use crate::error::{Error, Result, Status};
use crate::record::digest::bytes_digest;
use crate::record::json::compact;
use crate::record::kind::RecordType;
use crate::record::media::{self, Media};
use crate::record::object::file_body;

/// The body limit of servers, less what stands around the bytes (protocol, section 8).
const MAX_FILE: usize = 31 << 20;

impl Client {
    /// Stores a file. Answers its digest, by which values name it.
    pub fn create_file(&self, name: &str, bytes: &[u8]) -> Result<String> {
        self.check_open()?;
        if name.is_empty() || name.contains(char::is_control) {
            return Err(Error::new(
                Status::InvalidName,
                format!("name: {name:?} is not the name of a file; give one without control characters"),
            ));
        }
        if bytes.is_empty() {
            return Err(Error::new(
                Status::Rejected,
                format!("bytes: {name} is empty, and servers cannot give an empty file back; leave it out"),
            ));
        }
        if bytes.len() > MAX_FILE {
            return Err(Error::new(
                Status::TooLarge,
                format!("bytes: {name} has {} bytes, and servers take at most {MAX_FILE}; split it", bytes.len()),
            ));
        }
        let digest = bytes_digest(bytes);
        let body = file_body(self.project(), name, &digest, bytes.len());
        if self.is_disabled() {
            return Ok(digest);
        }
        if let Some(body) = self.filtered(RecordType::FileCreate, body)? {
            // The bytes first: a record never names a file that is not there.
            self.keep_bytes(&digest, bytes)?;
            self.keep_json(RecordType::FileCreate, &body)?;
        }
        Ok(digest)
    }

    /// Stores an image: `png`, `jpg` or `webp`. Answers the JSON that stands for it in inputs, outputs, objects and rows.
    pub fn create_image(&self, format: &str, bytes: &[u8]) -> Result<String> {
        self.create_media(media::image(format, bytes)?)
    }

    /// Stores a sound: `wav` or `mp3`. Answers the JSON that stands for it.
    pub fn create_audio(&self, format: &str, bytes: &[u8]) -> Result<String> {
        self.create_media(media::audio(format, bytes)?)
    }

    /// Stores any other content, such as a PDF. Answers the JSON that stands for it.
    pub fn create_content(&self, filename: &str, mimetype: &str, bytes: &[u8]) -> Result<String> {
        self.create_media(media::content(filename, mimetype, bytes)?)
    }

    fn create_media(&self, media: Media<'_>) -> Result<String> {
        for (name, bytes) in &media.files {
            self.create_file(name, bytes)?;
        }
        Ok(compact(&media.value))
    }
}
