//! What makes requests: how long each step may take, and whose certificates are trusted.

use super::connection::CaFile;
use super::stop::Stop;
use super::{cryptography, interrupt};
use crate::error::{Error, Result, Status};
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{parse_pem, PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Proxy, ProxyProtocol};

/// The longest time for connecting: who is there answers sooner, and a pass to a server that swallows what it is sent, or
/// whose name nobody knows, is to end in less than 5 s.
const CONNECT_LIMIT: Duration = Duration::from_secs(4);

/// How many times the limit of one step a whole body may take, either way: 31 MiB within 300 s need 0.9 Mbit/s. One that
/// stands still is given up after a step.
pub(super) const BODY_STEPS: u32 = 10;

/// What makes requests to servers behind a proxy, or without one. They end when `stop` is due.
pub(super) fn agent(timeout: Duration, tls: &TlsConfig, proxy: Option<Proxy>, stop: &Stop) -> Agent {
    // For opening a connection, from finding the name to the last handshake.
    let connecting = timeout.min(CONNECT_LIMIT);
    let (step, body) = (Some(timeout), Some(timeout.saturating_mul(BODY_STEPS)));
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("libweave/", env!("CARGO_PKG_VERSION")))
        .accept("application/json")
        .proxy(proxy)
        .tls_config(tls.clone())
        .timeout_connect(Some(connecting))
        .timeout_send_request(step)
        .timeout_send_body(body)
        .timeout_recv_response(step)
        .timeout_recv_body(body)
        .timeout_per_read(step)
        .timeout_per_write(step)
        .build();
    interrupt::agent(config, connecting / 2, stop)
}

/// Whether a proxy is itself spoken to with TLS.
pub(super) fn is_tls(proxy: &Option<Proxy>) -> bool {
    proxy.as_ref().is_some_and(|proxy| proxy.protocol() == ProxyProtocol::Https)
}

/// Which certificates are trusted: those of authorities in a file, the built-in ones, or any.
pub(super) fn tls(ca_file: Option<&CaFile>, insecure: bool) -> Result<TlsConfig> {
    let roots = match ca_file {
        Some(file) if !insecure => RootCerts::from(certificates(file)?.into_iter()),
        _ => RootCerts::WebPki,
    };
    Ok(TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(cryptography::provider()))
        .disable_verification(insecure)
        .root_certs(roots)
        .build())
}

fn certificates(file: &CaFile) -> Result<Vec<ureq::tls::Certificate<'static>>> {
    let wrong = |why: String| {
        Error::new(
            Status::InvalidArgument,
            format!(
                "{} {}: {why}; name a PEM file of certificates in ca_file or WEAVE_CA_FILE",
                file.origin,
                file.path.display()
            ),
        )
    };
    let pem = std::fs::read(&file.path).map_err(|cause| wrong(format!("cannot be read: {cause}")))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|cause| wrong(format!("is damaged: {cause}")))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(wrong("holds no certificate".to_owned()));
    }
    Ok(certificates)
}
