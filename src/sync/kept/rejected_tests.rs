use super::*;
use crate::record::time::Timestamp;
use crate::store::layout::DataFile;
use crate::store::reader::Reader;

fn project(root: &Path) -> ProjectDir {
    let project = ProjectDir::new(root, "team/demo");
    fs::create_dir_all(project.path.join("calls")).unwrap();
    project
}

fn open(project: &ProjectDir) -> Rejected {
    Rejected::open(project, Access::Owner).unwrap()
}

fn entry(kind: Counted, id: &str, lines: &[(&str, &str)]) -> Entry {
    let lines = lines.iter().map(|(place, line)| (place.to_string(), line.as_bytes()));
    Entry::new(kind, Some(id.to_string()), Some(422), "not \"good\"", lines).by("http://x", "team/there")
}

fn call(number: u64) -> Entry {
    let place = format!("calls/20260101_0000.jsonl.gz#{number}");
    entry(Counted::Calls, &format!("call-{number}"), &[(&place, &format!("{{\"n\": {number}.50}}"))])
}

fn ids(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    list(root, None, None, &mut |_, entry| {
        found.push(entry.id.unwrap());
        Ok(())
    })
    .unwrap();
    found
}

fn pending(project: &ProjectDir, folder: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for file in layout::data_files(&project.path.join(folder)).unwrap() {
        let (mut reader, mut line) = (Reader::open(&file.path).unwrap(), Vec::new());
        while reader.next_line(&mut line).unwrap().is_some() {
            lines.push(String::from_utf8(line.clone()).unwrap());
        }
    }
    lines
}

#[test]
fn an_entry_is_kept_as_it_was_with_the_whole_lines_and_known_to_the_next_one() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    let both = [("calls/a.jsonl.gz#1", "{\"type\": \"call_start\", \"x\":1.0}"), ("calls/b.jsonl.gz#0", "no json")];
    open(&project).add(entry(Counted::Calls, "c", &both)).unwrap();
    let rejected = open(&project);
    assert!(
        !rejected.is_empty() && rejected.contains("calls/b.jsonl.gz#0") && !rejected.contains("calls/b.jsonl.gz#1")
    );
    let mut found = Vec::new();
    rejected
        .each(|entry| {
            found.push(entry);
            Ok(())
        })
        .unwrap();
    let [one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((one.status, one.reason.as_str(), one.to.as_str()), (Some(422), "not \"good\"", "team/there"));
    let lines: Vec<&str> = one.lines.iter().map(|line| line.get()).collect();
    assert_eq!(lines, [both[0].1, "\"no json\""]);
    let told: serde_json::Value = serde_json::from_str(&call(7).to_json(false).unwrap()).unwrap();
    assert_eq!((&told["place"], told.get("lines")), (&serde_json::json!("calls/20260101_0000.jsonl.gz#7"), None));
}

#[test]
fn a_record_that_comes_again_after_a_crash_is_not_added_twice() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    open(&project).add(call(1)).unwrap();
    let mut again = open(&project);
    again.add(call(1)).unwrap();
    let start = ("calls/20260101_0000.jsonl.gz#1", "{\"s\":1}");
    again.add(entry(Counted::Calls, "pair", &[start, ("calls/20260101_0000.jsonl.gz#2", "{\"e\":1}")])).unwrap();
    let mut places = Vec::new();
    again
        .each(|entry| {
            places.extend(entry.places);
            Ok(())
        })
        .unwrap();
    assert_eq!(places, ["calls/20260101_0000.jsonl.gz#1", "calls/20260101_0000.jsonl.gz#2"]);
}

#[test]
fn a_torn_line_costs_only_itself() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    (1..3).for_each(|number| open(&project).add(call(number)).unwrap());
    let path = path_of(&project);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    let mut rejected = open(&project);
    assert!(rejected.contains(&call(1).places[0]) && !rejected.contains(&call(2).places[0]));
    rejected.add(call(3)).unwrap();
    assert_eq!(ids(root.path()), ["call-1", "call-3"]);
}

#[test]
fn what_is_tried_again_is_pending_and_no_longer_rejected() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    let mut rejected = open(&project);
    (0..4).for_each(|number| rejected.add(call(number)).unwrap());
    rejected.add(entry(Counted::Feedback, "f", &[("feedback/20260101_0000.jsonl.gz#0", "{\"f\":1}")])).unwrap();
    drop(rejected);
    let some = ["call-1".to_string(), "call-3".to_string(), "unknown".to_string()];
    assert_eq!(retry(root.path(), Some("demo"), Some("calls"), Some(&some)).unwrap(), 2);
    assert_eq!(pending(&project, "calls"), ["{\"n\": 1.50}", "{\"n\": 3.50}"]);
    assert_eq!(ids(root.path()), ["call-0", "call-2", "f"]);
    assert_eq!(retry(root.path(), None, None, None).unwrap(), 3);
    assert_eq!((pending(&project, "calls").len(), pending(&project, "feedback").len()), (4, 1));
    assert!(open(&project).is_empty() && !path_of(&project).exists());
}

#[test]
fn a_record_of_a_file_that_is_still_pending_is_acknowledged_before_it_is_tried_again_or_dropped() {
    for act in [retry, discard] {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        fs::write(project.path.join("calls/20260101_0000.jsonl.gz"), b"").unwrap();
        open(&project).add(call(5)).unwrap();
        assert_eq!(act(root.path(), None, None, None).unwrap(), 1);
        let noted = fs::read_to_string(project.sync_folder().join("progress.jsonl")).unwrap();
        assert_eq!(noted, "{\"file\":\"calls/20260101_0000.jsonl.gz\",\"records\":[[5,5]]}\n");
    }
}

/// Makes the data file of [`call`] one that is pending.
fn make_pending(project: &ProjectDir) -> PathBuf {
    let path = project.path.join("calls/20260101_0000.jsonl.gz");
    fs::write(&path, b"").unwrap();
    path
}

#[test]
fn what_was_dropped_or_tried_again_is_known_and_not_shown_while_its_file_is_pending() {
    for act in [retry, discard] {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        make_pending(&project);
        (4..8).for_each(|number| open(&project).add(call(number)).unwrap());
        for id in ["call-4", "call-5", "call-7"] {
            assert_eq!(act(root.path(), None, None, Some(&[id.to_string()])).unwrap(), 1);
        }
        let mut rejected = open(&project);
        rejected.add(call(5)).unwrap();
        assert!((3..9)
            .map(|number| rejected.contains(&call(number).places[0]))
            .eq([false, true, true, true, true, false]));
        assert!(!rejected.has_call("call-5") && rejected.has_call("call-6"));
        assert_eq!(ids(root.path()), ["call-6"]);
        assert_eq!(export(root.path(), None, None, &root.path().join("out")).unwrap(), 1);
        assert_eq!(act(root.path(), None, None, None).unwrap(), 1);
        assert_eq!(act(root.path(), None, None, None).unwrap(), 0);
        let kept = fs::read_to_string(path_of(&project)).unwrap();
        assert_eq!(kept, "{\"left\":\"calls/20260101_0000.jsonl.gz\",\"records\":[[4,7]]}\n");
        assert!(!open(&project).is_empty());
    }
}

#[test]
fn what_is_left_of_a_file_is_forgotten_once_that_is_not_pending_and_nothing_else_is() {
    for others in [0, 2] {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        let path = make_pending(&project);
        open(&project).add(call(5)).unwrap();
        discard(root.path(), None, None, None).unwrap();
        let mut rejected = open(&project);
        (0..others).for_each(|number| rejected.add(call(number)).unwrap());
        fs::rename(&path, DataFile::parse(&path).unwrap().synced_path()).unwrap();
        let rejected = open(&project);
        assert!(!rejected.contains(&call(5).places[0]));
        assert_eq!((rejected.is_empty(), path_of(&project).exists()), (others == 0, others > 0));
        assert_eq!(ids(root.path()).len() as u64, others);
        let kept = fs::read_to_string(path_of(&project)).unwrap_or_default();
        assert!(!kept.contains("left"), "{kept}");
    }
}

#[test]
fn a_retry_that_was_killed_leaves_the_place_known_while_its_file_is_pending() {
    for placed in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        make_pending(&project);
        killed(&project, true, placed);
        for _ in 0..2 {
            let rejected = open(&project);
            assert!(rejected.contains(&call(0).places[0]) && !rejected.has_call("call-0"), "{placed}");
            assert_eq!(pending(&project, "calls"), ["{\"n\": 0.50}"], "{placed}");
            assert_eq!(ids(root.path()), ["call-1"], "{placed}");
        }
    }
}

/// What a retry has done of its steps when it is killed.
fn killed(project: &ProjectDir, noted: bool, placed: bool) {
    let mut rejected = open(project);
    (0..2).for_each(|number| rejected.add(call(number)).unwrap());
    let mut moving = Moving::begin(project, OWNER, Access::Owner).unwrap();
    moving.add("{\"n\": 0.50}", &call(0).places[0]).unwrap();
    let name = moving.seal().unwrap();
    if noted {
        let note = serde_json::json!({"moving": call(0).places, "as": name, "to": "calls"});
        rejected.log.append(format!("{note}\n").as_bytes()).unwrap();
    }
    if placed {
        requeue::place(project, &name, "calls", Access::Owner).unwrap();
    }
}

#[test]
fn a_record_is_either_rejected_or_pending_whichever_step_a_crash_came_after() {
    for (noted, placed) in [(false, false), (true, false), (true, true)] {
        let root = tempfile::tempdir().unwrap();
        let project = project(root.path());
        killed(&project, noted, placed);
        // Another writer takes the next number in between.
        let today = Timestamp::now().date_digits();
        let other = project.path.join(format!("calls/{today}_0001.synced.jsonl"));
        fs::write(other, b"").unwrap();
        for _ in 0..2 {
            let rejected = open(&project);
            assert_eq!(rejected.contains(&call(0).places[0]), !noted, "{noted} {placed}");
            assert!(rejected.contains(&call(1).places[0]));
            assert_eq!(pending(&project, "calls").len(), usize::from(noted), "{noted} {placed}");
        }
        let left = layout::entries(&project.sync_folder()).unwrap();
        assert_eq!(left, [path_of(&project)], "{noted} {placed}");
    }
}

#[test]
fn what_was_put_back_and_sent_since_a_crash_stays_gone() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    killed(&project, true, true);
    for file in layout::entries(&project.path.join("calls")).unwrap() {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(ids(root.path()), ["call-1"]);
    assert!(!open(&project).contains(&call(0).places[0]));
    assert!(pending(&project, "calls").is_empty());
}

#[test]
fn many_records_are_put_back_in_files_of_bounded_size() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    let mut lines = String::new();
    (0..10_001).for_each(|number| lines.push_str(&format!("{}\n", call(number).to_json(true).unwrap())));
    fs::create_dir_all(project.sync_folder()).unwrap();
    fs::write(path_of(&project), lines).unwrap();
    assert_eq!(retry(root.path(), None, None, None).unwrap(), 10_001);
    assert_eq!(pending(&project, "calls").len(), 10_001);
    assert_eq!(layout::data_files(&project.path.join("calls")).unwrap().len(), 2);
}

#[test]
fn dropping_takes_only_what_is_meant_and_keeps_lines_of_a_later_version() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    (0..3).for_each(|number| open(&project).add(call(number)).unwrap());
    open(&project).log.append(b"{\"later\": true}\n").unwrap();
    assert_eq!(discard(root.path(), None, Some("calls"), Some(&["call-1".to_string()])).unwrap(), 1);
    assert_eq!(discard(root.path(), None, Some("objects"), None).unwrap(), 0);
    assert_eq!(ids(root.path()), ["call-0", "call-2"]);
    assert!(fs::read_to_string(path_of(&project)).unwrap().contains("later"));
    assert!(pending(&project, "calls").is_empty());
}

#[test]
fn an_export_has_every_line_and_never_takes_the_place_of_a_file() {
    let root = tempfile::tempdir().unwrap();
    let project = project(root.path());
    open(&project).add(call(1)).unwrap();
    let to = root.path().join("out.jsonl");
    assert_eq!(export(root.path(), None, None, &to).unwrap(), 1);
    let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(&to).unwrap()).unwrap();
    assert_eq!((&told["project"], &told["lines"][0]["n"]), (&"team/demo".into(), &serde_json::json!(1.5)));
    assert_eq!(export(root.path(), None, None, &to).unwrap_err().status(), Status::Io);
    assert!(fs::read_to_string(&to).unwrap().contains("call-1"));
}

#[test]
fn an_unknown_kind_or_project_and_a_running_sync_are_told() {
    let root = tempfile::tempdir().unwrap();
    project(root.path());
    let error = retry(root.path(), None, Some("call"), None).unwrap_err();
    assert!(error.status() == Status::InvalidArgument && error.text().contains("call_updates"), "{error}");
    assert_eq!(retry(root.path(), Some("absent"), None, None).unwrap_err().status(), Status::InvalidArgument);
    let _held = Directory::lock(root.path(), Duration::ZERO, &Stop::new()).unwrap();
    assert_eq!(discard(root.path(), None, None, None).unwrap_err().status(), Status::Busy);
}
