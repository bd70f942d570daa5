//! Who asks: the API key or the identity token of protocol, section 2.2.

use std::fmt;
use std::path::PathBuf;

use super::address::Address;
use super::environment::Environment;
use super::netrc;
use crate::error::{Error, Result, Status};

/// A text that is never shown: its `Debug` form is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text into custody.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// The text itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What the requests are signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// An API key.
    Key(Secret),
    /// A JWT in a file, to be exchanged for access tokens that are kept in a second file.
    IdentityToken {
        /// The file with the JWT.
        token_file: PathBuf,
        /// The file with the access tokens.
        cache_file: PathBuf,
    },
}

/// Finds the credentials for a W&B server: the caller's key, else `WANDB_API_KEY` or `WANDB_IDENTITY_TOKEN_FILE`, else
/// `~/.netrc`, else `~/_netrc`. The `NETRC` variable is not looked at.
pub fn resolve(given: Option<&str>, base: &Address, environment: &Environment) -> Result<Credentials> {
    resolve_with_origin(given, base, environment).map(|(credentials, _)| credentials)
}

/// The same, with the option, variable or file that they came from.
pub fn resolve_with_origin(
    given: Option<&str>,
    base: &Address,
    environment: &Environment,
) -> Result<(Credentials, String)> {
    if let Some(given) = given {
        return key(given, "api_key");
    }
    let variable = environment.text("WANDB_API_KEY");
    if let Some(token_file) = environment.path("WANDB_IDENTITY_TOKEN_FILE") {
        if variable.is_some() {
            return Err(unauthorized("WANDB_API_KEY and WANDB_IDENTITY_TOKEN_FILE are both set: unset one of them"));
        }
        let cache_file = environment
            .path("WANDB_CREDENTIALS_FILE")
            .or_else(|| environment.in_home(".config/wandb/credentials.json"))
            .ok_or_else(|| unauthorized("there is no home directory: set WANDB_CREDENTIALS_FILE"))?;
        return Ok((Credentials::IdentityToken { token_file, cache_file }, "WANDB_IDENTITY_TOKEN_FILE".to_string()));
    }
    if let Some(value) = variable {
        return key(&value, "WANDB_API_KEY");
    }
    let mut unreadable = String::new();
    for file in [".netrc", "_netrc"].iter().filter_map(|name| environment.in_home(name)) {
        match std::fs::read(&file) {
            Ok(bytes) => {
                if let Some(password) = netrc::password(&String::from_utf8_lossy(&bytes), base.location()) {
                    return key(&password, &file.display().to_string());
                }
            }
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {}
            Err(cause) => unreadable.push_str(&format!(" ({} cannot be read: {cause})", file.display())),
        }
    }
    Err(unauthorized(format!(
        "no API key for {}{unreadable}: give api_key, set WANDB_API_KEY, or add \"machine {} login user password KEY\" \
         to ~/.netrc",
        base,
        base.location()
    )))
}

/// White space around a key comes from the file or shell it was copied from.
fn key(text: &str, origin: &str) -> Result<(Credentials, String)> {
    let text = text.trim();
    if text.is_empty() {
        return Err(unauthorized(format!("{origin} is empty: give the API key, or leave it out")));
    }
    Ok((Credentials::Key(Secret::new(text)), origin.to_string()))
}

fn unauthorized(text: impl Into<String>) -> Error {
    Error::new(Status::Unauthorized, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn found(given: Option<&str>, variables: &[(&str, &str)], home: &Path) -> Result<Credentials> {
        let base = Address::parse("http://127.0.0.1:8991", "base_url").unwrap();
        resolve(given, &base, &Environment::given(variables, home, home))
    }

    fn key_of(credentials: Result<Credentials>) -> String {
        match credentials.unwrap() {
            Credentials::Key(key) => key.reveal().to_owned(),
            other => panic!("no key: {other:?}"),
        }
    }

    #[test]
    fn the_callers_key_comes_first_then_the_variable_then_netrc() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("_netrc"), "machine 127.0.0.1:8991 login user password of-underscore").unwrap();
        assert_eq!(key_of(found(None, &[], home.path())), "of-underscore");
        std::fs::write(home.path().join(".netrc"), "machine elsewhere login user password no").unwrap();
        assert_eq!(key_of(found(None, &[], home.path())), "of-underscore");
        std::fs::write(home.path().join(".netrc"), "machine 127.0.0.1:8991 login user password of-netrc").unwrap();
        assert_eq!(key_of(found(None, &[("WANDB_API_KEY", "")], home.path())), "of-netrc");
        let variables = [("WANDB_API_KEY", "of-variable\n")];
        assert_eq!(key_of(found(None, &variables, home.path())), "of-variable");
        assert_eq!(key_of(found(Some("of-caller"), &variables, home.path())), "of-caller");
    }

    #[test]
    fn without_a_key_the_error_says_where_one_can_be_put() {
        let home = tempfile::tempdir().unwrap();
        let error = found(None, &[("NETRC", "/somewhere")], home.path()).unwrap_err();
        assert_eq!(error.status(), Status::Unauthorized);
        for part in ["api_key", "WANDB_API_KEY", "machine 127.0.0.1:8991 login user password KEY", "~/.netrc"] {
            assert!(error.text().contains(part), "{error}");
        }
    }

    #[test]
    fn an_empty_key_is_refused() {
        let home = tempfile::tempdir().unwrap();
        for error in [found(Some(""), &[], home.path()), found(None, &[("WANDB_API_KEY", " ")], home.path())] {
            assert_eq!(error.unwrap_err().status(), Status::Unauthorized);
        }
    }

    #[test]
    fn an_identity_token_file_is_used_with_its_cache() {
        let home = tempfile::tempdir().unwrap();
        let mut variables = vec![("WANDB_IDENTITY_TOKEN_FILE", "/run/jwt")];
        let expected = |cache: PathBuf| Credentials::IdentityToken { token_file: "/run/jwt".into(), cache_file: cache };
        assert_eq!(
            found(None, &variables, home.path()).unwrap(),
            expected(home.path().join(".config/wandb/credentials.json"))
        );
        variables.push(("WANDB_CREDENTIALS_FILE", "/run/cache.json"));
        assert_eq!(found(None, &variables, home.path()).unwrap(), expected("/run/cache.json".into()));
    }

    #[test]
    fn a_key_and_an_identity_token_together_are_an_error() {
        let home = tempfile::tempdir().unwrap();
        let variables = [("WANDB_API_KEY", "k"), ("WANDB_IDENTITY_TOKEN_FILE", "/run/jwt")];
        let error = found(None, &variables, home.path()).unwrap_err();
        assert!(error.text().contains("both set"), "{error}");
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let home = tempfile::tempdir().unwrap();
        let credentials = found(Some("hunter2"), &[], home.path()).unwrap();
        assert_eq!(format!("{credentials:?}"), "Key(***)");
    }
}
