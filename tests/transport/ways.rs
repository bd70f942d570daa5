//! Proxies, certificates and tokens.

use super::*;

#[test]
fn plain_http_goes_through_the_proxy_with_its_password() {
    let (server, proxy) = (Server::shared(), ForwardProxy::connect());
    let variable = format!("http://me:hunter%32@127.0.0.1:{}", proxy.port());
    transport_with(&server.url(), &[("HTTP_PROXY", &variable)]).server_info().unwrap();
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with(&format!("CONNECT 127.0.0.1:{} HTTP/1.1\r\n", server.port())), "{asked:?}");
    assert!(asked[0].contains("Proxy-Authorization: Basic bWU6aHVudGVyMg==\r\n"), "{asked:?}");
}

#[test]
fn a_socks_proxy_serves_as_well() {
    let (server, proxy) = (Server::shared(), ForwardProxy::socks5());
    let variable = format!("socks5://127.0.0.1:{}", proxy.port());
    transport_with(&server.url(), &[("all_proxy", &variable)]).server_info().unwrap();
    assert_eq!(proxy.asked(), [format!("127.0.0.1:{}", server.port())]);
}

#[test]
fn a_host_in_no_proxy_is_reached_past_the_proxy() {
    let (server, proxy) = (Server::shared(), ForwardProxy::connect());
    let variable = format!("http://127.0.0.1:{}", proxy.port());
    let variables = [("HTTP_PROXY", variable.as_str()), ("no_proxy", "localhost, 127.0.0.0/8")];
    transport_with(&server.url(), &variables).server_info().unwrap();
    assert!(proxy.asked().is_empty());
}

#[test]
fn a_dead_proxy_is_a_dead_link() {
    let variable = format!("http://127.0.0.1:{}", free_port());
    let transport = transport_with(&Server::shared().url(), &[("HTTP_PROXY", &variable)]);
    let failure = transport.server_info().unwrap_err();
    assert!(failure.is_dead_link(), "{failure:?}");
}

#[test]
fn tls_is_trusted_by_the_authority_that_a_file_names_through_a_proxy_too() {
    let front = Front::with_tls(Server::shared());
    let (url, proxy) = (format!("https://localhost:{}", front.port()), ForwardProxy::connect());
    let ca_file = front.ca_file().display().to_string();
    transport_with(&url, &[("WEAVE_CA_FILE", &ca_file)]).server_info().unwrap();
    let variable = format!("http://127.0.0.1:{}", proxy.port());
    let variables = [("SSL_CERT_FILE", ca_file.as_str()), ("HTTPS_PROXY", &variable)];
    transport_with(&url, &variables).server_info().unwrap();
    assert!(proxy.asked()[0].starts_with("CONNECT localhost:"));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_unless_checks_are_off() {
    let front = Front::with_tls(Server::shared());
    let url = format!("https://localhost:{}", front.port());
    let failure = transport_with(&url, &[]).server_info().unwrap_err();
    assert!(failure.is_dead_link() && !failure.may_have_been_applied(), "{failure:?}");
    assert!(failure.to_string().contains("WEAVE_CA_FILE"), "{failure}");
    transport_with(&url, &[("WEAVE_INSECURE_DISABLE_SSL", "true")]).server_info().unwrap();
}

#[test]
fn a_certificate_file_that_cannot_serve_is_named_with_its_variable() {
    let directory = tempfile::tempdir().unwrap();
    let empty = directory.path().join("empty.pem");
    std::fs::write(&empty, "nothing\n").unwrap();
    for file in [directory.path(), &empty, &directory.path().join("missing.pem")] {
        let file = file.display().to_string();
        let variables = [("WANDB_API_KEY", KEY), ("REQUESTS_CA_BUNDLE", &file)];
        let destination = Connection::default().resolve(&environment(&variables)).unwrap();
        let error = Transport::new(&destination, &Stop::new()).err().unwrap();
        assert_eq!(error.status(), Status::InvalidArgument);
        assert!(error.text().contains("REQUESTS_CA_BUNDLE") && error.text().contains(&file), "{error}");
    }
}

#[test]
fn an_identity_token_is_exchanged_and_a_refused_access_token_renewed() {
    let front = Front::with_identity(Server::shared(), "head.body.sign");
    let directory = tempfile::tempdir().unwrap();
    let (jwt, cache) = (directory.path().join("jwt"), directory.path().join("credentials.json"));
    std::fs::write(&jwt, "head.body.sign\n").unwrap();
    let url = format!("http://127.0.0.1:{}", front.port());
    let variables =
        [("WANDB_IDENTITY_TOKEN_FILE", jwt.to_str().unwrap()), ("WANDB_CREDENTIALS_FILE", cache.to_str().unwrap())];
    let held = || {
        let stored: Value = serde_json::from_slice(&std::fs::read(&cache).unwrap()).unwrap();
        stored["credentials"][&url]["access_token"].as_str().unwrap().to_owned()
    };
    let transport = transport_with(&url, &variables);
    transport.server_info().unwrap();
    assert_eq!(held(), "token-1");
    post(&transport, "/test/revoke", &json!({})).unwrap();
    transport.server_info().unwrap();
    assert_eq!(held(), "token-3");
}

#[test]
fn an_identity_token_that_the_server_refuses_is_a_failure_of_the_exchange() {
    let front = Front::with_identity(Server::shared(), "the.right.one");
    let directory = tempfile::tempdir().unwrap();
    let jwt = directory.path().join("jwt");
    std::fs::write(&jwt, "the.wrong.one").unwrap();
    let url = format!("http://127.0.0.1:{}", front.port());
    let cache = directory.path().join("cache");
    let variables =
        [("WANDB_IDENTITY_TOKEN_FILE", jwt.to_str().unwrap()), ("WANDB_CREDENTIALS_FILE", cache.to_str().unwrap())];
    let failure = transport_with(&url, &variables).server_info().unwrap_err();
    assert!(failure.to_string().contains("/oidc/token") && failure.reason().contains("invalid_grant"), "{failure}");
}
