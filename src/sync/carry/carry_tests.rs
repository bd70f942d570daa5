//! A device and a base, without a server: what a sync would note at the base is noted by hand.

use super::pack::{pack, Packed, Request};
use super::unpack::{unpack, Unpacked};
use super::*;
use crate::store::layout::{Access, ProjectDir};
use crate::store::lock;
use crate::sync::kept::open_calls::{OpenCall, OpenCalls};
use crate::sync::kept::progress::{self, Known, Progress};
use crate::sync::kept::ranges::Ranges;
use crate::sync::kept::receipts::Receipt;
use crate::sync::kept::rejected::{Entry, Rejected};
use crate::sync::results::Counted;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

const FILE: &str = "calls/20260131_0000.jsonl";
const TO: &str = "http://server team/there";

/// A device, its stick and the base.
struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> World {
        let world = World { root: tempfile::tempdir().unwrap() };
        fs::create_dir_all(world.device().path.join("calls")).unwrap();
        world
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn device(&self) -> ProjectDir {
        ProjectDir::new(&self.at("device"), "team/demo")
    }

    fn base(&self) -> ProjectDir {
        ProjectDir::new(&self.at("base"), "team/demo")
    }

    /// The calls of a plain data file: one line each.
    fn write(&self, file: &str, calls: &[&str]) {
        fs::write(self.device().path.join(file), calls.concat()).unwrap();
    }

    fn pack(&self) -> Packed {
        self.pack_to("stick")
    }

    fn pack_to(&self, stick: &str) -> Packed {
        let (dir, bundle) = (self.at("device"), self.at(stick));
        pack(&Request { dir: &dir, projects: &[], bundle: &bundle, wait: Duration::ZERO }, &mut |_, _| {}).unwrap()
    }

    fn unpack(&self) -> Unpacked {
        self.unpack_from("stick")
    }

    fn unpack_from(&self, stick: &str) -> Unpacked {
        unpack(&self.at(stick), &self.at("base"), &mut |_, _| {}).unwrap()
    }

    fn receipt(&self) {
        write_receipt(&self.at("stick"), &self.at("base")).unwrap();
    }

    /// As if a sync at the base had sent these records.
    fn sent(&self, file: &str, records: (u64, u64)) {
        let known = Known { by: [(TO.to_string(), vec![records].into())].into(), ..Known::default() };
        progress::take_over(&self.base(), &[(file.to_string(), known)].into(), &BTreeMap::new(), Access::Owner)
            .unwrap();
    }

    fn acknowledged(&self, project: &ProjectDir, file: &str) -> Ranges {
        progress::known(project).unwrap().get(file).map(Known::acknowledged).unwrap_or_default()
    }
}

fn call(id: &str) -> String {
    format!("{{\"type\":\"call_complete\",\"timestamp\":\"t\",\"data\":{{\"id\":\"{id}\"}}}}\n")
}

fn start(id: &str) -> String {
    format!("{{\"type\":\"call_start\",\"timestamp\":\"t\",\"data\":{{\"start\":{{\"id\":\"{id}\"}}}}}}\n")
}

fn ranges(pairs: &[(u64, u64)]) -> Ranges {
    pairs.to_vec().into()
}

fn doubts(project: &ProjectDir) -> Ranges {
    Progress::open(project, Access::Owner).unwrap().in_doubt(FILE)
}

#[test]
fn what_waits_comes_to_the_base_as_it_is_and_is_in_doubt_on_both_sides() {
    let world = World::new();
    world.write(FILE, &[&call("a"), &call("b")]);
    let packed = world.pack();
    assert_eq!((packed.projects[0].files, packed.projects[0].records), (1, 2));
    assert_eq!(world.unpack().files, 1);
    assert_eq!(fs::read(world.base().path.join(FILE)).unwrap(), (call("a") + &call("b")).into_bytes());
    assert_eq!((doubts(&world.device()), doubts(&world.base())), (ranges(&[(0, 1)]), ranges(&[(0, 1)])));
}

#[test]
fn with_the_receipt_a_file_that_was_sent_whole_is_synced_here_too_and_has_a_receipt() {
    let world = World::new();
    world.write(FILE, &[&call("a"), &call("b")]);
    world.pack();
    world.unpack();
    world.sent(FILE, (0, 1));
    world.receipt();
    let taken = world.pack().taken.unwrap();
    assert_eq!((taken.records, taken.problems.len()), (2, 0));
    let device = world.device();
    assert!(device.path.join("calls/20260131_0000.synced.jsonl").exists() && !device.path.join(FILE).exists());
    let mut receipt = Receipt::open(&device.sync_folder().join("receipts/calls-20260131_0000.jsonl.gz")).unwrap();
    assert_eq!((receipt.header.server.as_str(), receipt.header.to.as_str()), ("http://server", "team/there"));
    assert_eq!(receipt.next_ids().unwrap().unwrap(), [Some("a".to_string()), Some("b".to_string())]);
    assert!(world.pack().taken.is_none(), "the receipt is taken once");
    assert_eq!(fs::read_dir(world.at("stick/weave-data")).unwrap().count(), 0, "room was made on the stick");
}

#[test]
fn a_file_that_grows_is_lengthened_and_goes_on_where_it_was_acknowledged() {
    let world = World::new();
    let path = world.device().path.join(FILE);
    world.write(FILE, &[&call("a"), "{\"torn"]);
    let held = lock::try_hold(&path).unwrap();
    world.pack();
    world.unpack();
    assert_eq!(fs::read_to_string(world.base().path.join(FILE)).unwrap(), call("a"));
    world.sent(FILE, (0, 0));
    world.receipt();
    drop(held);
    world.write(FILE, &[&call("a"), &call("b")]);
    assert_eq!(world.pack().taken.unwrap().records, 1);
    assert_eq!(world.acknowledged(&world.device(), FILE), ranges(&[(0, 0)]));
    assert_eq!(world.unpack().files, 1);
    assert_eq!(fs::read_to_string(world.base().path.join(FILE)).unwrap(), call("a") + &call("b"));
    assert_eq!(world.acknowledged(&world.base(), FILE), ranges(&[(0, 0)]));
}

#[test]
fn what_was_sent_and_deleted_at_the_base_does_not_come_back() {
    let world = World::new();
    world.write(FILE, &[&call("a")]);
    world.pack();
    world.unpack();
    let (pending, synced) = (world.base().path.join(FILE), world.base().path.join("calls/20260131_0000.synced.jsonl"));
    fs::rename(&pending, &synced).unwrap();
    assert_eq!((world.unpack().files, pending.exists()), (0, false));
    let about = crate::sync::receipts::About {
        records: 1,
        rejected: 0,
        elsewhere: 0,
        server: "http://server",
        to: "team/there",
        server_version: None,
    };
    let file = crate::store::layout::DataFile::parse(&synced).unwrap();
    let mut builder = crate::sync::receipts::Builder::new(&world.base(), "calls", &file, Access::Owner).unwrap();
    builder.add(Some("a")).unwrap();
    builder.finish(&synced, &about).unwrap();
    fs::remove_file(&synced).unwrap();
    let again = world.unpack();
    assert_eq!((again.files, again.known, pending.exists()), (0, 1, false));
    world.receipt();
    assert_eq!(world.pack().taken.unwrap().records, 1);
}

#[test]
fn a_receipt_that_is_torn_foreign_or_about_other_bytes_changes_nothing_and_says_why() {
    let world = World::new();
    world.write(FILE, &[&call("a")]);
    world.pack();
    world.unpack();
    world.sent(FILE, (0, 0));
    world.receipt();
    let path = world.at("stick/weave-receipt.jsonl");
    let whole = fs::read_to_string(&path).unwrap();
    let foreign = super::manifest::Manifest::read(&path).unwrap();
    let mut header = foreign.header.clone();
    header.device = "other".to_string();
    let foreign = super::manifest::Manifest { header, ..foreign };
    let rejected = |why: &str| {
        let taken = world.pack().taken.unwrap();
        assert!(taken.problems[0].contains(why), "{:?}", taken.problems);
        assert_eq!(world.acknowledged(&world.device(), FILE), Ranges::default());
        assert!(path.exists(), "it is left for who looks into it");
    };
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    rejected("torn");
    fs::write(&path, whole.replace("[[0,0]]", "[[0,1]]")).unwrap();
    rejected("checksum");
    foreign.write_receipt(&path).unwrap();
    rejected("another device");
    fs::write(&path, &whole).unwrap();
    world.write(FILE, &[&call("b")]);
    rejected("its bytes are others");
}

#[test]
fn damaged_and_missing_files_are_told_and_the_rest_is_unpacked() {
    let world = World::new();
    let others = ["calls/20260131_0001.jsonl", "calls/20260131_0002.jsonl"];
    world.write(FILE, &[&call("a")]);
    others.iter().for_each(|file| world.write(file, &[&call(file)]));
    world.pack();
    let [damaged, missing] = others.map(|file| blobs::path(&world.at("stick"), "team/demo", file));
    fs::write(&damaged, fs::read_to_string(&damaged).unwrap().replace("call", "cull")).unwrap();
    fs::remove_file(&missing).unwrap();
    let Unpacked { files, problems, .. } = world.unpack();
    assert_eq!((files, problems.len()), (1, 2));
    assert!(problems[0].contains(others[0]) && problems[0].contains("checksum"), "{problems:?}");
    assert!(problems[1].contains(others[1]) && problems[1].contains("missing"), "{problems:?}");
    world.pack();
    assert_eq!((world.unpack().files, world.base().path.join(others[1]).exists()), (2, true));
}

#[test]
fn a_bundle_of_another_device_is_not_written_over_and_not_unpacked_into_the_same_directory() {
    let (world, other) = (World::new(), World::new());
    [&world, &other].iter().for_each(|world| world.write(FILE, &[&call("a")]));
    world.pack();
    let (dir, bundle) = (other.at("device"), world.at("stick"));
    let request = Request { dir: &dir, projects: &[], bundle: &bundle, wait: Duration::ZERO };
    assert!(pack(&request, &mut |_, _| {}).unwrap_err().text().contains("another device"));
    other.pack();
    world.unpack();
    let error = unpack(&other.at("stick"), &world.at("base"), &mut |_, _| {}).unwrap_err();
    assert!(error.text().contains("another device"), "{error}");
    let error = unpack(&world.at("stick"), &other.at("device"), &mut |_, _| {}).unwrap_err();
    assert!(error.text().contains("this machine"), "{error}");
}

#[test]
fn two_devices_with_one_id_are_told_from_each_other() {
    let world = World::new();
    world.write(FILE, &[&call("a")]);
    world.pack();
    world.unpack();
    world.write(FILE, &[&call("b")]);
    world.pack();
    assert!(world.unpack().problems[0].contains("another file"));
    world.write(FILE, &[&call("c"), &call("d")]);
    world.pack();
    assert!(world.unpack().problems[0].contains("does not continue"));
    assert_eq!(fs::read_to_string(world.base().path.join(FILE)).unwrap(), call("a"));
}

#[test]
fn a_bundle_whose_packing_was_cut_short_is_that_of_before() {
    let world = World::new();
    world.write(FILE, &[&call("a")]);
    world.pack();
    let manifest = world.at("stick/weave-bundle.jsonl");
    let former = fs::read(&manifest).unwrap();
    world.write(FILE, &[&call("a"), &call("b")]);
    world.pack();
    fs::write(&manifest, former).unwrap();
    assert_eq!(world.unpack().problems, [""; 0]);
    assert_eq!(fs::read_to_string(world.base().path.join(FILE)).unwrap(), call("a"));
    fs::remove_file(&manifest).unwrap();
    assert!(unpack(&world.at("stick"), &world.at("base"), &mut |_, _| {})
        .unwrap_err()
        .text()
        .contains("no whole bundle"));
}

#[test]
fn what_the_base_rejected_is_rejected_here_until_the_base_puts_it_back() {
    let world = World::new();
    world.write(FILE, &[&call("a"), &call("b"), &call("c")]);
    world.pack();
    world.unpack();
    let entry =
        Entry::new(Counted::Calls, Some("b".into()), Some(422), "why", [(format!("{FILE}#1"), b"{}".as_slice())]);
    Rejected::open(&world.base(), Access::Owner).unwrap().add(entry).unwrap();
    world.sent(FILE, (0, 1));
    world.receipt();
    let taken = world.pack().taken.unwrap();
    assert_eq!((taken.records, taken.rejected), (2, 1));
    let listed = || crate::sync::rejected::counts(&world.device()).unwrap();
    assert_eq!(listed(), [(Counted::Calls, 1)].into());
    crate::sync::rejected::retry(&world.at("base"), None, None, None).unwrap();
    world.receipt();
    world.pack();
    assert_eq!(listed(), [].into());
    assert!(Rejected::open(&world.device(), Access::Owner).unwrap().contains(&format!("{FILE}#1")));
    world.unpack();
    assert!(Rejected::open(&world.base(), Access::Owner).unwrap().contains(&format!("{FILE}#1")));
}

#[test]
fn what_the_device_rejected_is_not_sent_from_the_base_and_stays_the_device_s() {
    let world = World::new();
    world.write(FILE, &[&call("a"), &call("b")]);
    let entry =
        Entry::new(Counted::Calls, Some("a".into()), Some(422), "why", [(format!("{FILE}#0"), b"{}".as_slice())]);
    Rejected::open(&world.device(), Access::Owner).unwrap().add(entry).unwrap();
    world.pack();
    world.unpack();
    assert!(Rejected::open(&world.base(), Access::Owner).unwrap().contains(&format!("{FILE}#0")));
    world.sent(FILE, (0, 1));
    world.receipt();
    world.pack();
    assert_eq!(crate::sync::rejected::counts(&world.device()).unwrap(), [(Counted::Calls, 1)].into());
}

#[test]
fn a_call_that_the_base_sent_as_running_is_open_here_and_an_old_receipt_does_not_open_it_again() {
    let world = World::new();
    world.write(FILE, &[&start("a"), &call("b")]);
    world.pack();
    world.unpack();
    let open = |project: &ProjectDir| OpenCalls::open(project, Access::Owner).unwrap();
    open(&world.base()).add([("a".to_string(), OpenCall::default()), ("x".to_string(), OpenCall::default())]).unwrap();
    world.sent(FILE, (0, 0));
    world.receipt();
    let receipt = world.at("stick/weave-receipt.jsonl");
    let old = fs::read(&receipt).unwrap();
    world.pack();
    assert!(open(&world.device()).contains("a"));
    assert!(!open(&world.device()).contains("x"), "its start did not come from here");
    open(&world.device()).remove(&["a".to_string()]).unwrap();
    fs::write(&receipt, old).unwrap();
    assert_eq!(world.pack().taken.unwrap().records, 0);
    assert!(!open(&world.device()).contains("a"));
}

#[test]
fn calls_that_are_open_at_the_device_are_so_at_the_base_and_an_older_bundle_does_not_open_them_again() {
    let world = World::new();
    world.write(FILE, &[&call("b")]);
    let open = |project: &ProjectDir| OpenCalls::open(project, Access::Owner).unwrap();
    open(&world.device()).add([("a".to_string(), OpenCall::default())]).unwrap();
    world.pack_to("old");
    world.pack();
    world.unpack();
    assert!(open(&world.base()).contains("a"));
    open(&world.base()).remove(&["a".to_string()]).unwrap();
    world.unpack();
    world.unpack_from("old");
    assert!(!open(&world.base()).contains("a"));
}

#[test]
fn a_receipt_on_one_stick_tells_of_what_came_with_another_one() {
    let world = World::new();
    let later = "calls/20260131_0001.jsonl";
    world.write(FILE, &[&call("a")]);
    world.pack();
    world.write(later, &[&call("b")]);
    world.pack_to("other");
    world.unpack();
    world.unpack_from("other");
    world.sent(FILE, (0, 0));
    world.sent(later, (0, 0));
    world.receipt();
    assert_eq!(world.pack().taken.unwrap().records, 2);
}

#[test]
fn what_is_cut_short_at_the_base_goes_on() {
    let world = World::new();
    world.write(FILE, &[&call("a")]);
    world.pack();
    let temporary = blobs::path(&world.at("base/.weave/unpacking"), "team/demo", FILE);
    fs::create_dir_all(temporary.parent().unwrap()).unwrap();
    fs::write(&temporary, &call("a")[..9]).unwrap();
    assert_eq!(world.unpack().files, 1);
    assert!(!world.at("base/.weave/unpacking").exists());
}

#[test]
fn the_bytes_of_files_go_along_with_their_records() {
    let world = World::new();
    fs::create_dir_all(world.device().path.join("files")).unwrap();
    let line = "{\"type\":\"file_create\",\"timestamp\":\"t\",\"data\":{\"digest\":\"aB\"}}\n";
    world.write("files/20260131_0000.jsonl", &[line]);
    fs::write(world.device().file_body("aB"), b"bytes").unwrap();
    assert_eq!(world.pack().projects[0].bodies, 1);
    world.unpack();
    assert_eq!(fs::read(world.base().file_body("aB")).unwrap(), b"bytes");
    fs::remove_file(world.device().file_body("aB")).unwrap();
    assert_eq!(world.pack().missing, ["team/demo/files/aB"]);
}

#[test]
fn a_file_that_grows_stays_open_at_the_base_also_while_all_of_it_is_acknowledged() {
    let world = World::new();
    world.write(FILE, &[&call("a")]);
    let held = lock::try_hold(&world.device().path.join(FILE)).unwrap();
    world.pack();
    world.unpack();
    world.sent(FILE, (0, 0));
    world.receipt();
    world.pack();
    world.unpack();
    let live = || {
        let snapshot =
            crate::sync::snapshot::Snapshot::take(&world.at("base"), &[&world.base()]).unwrap().remove(0).unwrap();
        let live: Vec<bool> = snapshot.all().map(|(_, extent)| extent.live).collect();
        live
    };
    assert_eq!(live(), [true]);
    drop(held);
    world.pack();
    world.unpack();
    assert_eq!(live(), [false]);
}

#[test]
fn what_was_told_of_a_project_holds_when_only_another_one_is_packed() {
    let world = World::new();
    let other = ProjectDir::new(&world.at("device"), "team/other");
    fs::create_dir_all(other.path.join("calls")).unwrap();
    world.write(FILE, &[&call("a")]);
    fs::write(other.path.join(FILE), call("b")).unwrap();
    let _held = lock::try_hold(&world.device().path.join(FILE)).unwrap();
    world.pack();
    world.unpack();
    let (dir, bundle) = (world.at("device"), world.at("stick"));
    let request = Request { dir: &dir, projects: &["team/other"], bundle: &bundle, wait: Duration::ZERO };
    pack(&request, &mut |_, _| {}).unwrap();
    world.unpack();
    let carried = crate::sync::kept::carried::Carried::of(&world.at("base")).unwrap();
    assert!(carried.is_growing("team/demo", FILE));
}
