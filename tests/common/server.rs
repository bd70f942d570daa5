//! The local Weave server as a process: started on a free port, ended with its handle or with the test program,
//! however that ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use base64::prelude::{Engine, BASE64_STANDARD};
use serde_json::Value;
use tempfile::TempDir;

/// The key that the server accepts.
pub const KEY: &str = "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

/// The account's default entity.
pub const ENTITY: &str = "test-entity";

const LOG_LIMIT: Duration = Duration::from_secs(120);

const PORT_TAKEN: &str = "Address already in use";

/// The interpreter with the server's requirements: `WEAVE_TEST_PYTHON`, else the one that `make test-deps` makes.
pub fn python() -> PathBuf {
    let python = std::env::var_os("WEAVE_TEST_PYTHON")
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(".venv-server/bin/python"));
    assert!(
        python.exists(),
        "{} is missing: run `make test-deps`, or name an interpreter with tests/server/requirements.txt in \
         WEAVE_TEST_PYTHON",
        python.display()
    );
    python
}

/// A process that is killed when its handle is dropped, and also when this program dies: a shell waits for the end of
/// its standard input, which this program holds, and then kills the process.
pub struct Guarded {
    shell: Child,
    input: Option<ChildStdin>,
}

impl Guarded {
    /// Runs a Python script with arguments, in a directory that is also its home.
    pub fn python(directory: &Path, script: &Path, arguments: &[String], output: Stdio) -> Guarded {
        let errors = std::fs::File::options().create(true).append(true).open(directory.join("stderr.txt")).unwrap();
        let mut shell = Command::new("sh");
        // The shell lets go of the output, so that it ends with the process.
        shell.args(["-c", r#""$@" </dev/null & exec >&-; read _; kill -9 $!; wait $! 2>/dev/null"#, "sh"]);
        shell.arg(python()).arg(script).args(arguments);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            let foreign = name.starts_with("WANDB_") || name.starts_with("WEAVE_") || name.starts_with("WF_");
            if foreign || name.to_ascii_lowercase().ends_with("_proxy") {
                shell.env_remove(name);
            }
        }
        shell.env("HOME", directory).current_dir(directory);
        let mut shell = shell.stdin(Stdio::piped()).stdout(output).stderr(errors).spawn().unwrap();
        Guarded { input: shell.stdin.take(), shell }
    }

    /// The lines that the process prints.
    pub fn lines(&mut self) -> impl Iterator<Item = String> {
        BufReader::new(self.shell.stdout.take().unwrap()).lines().map_while(Result::ok)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.shell.wait();
    }
}

/// A running server with a database and a request log of its own.
pub struct Server {
    process: Guarded,
    directory: TempDir,
    port: u16,
}

impl Server {
    /// Starts a server with further options, such as `["--fail-rate", "0.3"]`; it is ready when this returns.
    pub fn start(options: &[&str]) -> Server {
        match Server::try_start_at(tempfile::tempdir().unwrap(), 0, options) {
            Ok(server) => server,
            Err(_) => panic!("no port is free for the local server"),
        }
    }

    /// Starts a server on a port that was free, for a client that was told of it before.
    pub fn start_at(port: u16) -> Server {
        match Server::try_start_at(tempfile::tempdir().unwrap(), port, &[]) {
            Ok(server) => server,
            Err(_) => panic!("the port was taken by another process"),
        }
    }

    /// The same server without faults, with what it has stored, at the same address.
    pub fn healed(self) -> Server {
        let Server { process, mut directory, port } = self;
        drop(process);
        // A connection from somewhere may have its port for a moment.
        for _ in 0..5 {
            match Server::try_start_at(directory, port, &[]) {
                Ok(server) => return server,
                Err(unused) => directory = unused,
            }
        }
        panic!("the port was taken by another process")
    }

    /// Port 0 is any that is free. An error, with the directory, is a port that another process has.
    fn try_start_at(directory: TempDir, port: u16, options: &[&str]) -> Result<Server, TempDir> {
        let path = |name: &str| directory.path().join(name).display().to_string();
        let mut arguments = vec!["--port".to_owned(), port.to_string()];
        arguments.extend(["--db".to_owned(), path("server.db"), "--log".to_owned(), path("requests.jsonl")]);
        arguments.extend(["--api-key", KEY, "--entity", ENTITY].map(str::to_owned));
        arguments.extend(options.iter().map(|option| option.to_string()));
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/server.py");
        let mut process = Guarded::python(directory.path(), &script, &arguments, Stdio::piped());
        if let Some(address) = process.lines().next() {
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            return Ok(Server { process, directory, port: port.expect("the line is the address") });
        }
        let said = std::fs::read_to_string(path("stderr.txt")).unwrap_or_default();
        assert!(said.contains(PORT_TAKEN), "the local server does not start:\n{said}");
        Err(directory)
    }

    /// The server without faults that the tests of one program share.
    pub fn shared() -> &'static Server {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Server::start(&[]))
    }

    /// The address of the W&B server and of the trace server.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Asks the server, past the library.
    pub fn get(&self, path: &str) -> Value {
        let body = self.ask("GET", path, "").unwrap();
        serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{path}: {}", String::from_utf8_lossy(&body)))
    }

    /// Asks the server with a JSON body, past the library; the bytes of the answer, or what it refused with.
    pub fn post_bytes(&self, path: &str, body: &Value) -> std::io::Result<Vec<u8>> {
        self.ask("POST", path, &body.to_string())
    }

    /// Asks the server with a JSON body, past the library.
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let body = self.post_bytes(path, body).unwrap();
        serde_json::from_slice(&body).unwrap_or_else(|_| panic!("{path}: {}", String::from_utf8_lossy(&body)))
    }

    /// Makes a project, past the library.
    pub fn make_project(&self, entity: &str, project: &str) {
        let query = "mutation M($i: UpsertModelInput!) { upsertModel(input: $i) { inserted } }";
        let input = serde_json::json!({"i": {"name": project, "entityName": entity}});
        let answer = self.post("/graphql", &serde_json::json!({"query": query, "variables": input}));
        assert!(answer.get("errors").is_none(), "{answer}");
    }

    /// The log of the requests to a path, in the order of their answers, once it holds as many as expected. The server
    /// writes a line after it has answered, so the last ones may still be under way.
    pub fn requests_to(&self, path: &str, expected: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.directory.path().join("requests.jsonl")).unwrap_or_default();
            let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
            let requests = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let found: Vec<Value> = requests.filter(|request| request["path"] == path).collect();
            if found.len() >= expected {
                return found;
            }
            assert!(began.elapsed() < LOG_LIMIT, "{} of {expected} requests to {path}:\n{text}", found.len());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        let authorization = BASE64_STANDARD.encode(format!("api:{KEY}"));
        write!(
            stream,
            "{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: Basic {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end =
            answer.windows(4).position(|four| four == b"\r\n\r\n").filter(|_| answer.starts_with(b"HTTP/1.1 200"));
        let refused = || std::io::Error::other(format!("{path}: {}", String::from_utf8_lossy(&answer)));
        end.map(|end| answer[end + 4..].to_vec()).ok_or_else(refused)
    }
}

/// A port on 127.0.0.1 where nobody listens.
pub fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
