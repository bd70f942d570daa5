//! How to reach a server: the caller's options, and what becomes of them in an environment.

use std::path::PathBuf;
use std::time::Duration;

use ureq::Proxy;

use super::address::{self, Address};
use super::credentials::{self, Credentials, Secret};
use super::environment::Environment;
use super::proxy;
use super::retry::RetryPolicy;
use crate::error::Result;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// The options of a connection. What is not given comes from the environment, else from the defaults.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// The W&B server; `WANDB_BASE_URL`, settings files.
    pub base_url: Option<String>,
    /// The trace server; `WF_TRACE_SERVER_URL`.
    pub trace_server_url: Option<String>,
    /// The API key; `WANDB_API_KEY`, netrc files.
    pub api_key: Option<Secret>,
    /// A PEM file with the only certificate authorities to trust; `WEAVE_CA_FILE`, `SSL_CERT_FILE`,
    /// `REQUESTS_CA_BUNDLE`.
    pub ca_file: Option<PathBuf>,
    /// Trust any certificate; `WEAVE_INSECURE_DISABLE_SSL`.
    pub insecure: Option<bool>,
    /// The limit for connecting (4 s at most), for each step of sending, and for the answer; `WEAVE_HTTP_TIMEOUT` in
    /// seconds.
    pub timeout: Option<Duration>,
}

/// A file of certificate authorities, and the setting that named it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaFile {
    /// The file.
    pub path: PathBuf,
    /// The option or variable, for error texts.
    pub origin: &'static str,
}

/// Everything that is needed to talk to a server.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The W&B server.
    pub base: Address,
    /// The trace server.
    pub traces: Address,
    /// What requests are signed with.
    pub credentials: Credentials,
    /// The proxy to the W&B server.
    pub base_proxy: Option<Proxy>,
    /// The proxy to the trace server.
    pub traces_proxy: Option<Proxy>,
    /// The certificate authorities to trust instead of the built-in ones.
    pub ca_file: Option<CaFile>,
    /// Whether any certificate is trusted.
    pub insecure: bool,
    /// The limit for each step of a request.
    pub timeout: Duration,
    /// The bounds of retrying.
    pub retry: RetryPolicy,
}

/// What holds for every server that is reached, W&B's or another's.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) ca_file: Option<CaFile>,
    pub(super) insecure: bool,
    pub(super) timeout: Duration,
}

impl Connection {
    /// Settles every option against an environment. The network is not touched.
    pub fn resolve(&self, environment: &Environment) -> Result<Destination> {
        let base = address::base(self.base_url.as_deref(), environment)?;
        let traces = address::traces(self.trace_server_url.as_deref(), &base, environment)?;
        let Terms { ca_file, insecure, timeout } = self.terms(environment)?;
        Ok(Destination {
            credentials: credentials::resolve(self.api_key.as_ref().map(Secret::reveal), &base, environment)?,
            base_proxy: proxy::for_server(&base, environment)?,
            traces_proxy: proxy::for_server(&traces, environment)?,
            ca_file,
            insecure,
            timeout,
            retry: RetryPolicy::resolve(environment)?,
            base,
            traces,
        })
    }

    /// Settles what holds for every server.
    pub(super) fn terms(&self, environment: &Environment) -> Result<Terms> {
        let insecure = match self.insecure {
            Some(insecure) => insecure,
            None => environment.switch("WEAVE_INSECURE_DISABLE_SSL")?,
        };
        let timeout = match self.timeout {
            Some(timeout) => timeout,
            None => environment.seconds("WEAVE_HTTP_TIMEOUT")?.unwrap_or(DEFAULT_TIMEOUT),
        };
        Ok(Terms { ca_file: self.ca_file(environment), insecure, timeout })
    }

    fn ca_file(&self, environment: &Environment) -> Option<CaFile> {
        if let Some(path) = &self.ca_file {
            return Some(CaFile { path: path.clone(), origin: "ca_file" });
        }
        ["WEAVE_CA_FILE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"]
            .into_iter()
            .find_map(|origin| environment.path(origin).map(|path| CaFile { path, origin }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn resolved(connection: &Connection, variables: &[(&str, &str)]) -> Destination {
        let mut all = vec![("WANDB_API_KEY", "hunter2")];
        all.extend_from_slice(variables);
        connection.resolve(&Environment::given(&all, Path::new("/nowhere"), Path::new("/nowhere"))).unwrap()
    }

    #[test]
    fn the_defaults_are_the_public_service_with_checked_certificates() {
        let destination = resolved(&Connection::default(), &[]);
        assert_eq!(destination.traces.as_str(), "https://trace.wandb.ai");
        assert_eq!(destination.timeout, Duration::from_secs(30));
        assert!(!destination.insecure && destination.ca_file.is_none() && destination.traces_proxy.is_none());
    }

    #[test]
    fn the_certificate_file_is_the_first_named_of_option_and_variables() {
        let variables = [("REQUESTS_CA_BUNDLE", "/c"), ("SSL_CERT_FILE", "/b"), ("WEAVE_CA_FILE", "/a")];
        let named = |connection: &Connection, variables| {
            let file = resolved(connection, variables).ca_file.unwrap();
            (file.path.to_str().unwrap().to_owned(), file.origin)
        };
        let none = Connection::default();
        assert_eq!(named(&none, &variables[..1]), ("/c".to_owned(), "REQUESTS_CA_BUNDLE"));
        assert_eq!(named(&none, &variables[..2]), ("/b".to_owned(), "SSL_CERT_FILE"));
        assert_eq!(named(&none, &variables), ("/a".to_owned(), "WEAVE_CA_FILE"));
        let given = Connection { ca_file: Some("/option".into()), ..none };
        assert_eq!(named(&given, &variables), ("/option".to_owned(), "ca_file"));
    }

    #[test]
    fn each_server_has_the_proxy_of_its_own_scheme() {
        let variables = [("WF_TRACE_SERVER_URL", "http://traces"), ("HTTPS_PROXY", "p:1"), ("NO_PROXY", "other")];
        let destination = resolved(&Connection::default(), &variables);
        assert!(destination.base_proxy.is_some() && destination.traces_proxy.is_none());
    }

    #[test]
    fn options_rule_over_variables() {
        let variables = [("WEAVE_INSECURE_DISABLE_SSL", "true"), ("WEAVE_HTTP_TIMEOUT", "7")];
        let destination = resolved(&Connection::default(), &variables);
        assert!(destination.insecure);
        assert_eq!(destination.timeout, Duration::from_secs(7));
        let given =
            Connection { insecure: Some(false), timeout: Some(Duration::from_secs(9)), ..Connection::default() };
        let destination = resolved(&given, &variables);
        assert!(!destination.insecure);
        assert_eq!(destination.timeout, Duration::from_secs(9));
    }

    #[test]
    fn no_debug_form_shows_the_key_or_a_proxys_password() {
        let connection = Connection { api_key: Some(Secret::new("hunter2")), ..Connection::default() };
        let destination = resolved(&connection, &[("ALL_PROXY", "http://me:hunter2@proxy:1")]);
        assert!(!format!("{connection:?} {destination:?}").contains("hunter2"));
    }
}
