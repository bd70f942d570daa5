//! What the surroundings of the process say: variables, home and working directory.
//!
//! Everything that resolves a setting reads it here, so that the same code runs on the real environment and on a given
//! one.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result, Status};

/// Longer than anything that is waited for. What is longer could not be added to a time.
pub const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The variables and directories from which settings are resolved.
#[derive(Clone)]
pub struct Environment {
    variables: Arc<HashMap<String, String>>,
    home: Option<PathBuf>,
    directory: PathBuf,
}

impl Environment {
    /// The environment of this process as it is now. What the program changes later is for what it begins later: a
    /// session that runs goes on to the same server, and no thread of this library reads variables while the program sets
    /// them.
    pub fn of_process() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Environment {
            variables: Arc::new(std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            directory: PathBuf::from("."),
        }
    }

    /// An environment of the given variables and directories alone.
    pub fn given(variables: &[(&str, &str)], home: &Path, directory: &Path) -> Self {
        Environment {
            variables: Arc::new(variables.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()),
            home: Some(home.to_owned()),
            directory: directory.to_owned(),
        }
    }

    /// The variable as it is, empty included.
    pub fn raw(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    /// The variable, if it is set and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// A path from a variable; a leading `~/` is the home directory.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.text(name)?;
        match value.strip_prefix("~/") {
            Some(rest) => Some(self.in_home(rest).unwrap_or_else(|| PathBuf::from(&value))),
            None => Some(PathBuf::from(value)),
        }
    }

    /// A path below the home directory, if there is one.
    pub fn in_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }

    /// A path below the working directory.
    pub fn in_directory(&self, path: &str) -> PathBuf {
        self.directory.join(path)
    }

    /// A switch: `true`, `1`, `yes`, `on`, or `false`, `0`, `no`, `off`, in any case; false when not set.
    pub fn switch(&self, name: &str) -> Result<bool> {
        let Some(value) = self.text(name) else { return Ok(false) };
        match value.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(unusable(name, &value, "true or false")),
        }
    }

    /// A whole number of at least one.
    pub fn count(&self, name: &str) -> Result<Option<u32>> {
        let Some(value) = self.text(name) else { return Ok(None) };
        match value.trim().parse() {
            Ok(number) if number > 0 => Ok(Some(number)),
            _ => Err(unusable(name, &value, "a whole number of at least 1")),
        }
    }

    /// A duration in seconds, more than none; fractions are allowed.
    pub fn seconds(&self, name: &str) -> Result<Option<Duration>> {
        let Some(value) = self.text(name) else { return Ok(None) };
        let seconds = value.trim().parse::<f64>().ok().filter(|seconds| *seconds > 0.0);
        match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(duration) => Ok(Some(duration.min(FOREVER))),
            None => Err(unusable(name, &value, "a number of seconds above 0")),
        }
    }
}

fn unusable(name: &str, value: &str, wanted: &str) -> Error {
    Error::new(Status::InvalidArgument, format!("{name}={value:?} cannot be used: it must be {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Environment {
        Environment::given(variables, Path::new("/home/ada"), Path::new("/here"))
    }

    #[test]
    fn an_empty_variable_counts_as_not_set() {
        assert_eq!(with(&[("A", "")]).text("A"), None);
        assert_eq!(with(&[("A", "")]).raw("A"), Some(String::new()));
    }

    #[test]
    fn a_tilde_stands_for_the_home_directory() {
        assert_eq!(with(&[("A", "~/ca.pem")]).path("A"), Some(PathBuf::from("/home/ada/ca.pem")));
        assert_eq!(with(&[("A", "/etc/ca.pem")]).path("A"), Some(PathBuf::from("/etc/ca.pem")));
    }

    #[test]
    fn a_value_of_the_wrong_form_names_its_variable_and_what_is_wanted() {
        let environment = with(&[("A", "soon"), ("B", "-1"), ("C", "0"), ("D", "maybe"), ("E", "1e300")]);
        for error in [
            environment.seconds("A").unwrap_err(),
            environment.seconds("B").unwrap_err(),
            environment.seconds("E").unwrap_err(),
            environment.count("C").unwrap_err(),
            environment.switch("D").unwrap_err(),
        ] {
            assert_eq!(error.status(), Status::InvalidArgument);
            assert!(error.text().contains("=\"") && error.text().contains("must be"), "{error}");
        }
    }

    #[test]
    fn numbers_durations_and_switches_are_read() {
        let environment = with(&[("S", "0.5"), ("N", "3"), ("Y", "True"), ("F", "0")]);
        assert_eq!(environment.seconds("S").unwrap(), Some(Duration::from_millis(500)));
        assert_eq!(environment.count("N").unwrap(), Some(3));
        assert!(environment.switch("Y").unwrap());
        assert!(!environment.switch("F").unwrap());
        assert!(!environment.switch("missing").unwrap());
    }
}
