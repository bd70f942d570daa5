//! The shared library as a C program meets it: the header, the exported names, and one session that is run through it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const STRICT: [&str; 4] = ["-Wall", "-Wextra", "-Werror", "-pedantic"];

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
    let soname = format!("libweave.so.{}", env!("CARGO_PKG_VERSION_MAJOR"));
    std::os::unix::fs::symlink(library(), dir.path().join(soname)).unwrap();
    let program = dir.path().join("smoke");
    let (include, source, library) = (include(), root().join("tests/c/smoke.c"), library());
    let mut arguments: Vec<&OsStr> = vec!["-std=c11".as_ref(), include.as_ref(), source.as_ref(), library.as_ref()];
    arguments.extend(STRICT.iter().map(OsStr::new));
    arguments.extend(["-o".as_ref(), program.as_os_str()]);
    succeed("cc", &arguments);
    let output =
        Command::new(&program).arg(dir.path().join("offline")).env("LD_LIBRARY_PATH", dir.path()).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), out.as_ref(), err.as_ref()), (Some(0), "", ""));
}
