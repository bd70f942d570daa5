//! Files, images, sounds and other contents.

use std::ffi::{c_char, c_void};

use super::client::{weave_client, with};
use super::error::weave_status;
use super::strings::{bytes, put_text, text};

/// Stores a file. Equal bytes are stored once.
///
/// @param client the session.
/// @param name the file's name, for people.
/// @param data the bytes.
/// @param length how many, 1 to 31 MiB.
/// @param digest takes the digest by which values name the file, to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_REJECTED when the file is empty;
/// WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_file_create(
    client: *mut weave_client,
    name: *const c_char,
    data: *const c_void,
    length: isize,
    digest: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { with(client, |client| put_text(digest, client.create_file(text(name, "name")?, bytes(data, length)?)?)) }
}

/// Stores an image.
///
/// @param client the session.
/// @param format "png", "jpg" or "webp".
/// @param data the image file's bytes.
/// @param length how many.
/// @param value_json takes the JSON that stands for the image in inputs, outputs, objects and rows; to be freed with
/// weave_string_free.
/// @return as weave_file_create; WEAVE_INVALID_ARGUMENT also for another format.
#[no_mangle]
pub unsafe extern "C" fn weave_image_create(
    client: *mut weave_client,
    format: *const c_char,
    data: *const c_void,
    length: isize,
    value_json: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| put_text(value_json, client.create_image(text(format, "format")?, bytes(data, length)?)?))
    }
}

/// Stores a sound.
///
/// @param client the session.
/// @param format "wav" or "mp3".
/// @param data the sound file's bytes.
/// @param length how many.
/// @param value_json takes the JSON that stands for the sound; to be freed with weave_string_free.
/// @return as weave_file_create; WEAVE_INVALID_ARGUMENT also for another format.
#[no_mangle]
pub unsafe extern "C" fn weave_audio_create(
    client: *mut weave_client,
    format: *const c_char,
    data: *const c_void,
    length: isize,
    value_json: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| put_text(value_json, client.create_audio(text(format, "format")?, bytes(data, length)?)?))
    }
}

/// Stores any other content, such as a PDF or HTML.
///
/// @param client the session.
/// @param filename its name without folders, such as "report.pdf".
/// @param mimetype its type, such as "application/pdf".
/// @param data the bytes.
/// @param length how many.
/// @param value_json takes the JSON that stands for the content; to be freed with weave_string_free.
/// @return as weave_file_create.
#[no_mangle]
pub unsafe extern "C" fn weave_content_create(
    client: *mut weave_client,
    filename: *const c_char,
    mimetype: *const c_char,
    data: *const c_void,
    length: isize,
    value_json: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let (filename, mimetype) = (text(filename, "filename")?, text(mimetype, "mimetype")?);
            put_text(value_json, client.create_content(filename, mimetype, bytes(data, length)?)?)
        })
    }
}
