//! The cryptography of TLS: ring's, but without what signs with a private key. A client here never shows a certificate of
//! its own, and the code for it would be linked all the same.

use std::sync::Arc;

use rustls::crypto::{ring, CryptoProvider, KeyProvider};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use rustls::Error;

/// Every algorithm that ring's own provider has.
pub(super) fn provider() -> CryptoProvider {
    CryptoProvider { key_provider: &NoKeys, ..ring::default_provider() }
}

#[derive(Debug)]
struct NoKeys;

impl KeyProvider for NoKeys {
    fn load_private_key(&self, _: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        Err(Error::General("clients have no private key here".to_owned()))
    }
}
