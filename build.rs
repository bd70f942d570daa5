//! Makes the header of the C interface and the list of emojis in the build's output folder, and gives the shared library
//! its name and its exports.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a build that cannot go on stops with its reason")]

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src/ffi");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    make_header(&root, &out.join("weave.h"))?;
    list_emojis(&out.join("emojis.txt"))?;
    link_shared_library(&out)
}

/// `make header` copies what is made here to include/weave.h.
fn make_header(root: &Path, place: &Path) -> Result<(), Box<dyn Error>> {
    let mut config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let of_version = |part: &str| env::var(format!("CARGO_PKG_VERSION{part}"));
    config.after_includes = Some(format!(
        "\n/* The version of this header; weave_version() is the library's. */\n\
         #define WEAVE_VERSION \"{}\"\n\
         #define WEAVE_VERSION_MAJOR {}\n\
         #define WEAVE_VERSION_MINOR {}\n\
         #define WEAVE_VERSION_PATCH {}\n\n\
         /* Warns when the result of a function that makes something is thrown away. */\n\
         #if defined(__cplusplus) && __cplusplus >= 201703L\n\
         #define WEAVE_NODISCARD [[nodiscard]]\n\
         #elif defined(__GNUC__) || defined(__clang__)\n\
         #define WEAVE_NODISCARD __attribute__((warn_unused_result))\n\
         #else\n\
         #define WEAVE_NODISCARD\n\
         #endif\n",
        of_version("")?,
        of_version("_MAJOR")?,
        of_version("_MINOR")?,
        of_version("_PATCH")?,
    ));
    // In this order the files stand in the header.
    let files = [
        "version",
        "error",
        "strings",
        "callbacks",
        "log",
        "options",
        "options_storage",
        "options_server",
        "stop",
        "options_sync",
        "client",
        "json",
        "call",
        "call_options",
        "object",
        "file",
        "feedback",
        "sync",
        "aftercare",
    ];
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in files {
        builder = builder.with_src(root.join("src/ffi").join(format!("{file}.rs")));
    }
    builder.generate()?.write_to_file(place);
    Ok(())
}

/// Every emoji in its full form, one a line: src/record/emoji.rs includes it.
fn list_emojis(place: &Path) -> io::Result<()> {
    let mut all = String::new();
    for emoji in emojis::iter() {
        match emoji.skin_tones() {
            Some(tones) => tones.for_each(|tone| all.extend([tone.as_str(), "\n"])),
            None => all.extend([emoji.as_str(), "\n"]),
        }
    }
    fs::write(place, all)
}

/// Only what begins with `weave_` is exported, the major version is part of the name, and the library stays once loaded:
/// its threads and thread-local values must not lose their code.
fn link_shared_library(out: &Path) -> Result<(), Box<dyn Error>> {
    let major = env::var("CARGO_PKG_VERSION_MAJOR")?;
    match env::var("CARGO_CFG_TARGET_OS").unwrap_or_default().as_str() {
        "linux" | "android" | "freebsd" => {
            let exports = out.join("exports.map");
            fs::write(&exports, "{ global: weave_*; local: *; };\n")?;
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libweave.so.{major}");
            println!("cargo:rustc-cdylib-link-arg=-Wl,--version-script={}", exports.display());
            println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        }
        "macos" => println!("cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libweave.{major}.dylib"),
        _ => {}
    }
    Ok(())
}
