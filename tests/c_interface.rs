//! The shared library as a C program meets it: the header, the exported names, and one session that is run through it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::network::gateway;
use common::offline::Offline;
use common::server::{Server, KEY};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::sync::Mutex;
use std::time::Duration;
use weave::record::kind::Kind;

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(120);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shared library that was built with this test, which lies beside it.
fn library() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let library = here.parent().unwrap().join("libweave.so");
    assert!(library.exists(), "{} is missing: run `cargo build`", library.display());
    library
}

fn run(program: &str, arguments: &[impl AsRef<OsStr>]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{program}: {error}; the tests need a C and C++ compiler and binutils"))
}

fn succeed(program: &str, arguments: &[impl AsRef<OsStr>]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn include() -> String {
    format!("-I{}", root().join("include").display())
}

/// Compiles a C program against the library, which it finds in `dir` when it is run with `LD_LIBRARY_PATH`.
fn compiled(source: &str, dir: &Path) -> PathBuf {
    let soname = format!("libweave.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    std::os::unix::fs::symlink(library(), dir.join(soname)).unwrap();
    let program = dir.join("program");
    let (include, source, library) = (include(), root().join(source), library());
    let mut arguments: Vec<&OsStr> = vec!["-std=c11".as_ref(), include.as_ref(), source.as_ref(), library.as_ref()];
    arguments.extend(STRICT.iter().map(OsStr::new));
    arguments.extend(["-pthread".as_ref(), "-o".as_ref(), program.as_os_str()]);
    succeed("cc", &arguments);
    program
}

#[test]
fn the_header_stands_alone_in_c11_and_in_cpp17() {
    let dir = tempfile::tempdir().unwrap();
    for (compiler, standard, file) in [("cc", "-std=c11", "alone.c"), ("c++", "-std=c++17", "alone.cc")] {
        let source = dir.path().join(file);
        std::fs::write(&source, "#include \"weave.h\"\n").unwrap();
        let include = include();
        let mut arguments = vec![standard, "-fsyntax-only", &include];
        arguments.extend(STRICT);
        arguments.push(source.to_str().unwrap());
        succeed(compiler, &arguments);
    }
}

#[test]
fn nothing_but_the_interface_is_exported() {
    let names = succeed("nm", &["-D".as_ref(), "--defined-only".as_ref(), library().as_os_str()]);
    let names: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert!(names.contains(&"weave_log_call"), "{names:?}");
    let foreign: Vec<&&str> = names.iter().filter(|name| !name.starts_with("weave_")).collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn every_function_of_the_header_is_exported_and_the_other_way_round() {
    let header = std::fs::read_to_string(root().join("include/weave.h")).unwrap();
    let names = succeed("nm", &["-D".as_ref(), "--defined-only".as_ref(), library().as_os_str()]);
    let mut exported: Vec<&str> = names.lines().filter_map(|line| line.split_whitespace().last()).collect();
    let is_code = |line: &&str| !line.trim_start().starts_with(['*', '/', '#']);
    let mut declared: Vec<&str> = header
        .lines()
        .filter(is_code)
        .filter(|line| !line.starts_with([' ', '}']) && !line.starts_with("typedef"))
        .filter_map(|line| line.split_once('(').map(|(before, _)| before))
        .filter_map(|before| before.rsplit([' ', '*']).next())
        .collect();
    exported.sort_unstable();
    declared.sort_unstable();
    assert_eq!(declared, exported);
}

#[test]
fn the_library_is_named_by_its_major_version_and_stays_loaded() {
    let dynamic = succeed("readelf", &["-d".as_ref(), library().as_os_str()]);
    let soname = format!("[libweave.so.{}]", env!("CARGO_PKG_VERSION_MAJOR"));
    assert!(dynamic.contains(&soname) && dynamic.contains("NODELETE"), "{dynamic}");
}

/// The session of tests/c/smoke.c, a fault inside the library among its steps. Nothing may be printed on the way.
#[test]
fn a_c_program_logs_is_told_what_is_wrong_and_survives_a_fault_of_the_library() {
    let dir = tempfile::tempdir().unwrap();
    let program = compiled("tests/c/smoke.c", dir.path());
    let output =
        Command::new(&program).arg(dir.path().join("offline")).env("LD_LIBRARY_PATH", dir.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), out.as_ref(), err.as_ref()), (Some(0), "", ""));
}

#[test]
fn a_stop_that_is_asked_for_in_the_child_of_a_fork_leaves_the_connections_of_its_parent() {
    let (dir, offline) = (tempfile::tempdir().unwrap(), Offline::new("team/forked"));
    offline.write_file(Kind::Calls, 0, &[offline.call_line("step").1]);
    offline.close();
    let (is_open, told) = channel();
    let (asked, hears) = channel();
    let hears = Mutex::new(hears);
    let port = gateway(Server::shared().port(), move |path, answer, client| {
        if path.ends_with("/calls/complete") {
            is_open.send(true).unwrap();
            hears.lock().unwrap().recv().unwrap();
            client.set_nonblocking(true)?;
            let silent = client.read(&mut [0]).is_err_and(|cause| cause.kind() == ErrorKind::WouldBlock);
            client.set_nonblocking(false)?;
            is_open.send(silent).unwrap();
        }
        client.write_all(answer)
    });
    let mut syncing = Command::new(compiled("tests/c/stop_in_child.c", dir.path()))
        .args([offline.root().as_os_str(), format!("http://127.0.0.1:{port}").as_ref(), KEY.as_ref()])
        .env("LD_LIBRARY_PATH", dir.path())
        .env("NO_PROXY", "*")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(told.recv_timeout(LIMIT).unwrap(), "the request is under way");
    writeln!(syncing.stdin.take().unwrap(), "ask").unwrap();
    let mut line = String::new();
    BufReader::new(syncing.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "asked\n");
    asked.send(()).unwrap();
    assert!(told.recv_timeout(LIMIT).unwrap(), "the connection was cut");
    assert_eq!(syncing.wait().unwrap().code(), Some(0));
}
