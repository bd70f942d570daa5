//! What must hold for any bytes on the disk, for the inputs that fuzzing has found worth keeping and for every one that
//! once broke a claim. `make fuzz` looks for more.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fuzz/claims.rs"]
mod claims;

use std::fs;
use std::path::{Path, PathBuf};

type Claim = fn(&[u8]);

const CLAIMS: [(&str, Claim); 5] = [
    ("data_file", claims::data_file),
    ("journal", claims::journal),
    ("ring", claims::ring),
    ("frame", claims::frame),
    ("member", claims::member),
];

fn inputs(folder: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[test]
fn the_corpus_keeps_the_claims() {
    for (name, claim) in CLAIMS {
        let corpus = inputs(&fuzz().join("corpus").join(name));
        assert!(!corpus.is_empty(), "{name}");
        for path in corpus {
            println!("{}", path.display()); // shown when the claim is broken
            claim(&fs::read(path).unwrap());
        }
    }
}

#[test]
fn what_once_broke_a_claim_keeps_it() {
    let crashers = inputs(&fuzz().join("crashers"));
    assert!(!crashers.is_empty());
    for path in crashers {
        println!("{}", path.display()); // shown when the claim is broken
        let name = path.file_name().unwrap().to_str().unwrap();
        let claim = CLAIMS.iter().find(|(target, _)| name.starts_with(&format!("{target}-"))).unwrap().1;
        claim(&fs::read(&path).unwrap());
    }
}

/// The first inputs, made of what the library itself writes.
#[test]
#[ignore = "writes fuzz/corpus"]
fn write_the_first_corpus() {
    for (name, inputs) in claims::seeds() {
        let folder = fuzz().join("corpus").join(name);
        fs::create_dir_all(&folder).unwrap();
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number}")), input).unwrap();
        }
    }
}
