//! What stands between a client and a server: forwarding proxies, a reverse proxy with TLS or identity tokens, and
//! things that are no Weave server.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::mpsc::{channel, Receiver};
use std::sync::Arc;
use std::thread;

use tempfile::TempDir;

use super::server::{Guarded, Server, KEY};

/// `front.py` before a server.
pub struct Front {
    process: Guarded,
    directory: TempDir,
    port: u16,
}

impl Front {
    /// A front that speaks TLS, with a certificate of an authority of its own.
    pub fn with_tls(server: &Server) -> Front {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().display().to_string();
        Front::start(server, directory, &["--tls", &place])
    }

    /// A front that exchanges a JWT for access tokens and accepts nothing else.
    pub fn with_identity(server: &Server, jwt: &str) -> Front {
        Front::start(server, tempfile::tempdir().unwrap(), &["--jwt", jwt])
    }

    fn start(server: &Server, directory: TempDir, options: &[&str]) -> Front {
        let port = server.port().to_string();
        let arguments: Vec<String> =
            ["--backend", &port, "--key", KEY].iter().chain(options).map(|text| text.to_string()).collect();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/common/front.py");
        let mut process = Guarded::python(directory.path(), &script, &arguments, Stdio::piped());
        let first = process.lines().next();
        let port = first.and_then(|line| line.parse().ok()).unwrap_or_else(|| {
            panic!(
                "the front does not start:\n{}",
                std::fs::read_to_string(directory.path().join("stderr.txt")).unwrap()
            )
        });
        Front { process, directory, port }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The certificate of the authority.
    pub fn ca_file(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }
}

/// A forwarding proxy on 127.0.0.1 that tells of each connection what was asked for.
pub struct ForwardProxy {
    port: u16,
    asked: Receiver<String>,
}

impl ForwardProxy {
    /// A proxy for HTTP `CONNECT`; it tells the head of the request.
    pub fn connect() -> ForwardProxy {
        ForwardProxy::start(|client| {
            let mut reader = BufReader::new(client.try_clone().ok()?);
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                if reader.read_line(&mut head).ok()? == 0 {
                    return None;
                }
            }
            let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
            let server = TcpStream::connect(&target).ok()?;
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
            Some((head, server))
        })
    }

    /// A SOCKS 5 proxy without authentication (RFC 1928), for IPv4 targets; it tells the target.
    pub fn socks5() -> ForwardProxy {
        ForwardProxy::start(|client| {
            let mut greeting = [0; 2];
            client.read_exact(&mut greeting).ok()?;
            let mut methods = vec![0; usize::from(greeting[1])];
            client.read_exact(&mut methods).ok()?;
            client.write_all(&[5, 0]).ok()?;
            let mut request = [0; 10];
            client.read_exact(&mut request).ok()?;
            let [5, 1, _, 1, a, b, c, d, high, low] = request else { return None };
            let target = format!("{a}.{b}.{c}.{d}:{}", u16::from_be_bytes([high, low]));
            let server = TcpStream::connect(&target).ok()?;
            client.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).ok()?;
            Some((target, server))
        })
    }

    fn start(greet: impl Fn(&mut TcpStream) -> Option<(String, TcpStream)> + Send + 'static) -> ForwardProxy {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (told, asked) = channel();
        thread::spawn(move || {
            for mut client in listener.incoming().flatten() {
                let Some((what, server)) = greet(&mut client) else { continue };
                if told.send(what).is_err() {
                    return;
                }
                pipe(client.try_clone().unwrap(), server.try_clone().unwrap());
                pipe(server, client);
            }
        });
        ForwardProxy { port, asked }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What was asked for, one entry for each connection.
    pub fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

fn pipe(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    });
}

/// Something on 127.0.0.1 that answers every request in the same way and is no Weave server. Gives its port.
pub fn answering(answer: &'static str) -> u16 {
    serving(move |_, client| client.write_all(answer.as_bytes()))
}

/// A gateway before a server, with a port of its own. `give` hears of each request's path and the server's whole answer,
/// and writes to the client what that gets.
pub fn gateway(server: u16, give: impl Fn(&str, &[u8], &mut TcpStream) -> Result<()> + Send + Sync + 'static) -> u16 {
    serving(move |request, client| {
        let (mut server, mut answer) = (TcpStream::connect(("127.0.0.1", server))?, Vec::new());
        // The server then closes the connection behind its answer.
        server.write_all(request.replacen("HTTP/1.1", "HTTP/1.0", 1).as_bytes())?;
        server.read_to_end(&mut answer)?;
        give(request.split(' ').nth(1).unwrap_or_default(), &answer, client)
    })
}

/// Has `serve` answer each request, one for each connection. Gives the port.
pub fn serving(serve: impl Fn(&str, &mut TcpStream) -> Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || {
                // Whoever has asked may be gone.
                let _ = read_request(&client).and_then(|request| serve(&request, &mut client));
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    port
}

/// The head and the body of a request, which is text.
fn read_request(client: &TcpStream) -> Result<String> {
    let (mut reader, mut request, mut length) = (BufReader::new(client), String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            request += &line;
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        request += &line;
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(request + &String::from_utf8_lossy(&body))
}
