//! Connections that end when a [`Stop`] is due.
//!
//! They stand directly above the socket, below TLS and below the tunnel of a proxy. Who asks to stop shuts the socket, so
//! that a thread that waits for an answer, or for room to write, hears of it at once; a deadline shortens every wait.
//! Waiting in slices would not do: of a write that ran out of time nobody knows how much was written.

use std::sync::Arc;
use std::time::Duration;

use ureq::config::Config;
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, NextTimeout, RustlsConnector, SocksConnector,
    TcpConnector, Transport,
};
use ureq::{Agent, Error};

use super::names::Names;
use super::opening::{Later, Opening};
use super::stop::Stop;

/// An agent whose requests end when `stop` is due. Of the limit for connecting `names` at most goes into finding the name.
/// The chain is ureq's own, with [`Stopping`] around what opens a socket.
pub(super) fn agent(config: Config, names: Duration, stop: &Stop) -> Agent {
    let chain =
        ().chain(Stopping { inner: SocksConnector::default(), stop: stop.clone() })
            .chain(ConnectProxyConnector::default())
            .chain(Stopping { inner: TcpConnector::default(), stop: stop.clone() })
            .chain(RustlsConnector::default());
    Agent::with_parts(config, Opening { chain: Arc::new(chain), names: Names::new(names, stop) }, Later)
}

/// What a request ends with that was stopped; [`super::transport`] tells it by the stop itself.
fn stopped() -> Error {
    Error::Io(std::io::Error::other("stopped on request"))
}

/// Opens a socket that ends when the stop is due, unless there is a connection already.
#[derive(Debug)]
struct Stopping<C> {
    inner: C,
    stop: Stop,
}

impl<In: Transport, C: Connector<()>> Connector<In> for Stopping<C> {
    type Out = Either<In, Stoppable<C::Out>>;

    fn connect(&self, details: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        if let Some(there) = chained {
            return Ok(Some(Either::A(there)));
        }
        let (stop, agents) = (self.stop.clone(), details.register_shutdown.clone());
        let details = ConnectionDetails {
            uri: details.uri,
            addrs: details.addrs.clone(),
            config: details.config,
            request_level: details.request_level,
            resolver: details.resolver,
            now: details.now,
            timeout: within(&self.stop, details.timeout)?,
            current_time: details.current_time.clone(),
            run_connector: details.run_connector.clone(),
            register_shutdown: Arc::new(move |socket| {
                stop.cuts(socket.clone());
                agents(socket)
            }),
        };
        let opened = self.inner.connect(&details, None)?;
        Ok(opened.map(|inner| Either::B(Stoppable { inner, stop: self.stop.clone() })))
    }
}

/// A connection whose every wait ends when the stop is due.
#[derive(Debug)]
struct Stoppable<T> {
    inner: T,
    stop: Stop,
}

impl<T: Transport> Transport for Stoppable<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.inner.transmit_output(amount, within(&self.stop, timeout)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(within(&self.stop, timeout)?)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// A wait that is no longer than the stop allows.
fn within(stop: &Stop, mut timeout: NextTimeout) -> Result<NextTimeout, Error> {
    let left = stop.left().unwrap_or(Duration::MAX);
    if stop.is_asked() || left.is_zero() {
        return Err(stopped());
    }
    if left < *timeout.after {
        timeout.after = left.into();
    }
    Ok(timeout)
}
