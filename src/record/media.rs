//! Images, audio and other contents as values: what stands in inputs, outputs, objects and rows, and the files that it
//! names (protocol, section 14.4).

use sha2::{Digest, Sha256};

use super::digest::bytes_digest;
use super::json::{compact, Value};
use super::object::object;
use crate::error::{Error, Result, Status};

const AUDIO_TYPE: &str = "weave.type_handlers.Audio.audio.Audio";
const CONTENT_TYPE: &str = "weave.type_wrappers.Content.content.Content";

/// A medium: its value, and the files that are to be stored with it, as name and bytes.
#[derive(Debug)]
pub struct Media<'b> {
    /// What stands in a record.
    pub value: Value,
    /// What the value names.
    pub files: Vec<(&'static str, std::borrow::Cow<'b, [u8]>)>,
}

/// An image: `png`, `jpg` (also `jpeg`) or `webp`.
pub fn image<'b>(format: &str, bytes: &'b [u8]) -> Result<Media<'b>> {
    let name = match format.to_ascii_lowercase().as_str() {
        "png" => "image.png",
        "jpg" | "jpeg" => "image.jpg",
        "webp" => "image.webp",
        _ => return Err(unknown("image", format, "png, jpg or webp")),
    };
    custom("PIL.Image.Image", vec![(name, bytes.into())])
}

/// A sound: `wav` or `mp3`.
pub fn audio<'b>(format: &str, bytes: &'b [u8]) -> Result<Media<'b>> {
    let name = match format.to_ascii_lowercase().as_str() {
        "wav" => "audio.wav",
        "mp3" => "audio.mp3",
        _ => return Err(unknown("audio", format, "wav or mp3")),
    };
    let metadata = compact(&object([("_type", AUDIO_TYPE.into())]));
    custom(AUDIO_TYPE, vec![(name, bytes.into()), ("_metadata.json", metadata.into_bytes().into())])
}

/// Any other file, shown by its type.
pub fn content<'b>(filename: &str, mimetype: &str, bytes: &'b [u8]) -> Result<Media<'b>> {
    if filename.is_empty() || filename.contains(['/', '\\']) || filename.contains(char::is_control) {
        return Err(Error::new(
            Status::InvalidName,
            format!("filename: {filename:?} is not the name of a file; give it without folders, such as report.pdf"),
        ));
    }
    if mimetype.split('/').filter(|part| !part.is_empty()).count() != 2 {
        return Err(Error::new(
            Status::InvalidArgument,
            format!("mimetype: {mimetype:?} is not a type; write it as application/pdf"),
        ));
    }
    let extension = filename.rsplit_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default();
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let metadata = compact(&object([
        ("size", Value::from(bytes.len() as u64)),
        ("mimetype", mimetype.into()),
        ("digest", hex.into()),
        ("filename", filename.into()),
        ("content_type", "bytes".into()),
        ("input_type", "bytes".into()),
        ("encoding", "utf-8".into()),
        ("metadata", Value::Null),
        ("extension", extension.into()),
    ]));
    custom(CONTENT_TYPE, vec![("content", bytes.into()), ("metadata.json", metadata.into_bytes().into())])
}

fn custom<'b>(type_name: &str, files: Vec<(&'static str, std::borrow::Cow<'b, [u8]>)>) -> Result<Media<'b>> {
    let named = object(files.iter().map(|(name, bytes)| (*name, bytes_digest(bytes).into())));
    let mut value = object([
        ("_type", "CustomWeaveType".into()),
        ("weave_type", object([("type", type_name.into())])),
        ("files", named),
        // Older front ends show no medium without it.
        ("load_op", "NO_LOAD_OP".into()),
    ]);
    value.sort_keys();
    Ok(Media { value, files })
}

fn unknown(kind: &str, format: &str, known: &str) -> Error {
    Error::new(
        Status::InvalidArgument,
        format!("format: {kind} of the format {format:?} is not shown by servers; use {known}, or a content"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_names_one_file() {
        let media = image("JPEG", b"bytes").unwrap();
        let digest = bytes_digest(b"bytes");
        assert_eq!(
            compact(&media.value),
            format!(
                r#"{{"_type":"CustomWeaveType","files":{{"image.jpg":"{digest}"}},"load_op":"NO_LOAD_OP","weave_type":{{"type":"PIL.Image.Image"}}}}"#
            )
        );
        assert_eq!(media.files.len(), 1);
    }

    #[test]
    fn audio_carries_its_metadata() {
        let media = audio("wav", b"bytes").unwrap();
        assert_eq!(media.files[1].0, "_metadata.json");
        assert_eq!(&*media.files[1].1, br#"{"_type":"weave.type_handlers.Audio.audio.Audio"}"#);
    }

    #[test]
    fn a_content_tells_what_it_is() {
        let media = content("report.pdf", "application/pdf", b"%PDF").unwrap();
        let metadata = Value::parse(std::str::from_utf8(&media.files[1].1).unwrap()).unwrap();
        assert_eq!(metadata.get("extension").unwrap().as_str(), Some(".pdf"));
        assert_eq!(metadata.get("size").unwrap().as_i64(), Some(4));
        assert_eq!(metadata.get("digest").unwrap().as_str().unwrap().len(), 64);
    }

    #[test]
    fn unknown_formats_and_bad_names_are_refused() {
        assert_eq!(image("gif", b"x").unwrap_err().status(), Status::InvalidArgument);
        assert_eq!(audio("ogg", b"x").unwrap_err().status(), Status::InvalidArgument);
        assert_eq!(content("a/b.pdf", "application/pdf", b"x").unwrap_err().status(), Status::InvalidName);
        assert_eq!(content("b.pdf", "pdf", b"x").unwrap_err().status(), Status::InvalidArgument);
    }
}
