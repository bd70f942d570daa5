//! Names: of objects and ops as the official client publishes them, and of projects as they may stand in paths.

use crate::error::{Error, Result, Status};

use super::word_chars::is_word;

/// The longest name of an object (protocol, section 4), which bounds the parts of paths as well.
const MAX_CODE_POINTS: usize = 128;
/// File systems take 255 bytes for a name; the rest is for what is added to it.
const MAX_PATH_BYTES: usize = 200;

/// The name under which an object or op is published (protocol, section 13).
pub fn object_name(name: &str) -> Result<String> {
    let mut cleaned = String::with_capacity(name.len());
    // Runs of characters that cannot stay, and runs of two or more separators, each become one '-'.
    for character in name.chars() {
        let character = if is_word(character) || character == '.' { character } else { '-' };
        let separator = |character: char| matches!(character, '.' | '_' | '-');
        match cleaned.pop() {
            Some(last) if separator(last) && separator(character) => cleaned.push('-'),
            last => cleaned.extend(last.into_iter().chain([character])),
        }
    }
    let cleaned = cleaned.trim_matches(['-', '_']);
    if cleaned.is_empty() {
        return Err(Error::new(
            Status::InvalidName,
            format!("object name {name:?} holds no character that a name may have; use letters and digits"),
        ));
    }
    Ok(cleaned.chars().take(MAX_CODE_POINTS).collect())
}

/// Checks a name of the caller that becomes part of a path below the offline directory.
pub fn check_path_part(what: &str, name: &str) -> Result<()> {
    let fault = if name.is_empty() {
        "is empty; give it a name"
    } else if name.starts_with('.') {
        "begins with a dot; begin it with a letter or a digit"
    } else if name.contains(['/', '\\']) {
        "holds a slash or backslash; use '-' instead"
    } else if name.contains(char::is_control) {
        "holds a control character; take it out"
    } else if name.chars().count() > MAX_CODE_POINTS {
        "is longer than 128 characters; shorten it"
    } else if name.len() > MAX_PATH_BYTES {
        "is longer than 200 bytes; shorten it"
    } else {
        return Ok(());
    };
    Err(Error::new(Status::InvalidName, format!("{what} {name:?} {fault}")))
}

/// Splits `project` or `entity/project` (protocol, section 3.1) and checks the parts.
pub fn split_project(name: &str) -> Result<(Option<&str>, &str)> {
    let (entity, project) = name.split_once('/').map_or((None, name), |(entity, project)| (Some(entity), project));
    if project.contains('/') {
        return Err(Error::new(
            Status::InvalidName,
            format!("project name {name:?} holds more than one '/'; write PROJECT or ENTITY/PROJECT"),
        ));
    }
    if let Some(entity) = entity {
        check_path_part("entity", entity)?;
    }
    check_path_part("project", project)?;
    Ok((entity, project))
}
