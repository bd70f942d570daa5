//! Opening connections within one limit, from finding the name to the last handshake.
//!
//! ureq finds the name before the time for connecting begins, also for a connection that is there already, and gives each
//! read of a proxy's answer all of that time: a proxy that drips would never be given up. So the name is found here, and
//! what stands below a tunnel is limited by the clock until the tunnel stands.

use super::names::Names;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Instant;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};
use ureq::Error;

/// Stands for the addresses of a name that is to be found when a connection is opened.
#[derive(Debug)]
pub(super) struct Later;

impl Resolver for Later {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        Ok(addresses)
    }
}

/// Opens connections by a chain of connectors. The agent's own resolver is [`Later`].
#[derive(Debug)]
pub(super) struct Opening<C> {
    pub(super) chain: Arc<C>,
    pub(super) names: Names,
}

impl<C: Connector<()>> Connector<()> for Opening<C> {
    type Out = C::Out;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<C::Out>, Error> {
        let limit = Arc::new(Limit { given: details.timeout, begun: Instant::now(), is_kept: AtomicBool::new(false) });
        let addrs = match details.addrs.is_empty() {
            true => details.addrs.clone(), // a proxy finds the name
            false => self.names.resolve(details.uri, details.config, limit.left()?)?,
        };
        let (chain, until) = (self.chain.clone(), limit.clone());
        let to_proxy = move |proxy: &ConnectionDetails<'_>| {
            let details = ConnectionDetails {
                uri: proxy.uri,
                addrs: proxy.addrs.clone(),
                config: proxy.config,
                request_level: proxy.request_level,
                resolver: proxy.resolver,
                now: (proxy.current_time)(),
                timeout: until.left()?,
                current_time: proxy.current_time.clone(),
                run_connector: proxy.run_connector.clone(),
                register_shutdown: proxy.register_shutdown.clone(),
            };
            let inner = chain.connect(&details, None)?.ok_or(Error::ConnectionFailed)?;
            Ok(Box::new(Hurried { inner, limit: until.clone() }) as Box<dyn Transport>)
        };
        let opened = self.chain.connect(
            &ConnectionDetails {
                uri: details.uri,
                addrs,
                config: details.config,
                request_level: details.request_level,
                resolver: &self.names,
                now: (details.current_time)(),
                timeout: limit.left()?,
                current_time: details.current_time.clone(),
                run_connector: Arc::new(to_proxy),
                register_shutdown: details.register_shutdown.clone(),
            },
            None,
        );
        limit.is_kept.store(true, Ordering::Relaxed);
        opened
    }
}

/// The time for opening one connection.
#[derive(Debug)]
struct Limit {
    given: NextTimeout,
    begun: Instant,
    /// Whether the connection is open.
    is_kept: AtomicBool,
}

impl Limit {
    fn left(&self) -> Result<NextTimeout, Error> {
        let left = self.given.after.saturating_sub(self.begun.elapsed());
        match left.is_zero() {
            true => Err(Error::Timeout(self.given.reason)),
            false => Ok(NextTimeout { after: left.into(), ..self.given }),
        }
    }
}

/// The connection to a proxy, whose every wait ends with the limit until the one through the proxy is open.
#[derive(Debug)]
struct Hurried<T> {
    inner: T,
    limit: Arc<Limit>,
}

impl<T: Transport> Hurried<T> {
    fn within(&self, timeout: NextTimeout) -> Result<NextTimeout, Error> {
        match self.limit.is_kept.load(Ordering::Relaxed) {
            true => Ok(timeout),
            false => self.limit.left(),
        }
    }
}

impl<T: Transport> Transport for Hurried<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, self.within(timeout)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(self.within(timeout)?)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::server::stop::Stop;
    use std::sync::Mutex;
    use std::time::Duration;
    use ureq::Agent;

    const LOOK_UP: Duration = Duration::from_millis(30);

    fn slowly(_: &str) -> std::io::Result<Vec<SocketAddr>> {
        std::thread::sleep(LOOK_UP);
        Ok(vec![([127, 0, 0, 1], 80).into()])
    }

    /// Opens nothing, and remembers to what and how long it would have had for it.
    #[derive(Debug, Default)]
    struct Asked(Mutex<Vec<(SocketAddr, Duration)>>);

    impl Connector<()> for Asked {
        type Out = Box<dyn Transport>;

        fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
            self.0.lock().unwrap().push((details.addrs[0], *details.timeout.after));
            Ok(None)
        }
    }

    #[test]
    fn connecting_has_what_finding_the_name_has_left_of_the_limit() {
        let (chain, limit) = (Arc::new(Asked::default()), Duration::from_secs(3600));
        let config = Agent::config_builder().timeout_connect(Some(limit)).build();
        let opening = Opening { chain: chain.clone(), names: Names::by(slowly, limit, &Stop::new()) };
        Agent::with_parts(config, opening, Later).get("http://slow.example").call().unwrap_err();
        let asked = chain.0.lock().unwrap();
        assert!(asked.len() == 1 && asked[0].0.port() == 80, "{asked:?}");
        assert!(asked[0].1 <= limit - LOOK_UP, "{asked:?}");
    }
}
