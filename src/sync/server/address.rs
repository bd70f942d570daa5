//! Where the servers are (protocol, section 2.1).

use std::fmt;
use std::path::Path;

use ureq::http::Uri;

use super::environment::Environment;
use crate::error::{Error, Result, Status};

const PUBLIC_BASE: &str = "https://api.wandb.ai";
const PUBLIC_TRACES: &str = "https://trace.wandb.ai";
const DEFAULT: &str = "the default address";

/// The base address of a server: `http` or `https`, host, port and perhaps a path, without a trailing `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    text: String,
    location: String,
    host: String,
    port: u16,
    https: bool,
}

impl Address {
    /// Reads an address; `origin` is the option, variable or file it came from, for the error text.
    pub fn parse(text: &str, origin: &str) -> Result<Address> {
        let refuse = |why: &str| {
            // The text itself may hold a password, so it is not repeated then.
            let shown = if text.contains('@') { "…" } else { text };
            Error::new(
                Status::InvalidArgument,
                format!("{origin}: \"{shown}\" {why}; give an address such as https://wandb.example.com"),
            )
        };
        let text = text.trim().trim_end_matches('/');
        let uri: Uri = text.parse().map_err(|_| refuse("is not an address"))?;
        let https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refuse("does not begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or_else(|| refuse("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refuse("holds a user name or password, which belongs into WANDB_API_KEY"));
        }
        if uri.query().is_some() || text.contains('#') {
            return Err(refuse("has a query or fragment"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(refuse("names no host"));
        }
        let port = match authority.as_str().strip_prefix(authority.host()).and_then(|rest| rest.strip_prefix(':')) {
            Some(port) => port.parse().map_err(|_| refuse("has no usable port"))?,
            None if https => 443,
            None => 80,
        };
        Ok(Address { text: text.to_owned(), location: authority.as_str().to_owned(), host, port, https })
    }

    /// The address as text, without a trailing `/`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The full address of a path that begins with `/`.
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.text)
    }

    /// Host and port as they were written: the machine name of a netrc entry.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The host in lower case, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, given or implied.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether TLS is used.
    pub fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The W&B server: projects, the default entity, keys. `given` is the caller's option and comes first.
pub fn base(given: Option<&str>, environment: &Environment) -> Result<Address> {
    base_with_origin(given, environment).map(|(address, _)| address)
}

/// The same, with the option, variable or file that named it.
pub fn base_with_origin(given: Option<&str>, environment: &Environment) -> Result<(Address, String)> {
    if let Some(given) = given {
        return named(given, "base_url");
    }
    if let Some(value) = environment.text("WANDB_BASE_URL") {
        return named(&value, "WANDB_BASE_URL");
    }
    let user_settings = match environment.path("WANDB_CONFIG_DIR") {
        Some(directory) => Some(directory.join("settings")),
        None => environment.in_home(".config/wandb/settings"),
    };
    for file in std::iter::once(environment.in_directory("wandb/settings")).chain(user_settings) {
        if let Some(value) = base_in_settings_file(&file)? {
            return named(&value, &format!("base_url in {}", file.display()));
        }
    }
    named(PUBLIC_BASE, DEFAULT)
}

/// The trace server that belongs to a W&B server. `given` is the caller's option and comes first.
pub fn traces(given: Option<&str>, base: &Address, environment: &Environment) -> Result<Address> {
    traces_with_origin(given, base, environment).map(|(address, _)| address)
}

/// The same, with the option or variable that named it.
pub fn traces_with_origin(given: Option<&str>, base: &Address, environment: &Environment) -> Result<(Address, String)> {
    if let Some(given) = given {
        return named(given, "trace_server_url");
    }
    if let Some(value) = environment.text("WF_TRACE_SERVER_URL") {
        return named(&value, "WF_TRACE_SERVER_URL");
    }
    let front_end = match environment.text("WANDB_PUBLIC_BASE_URL") {
        Some(value) => Address::parse(&value, "WANDB_PUBLIC_BASE_URL")?,
        None => base.clone(),
    };
    if front_end.as_str() == PUBLIC_BASE {
        return named(PUBLIC_TRACES, DEFAULT);
    }
    let address = Address::parse(&front_end.at("/traces"), "the trace server's address")?;
    Ok((address, "below the W&B server".to_string()))
}

fn named(text: &str, origin: &str) -> Result<(Address, String)> {
    Ok((Address::parse(text, origin)?, origin.to_string()))
}

/// A file that is there and cannot be read is an error: going on would send the data to another server.
fn base_in_settings_file(file: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(base_in_settings(&text)),
        Err(cause) => match cause.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Ok(None),
            _ => Err(Error::io("cannot read the settings file", file, &cause)
                .context("set WANDB_BASE_URL or make the file readable")),
        },
    }
}

/// `base_url` in section `[default]` of an INI text; of repeated keys the last counts.
fn base_in_settings(text: &str) -> Option<String> {
    let mut in_default = false;
    let mut found = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            in_default = section == "default";
        } else if in_default && !line.starts_with(['#', ';']) {
            let Some((key, value)) = line.split_once(['=', ':']) else { continue };
            if key.trim().eq_ignore_ascii_case("base_url") && !value.trim().is_empty() {
                found = Some(value.trim().to_owned());
            }
        }
    }
    found
}

/// Percent-encodes everything but unreserved characters, for one part of a path or a form value.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(given: Option<&str>, given_traces: Option<&str>, variables: &[(&str, &str)]) -> (String, String) {
        let nowhere = tempfile::tempdir().unwrap();
        let environment = Environment::given(variables, nowhere.path(), nowhere.path());
        let base = base(given, &environment).unwrap();
        let traces = traces(given_traces, &base, &environment).unwrap();
        (base.as_str().to_owned(), traces.as_str().to_owned())
    }

    fn pair(base: &str, traces: &str) -> (String, String) {
        (base.to_owned(), traces.to_owned())
    }

    #[test]
    fn without_any_setting_the_public_service_is_used() {
        assert_eq!(resolved(None, None, &[]), pair("https://api.wandb.ai", "https://trace.wandb.ai"));
    }

    #[test]
    fn a_server_of_ones_own_has_its_traces_below_its_front_end() {
        let variables = [("WANDB_BASE_URL", "https://wandb.example.com/")];
        assert_eq!(
            resolved(None, None, &variables),
            pair("https://wandb.example.com", "https://wandb.example.com/traces")
        );
        let variables = [("WANDB_BASE_URL", "http://inner:8080"), ("WANDB_PUBLIC_BASE_URL", "https://outer.example/")];
        assert_eq!(resolved(None, None, &variables), pair("http://inner:8080", "https://outer.example/traces"));
    }

    #[test]
    fn a_public_front_end_before_another_base_keeps_the_public_trace_server() {
        let variables = [("WANDB_BASE_URL", "http://inner:8080"), ("WANDB_PUBLIC_BASE_URL", "https://api.wandb.ai")];
        assert_eq!(resolved(None, None, &variables), pair("http://inner:8080", "https://trace.wandb.ai"));
    }

    #[test]
    fn the_trace_servers_own_variable_rules_over_what_follows_from_the_base() {
        let variables = [("WF_TRACE_SERVER_URL", "http://127.0.0.1:8991/"), ("WANDB_PUBLIC_BASE_URL", "http://x")];
        assert_eq!(resolved(None, None, &variables), pair("https://api.wandb.ai", "http://127.0.0.1:8991"));
    }

    #[test]
    fn options_come_before_variables() {
        let variables = [("WANDB_BASE_URL", "http://variable"), ("WF_TRACE_SERVER_URL", "http://variable-traces")];
        assert_eq!(
            resolved(Some("http://option/"), Some("http://option-traces"), &variables),
            pair("http://option", "http://option-traces")
        );
    }

    #[test]
    fn empty_variables_are_passed_over() {
        let variables = [("WANDB_BASE_URL", ""), ("WF_TRACE_SERVER_URL", ""), ("WANDB_PUBLIC_BASE_URL", "")];
        assert_eq!(resolved(None, None, &variables), pair("https://api.wandb.ai", "https://trace.wandb.ai"));
    }

    #[test]
    fn settings_files_are_read_from_the_working_directory_then_the_configuration_directory() {
        let root = tempfile::tempdir().unwrap();
        let (home, here, configured) = (root.path().join("home"), root.path().join("here"), root.path().join("conf"));
        for directory in [home.join(".config/wandb"), here.join("wandb"), configured.clone()] {
            std::fs::create_dir_all(directory).unwrap();
        }
        let write = |path: &Path, url: &str| std::fs::write(path, format!("[default]\nbase_url = {url}/\n")).unwrap();
        let found = |variables: &[(&str, &str)]| {
            base(None, &Environment::given(variables, &home, &here)).unwrap().as_str().to_owned()
        };
        let configuration = [("WANDB_CONFIG_DIR", configured.to_str().unwrap())];

        write(&home.join(".config/wandb/settings"), "http://of-home");
        assert_eq!(found(&[]), "http://of-home");
        write(&configured.join("settings"), "http://of-configuration");
        assert_eq!(found(&configuration), "http://of-configuration");
        write(&here.join("wandb/settings"), "http://of-directory");
        assert_eq!(found(&configuration), "http://of-directory");
    }

    #[test]
    fn only_the_default_section_of_a_settings_file_counts() {
        let text = "base_url = http://none\n[other]\nbase_url = http://other\n[default]\n# base_url = http://comment\n\
                    entity = e\nBASE_URL: http://right:80\n[more]\nbase_url = http://more\n";
        assert_eq!(base_in_settings(text).as_deref(), Some("http://right:80"));
        assert_eq!(base_in_settings("[default]\nentity = e\n"), None);
    }

    #[test]
    fn what_is_no_address_is_refused_with_its_origin_and_without_its_password() {
        for text in ["wandb.example.com", "ftp://x", "http://", "https://x?y=1", "http://a b", "http://x:99999"] {
            let error = Address::parse(text, "WANDB_BASE_URL").unwrap_err();
            assert_eq!(error.status(), Status::InvalidArgument);
            assert!(error.text().starts_with("WANDB_BASE_URL: "), "{text}: {error}");
        }
        let error = Address::parse("https://me:hunter2@wandb.example.com", "base_url").unwrap_err();
        assert!(!error.text().contains("hunter2"), "{error}");
    }

    #[test]
    fn an_address_knows_its_location_host_and_port() {
        let address = Address::parse("http://[::1]:8991/x/", "base_url").unwrap();
        assert_eq!((address.location(), address.host(), address.port()), ("[::1]:8991", "::1", 8991));
        assert_eq!(address.at("/y"), "http://[::1]:8991/x/y");
        let address = Address::parse("https://API.wandb.ai", "base_url").unwrap();
        assert_eq!((address.location(), address.host(), address.port()), ("API.wandb.ai", "api.wandb.ai", 443));
    }

    #[test]
    fn parts_of_a_path_are_escaped() {
        assert_eq!(escape("a b/ü~x"), "a%20b%2F%C3%BC~x");
    }
}
