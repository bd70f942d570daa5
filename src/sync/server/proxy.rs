//! Which proxy a server is reached through: the variables that curl and Python's requests understand.
//!
//! `HTTPS_PROXY` or `HTTP_PROXY` by the server's scheme, else `ALL_PROXY`, except for the hosts in `NO_PROXY`. Each is
//! known in both cases, the lower case first; a variable that is set and empty means none. Proxies are tunnelled
//! through (`CONNECT`, or SOCKS), for plain `http` servers as well.

use std::net::IpAddr;

use ureq::Proxy;

use super::address::Address;
use super::environment::Environment;
use crate::error::{Error, Result, Status};

/// The proxy for a server, if one is set.
pub fn for_server(server: &Address, environment: &Environment) -> Result<Option<Proxy>> {
    Ok(with_origin(server, environment)?.map(|(proxy, _)| proxy))
}

/// The same, with the variable that named it.
pub fn with_origin(server: &Address, environment: &Environment) -> Result<Option<(Proxy, &'static str)>> {
    let Some((variable, value)) = chosen(server, environment) else { return Ok(None) };
    let (_, bypass) = variable_of(environment, ["no_proxy", "NO_PROXY"]).unwrap_or_default();
    if bypasses(&bypass, server) {
        return Ok(None);
    }
    // The value may hold a password, so the text does not repeat it.
    Proxy::new(&value).map(|proxy| Some((proxy, variable))).map_err(|_| {
        Error::new(
            Status::InvalidArgument,
            format!(
                "{variable} is no proxy address: it must be http://host:port, https://host:port or \
                 socks5://host:port, with user:password@ before the host if needed"
            ),
        )
    })
}

fn chosen(server: &Address, environment: &Environment) -> Option<(&'static str, String)> {
    let by_scheme = if server.is_https() {
        variable_of(environment, ["https_proxy", "HTTPS_PROXY"])
    } else if environment.raw("REQUEST_METHOD").is_some() {
        // In a CGI program HTTP_PROXY is the client's "Proxy" header.
        variable_of(environment, ["http_proxy", "http_proxy"])
    } else {
        variable_of(environment, ["http_proxy", "HTTP_PROXY"])
    };
    by_scheme
        .or_else(|| variable_of(environment, ["all_proxy", "ALL_PROXY"]))
        .filter(|(_, value)| !value.trim().is_empty())
}

fn variable_of(environment: &Environment, names: [&'static str; 2]) -> Option<(&'static str, String)> {
    names.iter().find_map(|name| environment.raw(name).map(|value| (*name, value)))
}

/// Whether a list of hosts names the server: `*`, a host or domain (with all below it), an address, a range of
/// addresses (`10.0.0.0/8`), each but the range perhaps with a port.
fn bypasses(list: &str, server: &Address) -> bool {
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        let address = server.host().parse::<IpAddr>().ok();
        if let (Some(address), Some((network, bits))) = (address, entry.split_once('/')) {
            return in_range(address, network, bits);
        }
        let (host, port) = host_and_port(entry);
        if port.is_some_and(|port| port != server.port()) {
            return false;
        }
        let host = host.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
        match address {
            Some(address) => host.parse::<IpAddr>().is_ok_and(|entry| entry == address),
            None => server
                .host()
                .strip_suffix(host.as_str())
                .is_some_and(|rest| !host.is_empty() && (rest.is_empty() || rest.ends_with('.'))),
        }
    })
}

fn host_and_port(entry: &str) -> (&str, Option<u16>) {
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    let (host, port) = match entry.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        None => (entry, None),
    };
    (host.trim_start_matches('[').trim_end_matches(']'), port)
}

fn in_range(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) if bits <= 32 => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) if bits <= 128 => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn proxy(server: &str, variables: &[(&str, &str)]) -> Option<String> {
        let server = Address::parse(server, "base_url").unwrap();
        let environment = Environment::given(variables, Path::new("/"), Path::new("/"));
        for_server(&server, &environment).unwrap().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn the_scheme_of_the_server_chooses_the_variable() {
        let variables =
            [("HTTP_PROXY", "http://plain:1"), ("HTTPS_PROXY", "http://tls:2"), ("ALL_PROXY", "http://all:3")];
        assert_eq!(proxy("http://x", &variables).as_deref(), Some("plain:1"));
        assert_eq!(proxy("https://x", &variables).as_deref(), Some("tls:2"));
        assert_eq!(proxy("https://x", &variables[..1]), None);
        assert_eq!(proxy("https://x", &[("ALL_PROXY", "socks5://all:3")]).as_deref(), Some("all:3"));
    }

    #[test]
    fn the_lower_case_comes_first_and_an_empty_one_means_none() {
        let variables = [("https_proxy", "low:1"), ("HTTPS_PROXY", "up:1")];
        assert_eq!(proxy("https://x", &variables).as_deref(), Some("low:1"));
        let variables = [("https_proxy", ""), ("HTTPS_PROXY", "up:1"), ("ALL_PROXY", "all:1")];
        assert_eq!(proxy("https://x", &variables), None);
    }

    #[test]
    fn a_cgi_program_does_not_let_its_client_choose_the_proxy() {
        let variables = [("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "evil:1")];
        assert_eq!(proxy("http://x", &variables), None);
    }

    #[test]
    fn hosts_in_no_proxy_are_reached_directly() {
        let direct = |server: &str, list: &str| proxy(server, &[("ALL_PROXY", "p:1"), ("NO_PROXY", list)]).is_none();
        assert!(direct("http://a.example.com", "*"));
        assert!(direct("http://a.example.com", "localhost, example.com"));
        assert!(direct("http://A.example.com", ".EXAMPLE.com"));
        assert!(direct("http://a.example.com", "*.example.com"));
        assert!(direct("http://a.example.com:8080", "a.example.com:8080"));
        assert!(direct("http://127.0.0.1:9", "127.0.0.1"));
        assert!(direct("http://10.1.2.3", "10.0.0.0/8"));
        assert!(direct("http://10.1.2.3", "0.0.0.0/0"));
        assert!(direct("http://[::1]:9", "::1"));
        assert!(direct("http://[::1]:9", "[::1]:9"));
        assert!(direct("http://[fd00::5]", "fd00::/8"));
    }

    #[test]
    fn other_hosts_go_through_the_proxy() {
        let proxied = |server: &str, list: &str| proxy(server, &[("ALL_PROXY", "p:1"), ("NO_PROXY", list)]).is_some();
        assert!(proxied("http://notexample.com", "example.com"));
        assert!(proxied("http://a.example.com:81", "a.example.com:80"));
        assert!(proxied("http://11.1.2.3", "10.0.0.0/8"));
        assert!(proxied("http://110.0.0.1", "10.0.0.1"));
        assert!(proxied("http://10.1.2.3", "10.0.0.0/33"));
        assert!(proxied("http://x", ",, ."));
        assert!(proxied("http://x", ""));
    }

    #[test]
    fn a_value_that_is_no_proxy_is_refused_without_its_password() {
        let server = Address::parse("http://x", "base_url").unwrap();
        let variables = [("HTTP_PROXY", "ftp://me:hunter2@proxy")];
        let environment = Environment::given(&variables, Path::new("/"), Path::new("/"));
        let error = for_server(&server, &environment).unwrap_err();
        assert!(error.text().starts_with("HTTP_PROXY ") && !error.text().contains("hunter2"), "{error}");
    }
}
