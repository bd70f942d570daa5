//! Ops, objects, tables and datasets.

use std::ffi::c_char;

use super::client::{weave_client, with};
use super::error::weave_status;
use super::strings::{long_text, optional, put_text, required_json, text};

/// Creates an op from its source text, in any language.
///
/// @param client the session.
/// @param name the op's name; characters that a name may not have become '-'.
/// @param source the source text, which the user interface shows.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param ref takes the reference, to be used as op_name of calls and freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_NAME; WEAVE_REJECTED when the source is
/// empty; WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_op_create(
    client: *mut weave_client,
    name: *const c_char,
    source: *const c_char,
    length: isize,
    r#ref: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            put_text(r#ref, client.create_op(text(name, "name")?, long_text(source, length, "source")?)?)
        })
    }
}

/// Creates a version of an object: any JSON value under a name.
///
/// @param client the session.
/// @param name the object's name; characters that a name may not have become '-'.
/// @param value_json the value.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param ref takes the reference, to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON, WEAVE_INVALID_NAME, WEAVE_REJECTED,
/// WEAVE_TOO_LARGE, WEAVE_CLOSED, WEAVE_IO, WEAVE_NO_SPACE.
#[no_mangle]
pub unsafe extern "C" fn weave_object_create(
    client: *mut weave_client,
    name: *const c_char,
    value_json: *const c_char,
    length: isize,
    r#ref: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            put_text(
                r#ref,
                client.create_object(text(name, "name")?, required_json(value_json, length, "value_json")?)?,
            )
        })
    }
}

/// Creates a table.
///
/// @param client the session.
/// @param rows_json a JSON array of objects.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param ref takes the reference, to be freed with weave_string_free.
/// @return as weave_object_create.
#[no_mangle]
pub unsafe extern "C" fn weave_table_create(
    client: *mut weave_client,
    rows_json: *const c_char,
    length: isize,
    r#ref: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| put_text(r#ref, client.create_table(required_json(rows_json, length, "rows_json")?)?))
    }
}

/// Creates a version of a dataset: rows under a name.
///
/// @param client the session.
/// @param name the dataset's name; characters that a name may not have become '-'.
/// @param description what it is; NULL for none.
/// @param rows_json a JSON array of objects.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param ref takes the reference, to be freed with weave_string_free.
/// @return as weave_object_create.
#[no_mangle]
pub unsafe extern "C" fn weave_dataset_create(
    client: *mut weave_client,
    name: *const c_char,
    description: *const c_char,
    rows_json: *const c_char,
    length: isize,
    r#ref: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let (name, description) = (text(name, "name")?, optional(description, "description")?);
            let rows = required_json(rows_json, length, "rows_json")?;
            put_text(r#ref, client.create_dataset(name, description, rows)?)
        })
    }
}

/// The reference of one row of a dataset, to be used in the inputs of calls.
///
/// @param client the session.
/// @param dataset_ref what weave_dataset_create gave.
/// @param row_json the row.
/// @param length its length in bytes; negative: NUL-terminated.
/// @param ref takes the reference, to be freed with weave_string_free.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT, WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON; WEAVE_INVALID_ID when dataset_ref is
/// none of an object; WEAVE_CLOSED.
#[no_mangle]
pub unsafe extern "C" fn weave_dataset_row_ref(
    client: *mut weave_client,
    dataset_ref: *const c_char,
    row_json: *const c_char,
    length: isize,
    r#ref: *mut *mut c_char,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        with(client, |client| {
            let row = required_json(row_json, length, "row_json")?;
            put_text(r#ref, client.dataset_row_ref(text(dataset_ref, "dataset_ref")?, row)?)
        })
    }
}
