//! JSON built by type, for programs without a JSON library.

use std::ffi::{c_char, CString};

use super::error::weave_status;
use super::guard::{guard, made};
use super::strings::{c_string, free, long_text, object_mut, optional, put, required_json};
use crate::error::{Error, Result, Status};
use crate::record::json::{accept, compact, Rules, Value};

/// A JSON text in the making: an object or an array, with those that are open inside it. One thread at a time.
pub struct weave_json {
    text: String,
    /// Of each that is open, the root first: whether it is an object, and whether it has a member.
    open: Vec<(bool, bool)>,
    told: CString,
}

impl weave_json {
    fn new(object: bool) -> Self {
        let text = String::from(if object { '{' } else { '[' });
        weave_json { text, open: vec![(object, false)], told: CString::default() }
    }

    /// Begins a member of what is open last: comma, and in an object the key.
    fn member(&mut self, key: Option<&str>) -> Result<()> {
        let wrong = |text: &str| Error::new(Status::InvalidArgument, format!("key: {text}"));
        let (object, filled) = self.open.last_mut().ok_or_else(|| wrong("nothing is open"))?;
        let key = match (*object, key) {
            (true, Some(key)) => Some(key),
            (false, None) => None,
            (true, None) => return Err(wrong("NULL inside an object; give the name of the member")),
            (false, Some(_)) => return Err(wrong("given inside an array, whose items have none; pass NULL")),
        };
        if std::mem::replace(filled, true) {
            self.text.push(',');
        }
        if let Some(key) = key {
            self.text.push_str(&compact(&key.into()));
            self.text.push(':');
        }
        Ok(())
    }

    fn close(&mut self) -> Result<()> {
        if self.open.len() < 2 {
            return Err(Error::new(
                Status::InvalidArgument,
                "json: nothing is open inside; close what was opened, once",
            ));
        }
        self.text.push(self.open.pop().map_or(']', end));
        Ok(())
    }
}

fn end((object, _): (bool, bool)) -> char {
    if object {
        '}'
    } else {
        ']'
    }
}

/// Adds a value to what is open last.
///
/// # Safety
/// `json` and `key` are NULL or valid, and `json` is used by this thread alone.
unsafe fn add(json: *mut weave_json, key: *const c_char, value: impl FnOnce() -> Result<String>) -> weave_status {
    guard(|| {
        // SAFETY: by the contract.
        let json = unsafe { object_mut(json, "json") }?;
        // SAFETY: by the contract.
        let key = unsafe { optional(key, "key") }?;
        let value = value()?;
        json.member(key)?;
        json.text.push_str(&value);
        Ok(())
    })
}

/// Makes an empty JSON object.
///
/// @return the object, to be released with weave_json_free.
#[no_mangle]
#[must_use]
pub extern "C" fn weave_json_new() -> *mut weave_json {
    made(|| Ok(Box::into_raw(Box::new(weave_json::new(true)))))
}

/// Makes an empty JSON array.
///
/// @return the array, to be released with weave_json_free.
#[no_mangle]
#[must_use]
pub extern "C" fn weave_json_new_array() -> *mut weave_json {
    made(|| Ok(Box::into_raw(Box::new(weave_json::new(false)))))
}

/// Releases it.
///
/// @param json the JSON; NULL is fine.
#[no_mangle]
pub unsafe extern "C" fn weave_json_free(json: *mut weave_json) {
    // SAFETY: made by weave_json_new, freed once.
    unsafe { free(json) }
}

/// Adds a text.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @param value the text, which may hold anything, quotes and NUL included.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_string(
    json: *mut weave_json,
    key: *const c_char,
    value: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { add(json, key, || Ok(compact(&long_text(value, length, "value")?.into()))) }
}

/// Adds a whole number.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @param value the number.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_int(json: *mut weave_json, key: *const c_char, value: i64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { add(json, key, || Ok(value.to_string())) }
}

/// Adds a whole number that is not negative.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @param value the number.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_uint(json: *mut weave_json, key: *const c_char, value: u64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { add(json, key, || Ok(value.to_string())) }
}

/// Adds a number. NaN and infinities become null.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @param value the number.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_double(json: *mut weave_json, key: *const c_char, value: f64) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { add(json, key, || Ok(compact(&Value::Float(value)))) }
}

/// Adds true or false.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @param value which of them.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_bool(json: *mut weave_json, key: *const c_char, value: bool) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { add(json, key, || Ok(value.to_string())) }
}

/// Adds null.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_null(json: *mut weave_json, key: *const c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { add(json, key, || Ok("null".to_owned())) }
}

/// Adds a value that is JSON text already, such as what weave_image_create gave.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @param value the JSON text.
/// @param length its length in bytes; negative: NUL-terminated.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8, WEAVE_INVALID_JSON.
#[no_mangle]
pub unsafe extern "C" fn weave_json_set_json(
    json: *mut weave_json,
    key: *const c_char,
    value: *const c_char,
    length: isize,
) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe {
        add(json, key, || Ok(accept(required_json(value, length, "value")?, "value", &Rules::default())?.into_owned()))
    }
}

/// Opens an object inside; what is added next belongs to it, until weave_json_close.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_open_object(json: *mut weave_json, key: *const c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { open(json, key, true) }
}

/// Opens an array inside; what is added next belongs to it, until weave_json_close.
///
/// @param json the JSON.
/// @param key the name of the member; NULL inside an array.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL or a key where none belongs; WEAVE_INVALID_UTF8.
#[no_mangle]
pub unsafe extern "C" fn weave_json_open_array(json: *mut weave_json, key: *const c_char) -> weave_status {
    // SAFETY: by the conventions of the interface.
    unsafe { open(json, key, false) }
}

/// # Safety
/// As for [`add`].
unsafe fn open(json: *mut weave_json, key: *const c_char, object: bool) -> weave_status {
    guard(|| {
        // SAFETY: by the contract.
        let json = unsafe { object_mut(json, "json") }?;
        // SAFETY: by the contract.
        json.member(unsafe { optional(key, "key") }?)?;
        json.text.push(if object { '{' } else { '[' });
        json.open.push((object, false));
        Ok(())
    })
}

/// Closes the object or array that was opened last.
///
/// @param json the JSON.
/// @return WEAVE_OK; WEAVE_INVALID_ARGUMENT for NULL, or when none is open inside.
#[no_mangle]
pub unsafe extern "C" fn weave_json_close(json: *mut weave_json) -> weave_status {
    // SAFETY: by the conventions of the interface.
    guard(|| unsafe { object_mut(json, "json") }?.close())
}

/// The JSON as text. What is still open inside is an error.
///
/// @param json the JSON; more may be added afterwards.
/// @param length takes the length in bytes; may be NULL.
/// @return the text, NUL-terminated, which lives until this is asked again or the JSON is freed; NULL (with a text for
/// weave_last_error) when json is NULL or something is open inside.
#[no_mangle]
pub unsafe extern "C" fn weave_json_text(json: *mut weave_json, length: *mut usize) -> *const c_char {
    made(|| {
        // SAFETY: by the conventions of the interface.
        let json = unsafe { object_mut(json, "json") }?;
        let [root] = json.open.as_slice() else {
            return Err(Error::new(Status::InvalidArgument, "json: something is open inside; close it first"));
        };
        json.told = c_string(format!("{}{}", json.text, end(*root)))?;
        // SAFETY: by the conventions of the interface.
        unsafe { put(length, json.told.as_bytes().len()) };
        Ok(json.told.as_ptr().cast_mut())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr::null;

    fn text_of(json: *mut weave_json) -> Option<String> {
        // SAFETY: made by the test, freed by it.
        unsafe {
            let text = weave_json_text(json, std::ptr::null_mut());
            (!text.is_null()).then(|| std::ffi::CStr::from_ptr(text).to_str().unwrap().to_owned())
        }
    }

    #[test]
    fn values_of_every_type_are_written_in_order() {
        let json = weave_json_new();
        // SAFETY: valid handles and literals.
        unsafe {
            weave_json_set_string(json, c"s".as_ptr(), b"a\"\n\0b".as_ptr().cast(), -1);
            weave_json_set_string(json, c"t".as_ptr(), b"x\0y".as_ptr().cast(), 3);
            weave_json_set_int(json, c"i".as_ptr(), -1);
            weave_json_set_uint(json, c"u".as_ptr(), u64::MAX);
            weave_json_set_double(json, c"d".as_ptr(), 1.0);
            weave_json_set_double(json, c"n".as_ptr(), f64::NAN);
            weave_json_set_bool(json, c"b".as_ptr(), true);
            weave_json_set_null(json, c"z".as_ptr());
            weave_json_set_json(json, c"j".as_ptr(), c"[ 1]".as_ptr(), -1);
        }
        assert_eq!(
            text_of(json).unwrap(),
            r#"{"s":"a\"\n","t":"x\u0000y","i":-1,"u":18446744073709551615,"d":1.0,"n":null,"b":true,"z":null,"j":[ 1]}"#
        );
        // SAFETY: freed once.
        unsafe { weave_json_free(json) };
    }

    #[test]
    fn objects_and_arrays_nest() {
        let json = weave_json_new_array();
        // SAFETY: valid handles and literals.
        unsafe {
            weave_json_open_object(json, null());
            weave_json_open_array(json, c"a".as_ptr());
            weave_json_set_int(json, null(), 1);
            weave_json_set_int(json, null(), 2);
            assert!(text_of(json).is_none(), "two are open");
            weave_json_close(json);
            weave_json_close(json);
            weave_json_set_int(json, null(), 3);
            assert_eq!(weave_json_close(json), weave_status::WEAVE_INVALID_ARGUMENT);
        }
        assert_eq!(text_of(json).unwrap(), r#"[{"a":[1,2]},3]"#);
        // SAFETY: freed once.
        unsafe { weave_json_free(json) };
    }

    #[test]
    fn a_key_stands_in_objects_only() {
        let json = weave_json_new();
        // SAFETY: valid handles and literals.
        unsafe {
            assert_eq!(weave_json_set_int(json, null(), 1), weave_status::WEAVE_INVALID_ARGUMENT);
            weave_json_open_array(json, c"a".as_ptr());
            assert_eq!(weave_json_set_int(json, c"k".as_ptr(), 1), weave_status::WEAVE_INVALID_ARGUMENT);
            weave_json_close(json);
        }
        assert_eq!(text_of(json).unwrap(), r#"{"a":[]}"#, "what was refused left no trace");
        // SAFETY: freed once.
        unsafe { weave_json_free(json) };
    }
}
