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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_of_paths_that_could_leave_the_directory_or_break_it_are_refused() {
        let long = "x".repeat(129);
        let wide = "日".repeat(67);
        for name in ["", ".", "..", ".git", "a/b", "a\\b", "a\0", "a\nb", "a\u{7f}", "\u{85}", long.as_str(), &wide] {
            let error = check_path_part("project", name).unwrap_err();
            assert_eq!(error.status(), Status::InvalidName);
            assert!(error.text().starts_with("project ") && error.text().contains(';'), "{error}");
        }
    }

    #[test]
    fn ordinary_parts_of_paths_are_taken() {
        let long = "x".repeat(128);
        let wide = "日".repeat(66);
        for name in ["a", "my project", "v1.2", "a..b", "日本", "-", long.as_str(), &wide] {
            assert_eq!(check_path_part("project", name), Ok(()), "{name}");
        }
    }

    #[test]
    fn project_names_are_split_at_one_slash() {
        assert_eq!(split_project("p"), Ok((None, "p")));
        assert_eq!(split_project("e/p"), Ok((Some("e"), "p")));
        for name in ["", "/", "e/", "/p", "a/b/c", "../p", "e/..", "e//p"] {
            assert_eq!(split_project(name).unwrap_err().status(), Status::InvalidName, "{name}");
        }
    }

    proptest! {
        #[test]
        fn a_published_name_is_published_as_it_is(name in ".{0,40}") {
            if let Ok(published) = object_name(&name) {
                prop_assert_eq!(object_name(&published), Ok(published.clone()));
                prop_assert!(published.chars().all(|character| is_word(character) || matches!(character, '.' | '-')));
            }
        }
    }
}
