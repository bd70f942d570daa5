//! What must hold for any bytes that are read from the disk. Fuzzed by `make fuzz`; `cargo test` plays the corpus and
//! every input that once broke a claim.

#![allow(dead_code)] // each fuzzer uses one

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::OnceLock;
use weave::record::frame::{Body, Frame, Record};
use weave::record::kind::RecordType;
use weave::record::sink::Sink;
use weave::record::time::Timestamp;
use weave::store::data_file::FileOptions;
use weave::store::hop::Members;
use weave::store::journal::ring::{Ring, RingFile};
use weave::store::journal::{self, stream};
use weave::store::layout::Access;
use weave::store::limits::Sizes;
use weave::store::member::{self, Covered, Writer};
use weave::store::reader::Reader;
use weave::store::recovery;
use weave::store::survey::{survey, Sought};

const SIZES: Sizes = Sizes { ring: 4096, segment: 4096, batch: 2048, worth_packing: 1024 };
const NAMES: [&str; 5] = ["lock", "09.ring", "00000000000000000000.log", "18446744073709551600.log", "other"];
const JOURNAL: [u8; 16] = [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0];

/// A folder that goes when the claim was made.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let memory = Path::new("/dev/shm");
        let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let name = format!("weave-claim-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        fs::create_dir(base.join(&name)).unwrap();
        Place(base.join(name))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Takes an input apart.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn some(&mut self) -> &'a [u8] {
        let length = self.number();
        self.take(length)
    }
}

/// Whole members with two lines each, which may stand before anything.
fn whole_members() -> &'static [Vec<u8>; 3] {
    static MEMBERS: OnceLock<[Vec<u8>; 3]> = OnceLock::new();
    MEMBERS.get_or_init(|| {
        [0, 1, 2].map(|number| {
            let lines = format!("{{\"line\":{}}}\n{{\"line\":{}}}\n", number * 2, number * 2 + 1);
            let covered = Covered { stream: stream(&JOURNAL, 1), from: number * 64, to: (number + 1) * 64 };
            Writer::new(6).unwrap().write(lines.as_bytes(), 2, &[covered]).unwrap()
        })
    })
}

fn lines(path: &Path) -> Vec<Vec<u8>> {
    let (mut reader, mut line, mut lines) = (Reader::open(path).unwrap(), Vec::new(), Vec::new());
    while reader.next_line(&mut line).unwrap().is_some() {
        lines.push(line.clone());
    }
    lines
}

fn first_lines_are_there(path: &Path, members: usize) {
    let there = if path.exists() { lines(path) } else { Vec::new() };
    for number in 0..members * 2 {
        assert_eq!(there.get(number), Some(&format!("{{\"line\":{number}}}").into_bytes()), "line {number}");
    }
}

fn sought(power_was_lost: bool) -> Sought {
    Sought { journals: HashSet::from([JOURNAL]), freed: HashMap::new(), power_was_lost }
}

fn set_aside(root: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(root.join(".weave/damaged")) else { return Vec::new() };
    entries.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// A data file: whole members, then anything. The lines before the damage are delivered, before and after a recovery has
/// looked at the file, and what recovery takes off it after a loss of power is set aside.
pub fn data_file(bytes: &[u8]) {
    let mut input = Input(bytes);
    let choice = input.byte();
    let (members, is_plain, power_was_lost) = (usize::from(choice % 4), choice & 4 != 0, choice & 8 != 0);
    let place = Place::new();
    let folder = place.0.join("team/project/calls");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(if is_plain && members == 0 { "20260102_0000.jsonl" } else { "20260102_0000.jsonl.gz" });
    let before = [whole_members()[..members].concat(), input.0.to_vec()].concat();
    fs::write(&path, &before).unwrap();
    first_lines_are_there(&path, members);
    let mut hop = Members::open(&path).unwrap().unwrap();
    let mut count = 0;
    while let Some((at, header)) = hop.next_member().unwrap() {
        assert!(at + u64::from(header.length) <= before.len() as u64);
        count += 1;
    }
    assert!(count >= members);
    survey(&place.0, Access::Owner, &sought(power_was_lost)).unwrap();
    first_lines_are_there(&path, members);
    let after = fs::read(&path).unwrap_or_default();
    if power_was_lost && !before.starts_with(&after) {
        let kept = set_aside(&place.0);
        assert!(kept.iter().any(|kept| !kept.is_empty() && before.ends_with(kept)), "the gaps are set aside");
    } else if power_was_lost && after.len() < before.len() {
        assert!(set_aside(&place.0).iter().any(|kept| kept == &before[after.len()..]), "what was cut is set aside");
    }
    // A second look finds nothing to do.
    survey(&place.0, Access::Owner, &sought(power_was_lost)).unwrap();
    assert_eq!(fs::read(&path).unwrap_or_default(), after);
}

/// A record as a journal keeps it, or anything.
fn content(input: &mut Input) -> Vec<u8> {
    let choice = input.byte();
    let bytes = input.some();
    if choice.is_multiple_of(4) {
        return bytes.to_vec();
    }
    let text = String::from_utf8_lossy(bytes);
    let (project, text) = match choice & 8 {
        0 => ("team/project", text.as_ref()),
        _ => text.split_once('|').unwrap_or((&text, "{}")),
    };
    let timestamp = Timestamp::from_micros(1_700_000_000_000_000).unwrap();
    let record_type = RecordType::ALL[3 + usize::from(choice >> 4) % 9];
    let record = Record { record_type, timestamp, project, body: Body::Json(text) };
    Sink::collect(record.encoded_length(), |out| record.encode(out))
}

/// Puts bytes over a file here and there, and may cut it.
fn spoil(path: &Path, input: &mut Input) {
    let mut bytes = fs::read(path).unwrap();
    for _ in 0..input.byte() % 5 {
        let at = input.number() % bytes.len().max(1);
        let patch = input.some();
        for (there, byte) in bytes.iter_mut().skip(at).zip(patch) {
            *there = *byte;
        }
    }
    if input.byte() % 4 == 1 {
        bytes.truncate(input.number() % (bytes.len() + 1));
    }
    fs::write(path, bytes).unwrap();
}

fn make_ring(path: &Path, number: u16, input: &mut Input) {
    let ring = Ring::create(path, stream(&JOURNAL, number + 1), SIZES.ring, Access::Owner).unwrap();
    let (mut producer, mut consumer) = (ring.producer().unwrap(), ring.consumer().unwrap());
    for _ in 0..input.byte() % 40 {
        let content = content(input);
        let appended = producer.append(|room| {
            room.get_mut(..content.len())?.copy_from_slice(&content);
            Some(content.len())
        });
        if appended.is_none() || input.byte().is_multiple_of(8) {
            consumer.free(ring.head());
        }
    }
}

fn make_segment(journal: &Path, position: &mut u64, input: &mut Input) -> PathBuf {
    let path = journal.join(format!("{position:020}.log"));
    let mut bytes = b"WEAVEJ1\n".to_vec();
    bytes.extend_from_slice(&JOURNAL);
    for _ in 0..input.byte() % 20 {
        let content = content(input);
        bytes.extend_from_slice(&(content.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        bytes.extend_from_slice(&content);
    }
    *position += bytes.len() as u64 - 24 + u64::from(input.byte() % 8 == 1);
    fs::write(&path, bytes).unwrap();
    path
}

/// A journal whose process is gone: rings, segments and notes, spoilt here and there. Recovery ends, writes nowhere else
/// than in the offline directory, and what it has deleted it has read or set aside.
pub fn journal(bytes: &[u8]) {
    let mut input = Input(bytes);
    let place = Place::new();
    let root = place.0.join("a/root");
    let folder = journal::folder(&root).join("07070707070707070707070707070000");
    fs::create_dir_all(&folder).unwrap();
    let mut position = 0;
    for number in 0..input.byte() % 5 {
        let path = match input.byte() % 6 {
            0 | 1 => {
                let path = journal::ring_path(&folder, u16::from(number));
                make_ring(&path, u16::from(number), &mut input);
                path
            }
            2 | 3 => make_segment(&folder, &mut position, &mut input),
            4 => {
                let path = folder.join("progress.json");
                fs::write(&path, input.some()).unwrap();
                path
            }
            _ => {
                let path = folder.join(NAMES[usize::from(input.byte()) % NAMES.len()]);
                fs::write(&path, input.some()).unwrap();
                path
            }
        };
        spoil(&path, &mut input);
    }
    let before = journal_files(&folder);
    let files = FileOptions { compress: input.byte() % 2 == 0, max_size: 3000, ..FileOptions::default() };
    let recovered = recovery::recover(&root, Access::Owner, &files, SIZES);
    let outside: Vec<PathBuf> = fs::read_dir(place.0.join("a")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(outside, std::slice::from_ref(&root), "nothing is written outside");
    assert_eq!(fs::read_dir(&place.0).unwrap().count(), 1, "nothing is written outside");
    if let Err(error) = recovered {
        panic!("recovery is blocked: {error}");
    }
    assert!(!folder.exists());
    let kept = set_aside(&root);
    for (path, bytes) in before {
        let is_kept = kept.contains(&bytes);
        assert!(is_kept || is_understood(&path, &bytes), "{} is gone", path.display());
    }
}

fn journal_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Whether a file of a journal holds nothing but what a process writes, up to where one may have been killed.
fn is_understood(path: &Path, bytes: &[u8]) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    if bytes.iter().all(|byte| *byte == 0) || name == "lock" || name == "progress.json" {
        return true;
    }
    if name.ends_with(".ring") {
        let place = Place::new();
        let path = place.0.join(name);
        fs::write(&path, bytes).unwrap();
        let ring = RingFile::read(&path).unwrap();
        return ring.is_some_and(|ring| {
            let all = ring.frames().into_iter().all(|(_, _, range)| Frame::decode(ring.bytes(range)).is_some());
            ring.damage().is_none() && all
        });
    }
    if name.ends_with(".log") {
        let mut at = 24;
        if !b"WEAVEJ1\n".starts_with(&bytes[..bytes.len().min(8)]) {
            return false;
        }
        while let Some(head) = bytes.get(at..at + 8) {
            let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
            let Some(content) = bytes.get(at + 8..at + 8 + length) else { return length > 0 && length <= 31 << 20 };
            let sum = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            if length == 0 || crc32fast::hash(content) != sum || Frame::decode(content).is_none() {
                return false;
            }
            at += 8 + length;
        }
        return true;
    }
    name == "other" // no file of a journal
}

/// A ring file of any bytes, whose header may be given the right checksum. What is found in it is in order and within it.
pub fn ring(bytes: &[u8]) {
    let mut input = Input(bytes);
    let choice = input.byte();
    let mut bytes = input.0.to_vec();
    if choice & 1 != 0 && bytes.len() >= 60 {
        bytes[..8].copy_from_slice(b"WEAVER1\n");
        bytes[24..32].copy_from_slice(&4096u64.to_le_bytes());
        let sum = crc32fast::hash(&bytes[..56]);
        bytes[56..60].copy_from_slice(&sum.to_le_bytes());
    }
    let place = Place::new();
    let path = place.0.join("00.ring");
    if choice & 2 != 0 {
        make_ring(&path, 0, &mut input);
        spoil(&path, &mut input);
    } else {
        fs::write(&path, &bytes).unwrap();
    }
    let Some(ring) = RingFile::read(&path).unwrap() else { return };
    let _ = (ring.stream(), ring.damage(), ring.is_of_this_boot());
    let frames = ring.frames();
    assert!(frames.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    for (from, end, range) in frames {
        assert!(from >= ring.freed() && end > from);
        assert_eq!(ring.bytes(range.clone()).len(), range.len());
    }
}

/// Anything as a record: it is none, or becomes one line.
pub fn frame(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (first, second) = (input.some(), input.0);
    let frames: Vec<Frame> = [first, second].into_iter().filter_map(Frame::decode).collect();
    let mut line = Vec::new();
    for frame in &frames {
        frame.render_line(&mut line);
        assert!(line.ends_with(b"}\n"));
    }
    if let [start, end] = &frames[..] {
        if let Some(whole) = Frame::join(start, end) {
            assert_eq!(whole.call_id(), start.call_id());
            whole.render_line(&mut line);
        }
    }
}

/// Anything as the header of a member.
pub fn member(bytes: &[u8]) {
    if let Some(header) = member::parse_header(bytes) {
        let length = member::header_length(bytes).unwrap();
        assert!(length <= bytes.len() && header.covered.len() * 32 < length);
        assert_eq!(member::parse_header(&bytes[..length]), Some(header));
    }
    if let Some(at) = member::find_start(bytes) {
        assert!(member::is_start_or_less(&bytes[at..]));
    }
}

/// Inputs made of what the library itself writes, by target.
pub fn seeds() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let members = whole_members();
    let call = weave::record::call::Call { id: b"00f067aa0ba902b7", inputs: Some(b"{\"a\":1}"), ..Default::default() };
    let timestamp = Timestamp::from_micros(1_700_000_000_000_000).unwrap();
    let parts = [RecordType::CallStart, RecordType::CallEnd].map(|record_type| {
        let record = Record { record_type, timestamp, project: "team/project", body: Body::Call(&call) };
        Sink::collect(record.encoded_length(), |out| record.encode(out))
    });
    let some = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let torn = &members[0][..members[0].len() / 2];
    let data_files = (0..12u8).map(|choice| [&[choice], torn, &members[2], b"{\"plain\":1}\n"].concat()).collect();

    // Contents as `content` takes them: a choice, then the bytes.
    let contents = [[&[0][..], &some(&parts[0])].concat(), [&[17][..], &some(b"{\"a\":1}")].concat()].concat();
    let with_tail = |count: u8| [&[count][..], &contents, &contents, &[0, 0, 0, 0]].concat();
    let notes = r#"{"team/project/calls":{"synced":[[[7,7,7,7,7,7,7,7,7,7,7,7,7,7,1,0],[[0,64]]]],"unsynced":[{"file":
        "team/project/calls/20260102_0000.jsonl","offset":0,"length":5,"checksum":1,"after":[]}]}}"#;
    let journals = vec![
        [&[1, 0][..], &with_tail(4)].concat(),
        [&[1, 2][..], &with_tail(4)].concat(),
        [&[2, 0][..], &with_tail(4), &[4], &some(notes.as_bytes()), &[0, 0, 0]].concat(),
        [&[2, 5, 3][..], &some(b"WEAVEJ1\n"), &[0, 0, 2], &with_tail(4)].concat(),
    ];
    let rings = vec![[&[2][..], &with_tail(4)].concat(), [&[1][..], &[0; 8192]].concat()];
    let frames = vec![[some(&parts[0]), parts[1].clone()].concat(), [some(&parts[1]), contents.clone()].concat()];
    let heads = members.iter().map(|member| member[..80].to_vec()).collect();
    vec![("data_file", data_files), ("journal", journals), ("ring", rings), ("frame", frames), ("member", heads)]
}
