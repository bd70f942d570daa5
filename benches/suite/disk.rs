//! What lies in the data files: how much it is, what one gzip stream of the same lines takes, and how fast compressors
//! are with these lines.

use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;
use libdeflater::{CompressionLvl, Compressor};
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// What is compressed at once when a rate is measured: about a member's lines.
const BATCH: usize = 256 * 1024;
const LONG_ENOUGH: Duration = Duration::from_millis(500);

struct Lines {
    raw: Vec<u8>,
    /// Compressed and raw length of each member.
    members: Vec<(Vec<u8>, usize)>,
    disk: u64,
}

/// `DIR LEVEL`: size on disk beside one stream of the same lines at a level; 0 is the level that the members have.
pub fn size(arguments: &[String]) {
    let [dir, level] = arguments else { panic!("DIR LEVEL") };
    let lines = read(dir);
    let levels = levels(&lines);
    let used = levels.iter().max_by_key(|(_, count)| **count).map_or(1, |(level, _)| *level);
    let level = match level.parse().expect("a level") {
        0 => used,
        level => level,
    };
    let names: Map<String, Value> = levels.iter().map(|(level, count)| (level.to_string(), json!(count))).collect();
    println!(
        "{}",
        json!({"records": lines.records(), "raw": lines.raw.len(), "disk": lines.disk, "level": level,
               "stream": compressed(&lines.raw, level).len(), "members": lines.members.len(), "levels": names})
    );
}

/// `DIR LEVEL`: the rate of the bare compressor on the lines, in MB/s and lines a second.
pub fn rate(arguments: &[String]) {
    let [dir, level] = arguments else { panic!("DIR LEVEL") };
    let lines = read(dir);
    let level = level.parse().expect("a level");
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
    let mut out = vec![1; compressor.gzip_compress_bound(BATCH)];
    let began = Instant::now();
    let mut rounds = 0;
    while began.elapsed() < LONG_ENOUGH {
        for batch in lines.raw.chunks(BATCH) {
            std::hint::black_box(compressor.gzip_compress(batch, &mut out).unwrap());
        }
        rounds += 1;
    }
    let seconds = began.elapsed().as_secs_f64() / f64::from(rounds);
    println!("{}", json!({"mb": lines.raw.len() as f64 / 1e6 / seconds, "lines": lines.records() as f64 / seconds}));
}

/// `DIR`: which compressor writes members: rate and size of one batch.
pub fn compressors(arguments: &[String]) {
    let [dir] = arguments else { panic!("DIR") };
    let lines = read(dir);
    let batch = &lines.raw[..lines.raw.len().min(BATCH)];
    let mut answers = Map::new();
    for level in [1, 3, 6, 9] {
        let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
        let mut out = vec![1; compressor.gzip_compress_bound(batch.len())];
        let libdeflate = measured(batch, || compressor.gzip_compress(batch, &mut out).unwrap());
        let flate2 = measured(batch, || {
            let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::new(level as u32));
            encoder.write_all(batch).unwrap();
            encoder.finish().unwrap().len()
        });
        answers.insert(level.to_string(), json!({"libdeflate": libdeflate, "flate2": flate2}));
    }
    println!("{}", Value::from(answers));
}

fn measured(batch: &[u8], mut compress: impl FnMut() -> usize) -> Value {
    let (began, mut rounds, mut size) = (Instant::now(), 0u32, 0);
    while began.elapsed() < LONG_ENOUGH {
        size = compress();
        rounds += 1;
    }
    let rate = batch.len() as f64 * f64::from(rounds) / began.elapsed().as_secs_f64() / 1e6;
    json!({"mb": rate, "smaller": batch.len() as f64 / size as f64})
}

fn compressed(raw: &[u8], level: i32) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::new(level).unwrap());
    let mut out = vec![0; compressor.gzip_compress_bound(raw.len())];
    let length = compressor.gzip_compress(raw, &mut out).unwrap();
    out.truncate(length);
    out
}

/// How many members have each level: the one whose output begins as the member's does.
fn levels(lines: &Lines) -> BTreeMap<i32, usize> {
    let (mut found, mut at) = (BTreeMap::new(), 0);
    let step = lines.members.len().div_ceil(40);
    for (index, (member, raw)) in lines.members.iter().enumerate() {
        let text = &lines.raw[at..at + raw];
        at += raw;
        if index % step != 0 {
            continue;
        }
        // The compressed data is what lies between the header, of any length, and the trailer, of 8 bytes.
        let same = |level: &i32| {
            let gzip = compressed(text, *level);
            member.ends_with(&gzip[10..])
        };
        if let Some(level) = (1..=12).find(same) {
            *found.entry(level).or_insert(0) += 1;
        }
    }
    found
}

/// Every data file of calls in an offline directory with one project.
fn read(dir: &str) -> Lines {
    let mut lines = Lines { raw: Vec::new(), members: Vec::new(), disk: 0 };
    let folder = Path::new(dir).join("team/bench/calls");
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let file = fs::read(&path).unwrap();
        lines.disk += file.len() as u64;
        let mut rest = file.as_slice();
        while !rest.is_empty() {
            let (before, mut member) = (lines.raw.len(), GzDecoder::new(rest));
            member.read_to_end(&mut lines.raw).unwrap();
            let behind = member.into_inner();
            lines.members.push((rest[..rest.len() - behind.len()].to_vec(), lines.raw.len() - before));
            rest = behind;
        }
    }
    lines
}

impl Lines {
    /// Calls; a file's own lines about its writer are no records.
    fn records(&self) -> usize {
        let of_a_call = |line: &&[u8]| line.windows(22).take(40).any(|window| window == br#""type":"call_complete""#);
        self.raw.split(|byte| *byte == b'\n').filter(of_a_call).count()
    }
}
