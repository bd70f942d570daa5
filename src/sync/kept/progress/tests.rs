//! What a run notes is known to the next one.

use super::*;

pub(super) const FILE: &str = "calls/a";

pub(super) fn project() -> (tempfile::TempDir, ProjectDir) {
    let root = tempfile::tempdir().unwrap();
    let project = ProjectDir::new(root.path(), "team/demo");
    fs::create_dir_all(project.path.join("calls")).unwrap();
    fs::write(project.path.join(FILE), b"").unwrap();
    (root, project)
}

pub(super) fn ranges(pairs: &[(u64, u64)]) -> Ranges {
    pairs.to_vec().into()
}

/// A run ends with these acknowledged, and these left in doubt until now.
fn settle(progress: &mut Progress, acknowledged: &[(u64, u64)], left: &[(u64, u64)]) -> Result<()> {
    let (acknowledged, left) = (&ranges(acknowledged), ranges(left));
    progress.settle([Settled { file: FILE, acknowledged, left, over: Some(Timestamp::now()) }])
}

#[test]
fn acknowledged_records_are_known_to_the_next_run_and_those_of_gone_files_are_forgotten() {
    let (_root, project) = project();
    let noted = BTreeMap::from([(FILE, ranges(&[(2, 5)])), ("calls/gone", ranges(&[(2, 5)]))]);
    Progress::open(&project, Access::Owner).unwrap().acknowledge(&noted).unwrap();
    let next = Progress::open(&project, Access::Owner).unwrap();
    assert_eq!(next.acknowledged(FILE), ranges(&[(2, 5)]));
    assert_eq!(next.acknowledged("calls/gone"), Ranges::default());
}

#[test]
fn what_was_sent_and_not_acknowledged_is_in_doubt_until_it_is_settled() {
    let (_root, project) = project();
    let open = || Progress::open(&project, Access::Owner).unwrap();
    let mut first = open();
    first.sending(&BTreeMap::from([(FILE, ranges(&[(0, 9)]))])).unwrap();
    first.acknowledge(&BTreeMap::from([(FILE, ranges(&[(0, 6)]))])).unwrap();
    drop(first);
    let mut second = open();
    assert_eq!((second.in_doubt(FILE), second.acknowledged(FILE)), (ranges(&[(7, AHEAD)]), ranges(&[(0, 6)])));
    let limits = (Duration::from_secs(30), Duration::from_secs(450));
    assert_eq!(second.wait_for_doubts(limits.0, limits.1), limits.0, "killed a moment ago, for all it knows");
    settle(&mut second, &[(0, 6)], &[(8, 8)]).unwrap();
    drop(second);
    assert_eq!(open().wait_for_doubts(limits.0, limits.1), Duration::ZERO, "over, as the last run saw");
    assert_eq!(open().in_doubt(FILE), ranges(&[(8, 8)]), "also after the log was written anew");
    assert_eq!(open().in_doubt(FILE), ranges(&[(8, 8)]));
}

#[test]
fn what_is_sent_again_is_over_at_no_time_that_an_earlier_run_knew_of() {
    let (_root, project) = project();
    let open = || Progress::open(&project, Access::Owner).unwrap();
    let sent = BTreeMap::from([(FILE, ranges(&[(0, 9)]))]);
    let mut first = open();
    first.sending(&sent).unwrap();
    settle(&mut first, &[], &[(0, 9)]).unwrap();
    drop(first);
    open().sending(&sent).unwrap();
    let answer = Duration::from_secs(30);
    assert_eq!(open().wait_for_doubts(answer, answer), answer);
}

/// Has the next notes fail as on a full disk.
fn fill_the_disk(progress: &mut Progress) -> Appender {
    std::mem::replace(&mut progress.log, Appender::new("/dev/full".into(), Access::Owner))
}

#[test]
fn what_could_not_be_noted_as_acknowledged_stays_in_doubt() {
    let (_root, project) = project();
    let open = || Progress::open(&project, Access::Owner).unwrap();
    let sent = BTreeMap::from([(FILE, ranges(&[(0, 9)]))]);
    let mut first = open();
    first.sending(&sent).unwrap();
    let log = fill_the_disk(&mut first);
    first.acknowledge(&sent).unwrap_err();
    settle(&mut first, &[(0, 9)], &[]).unwrap_err();
    first.log = log;
    first.sending(&BTreeMap::from([(FILE, ranges(&[(9000, 9000)]))])).unwrap();
    drop(first);
    assert!(open().in_doubt(FILE).contains(0));
}

#[test]
fn what_could_not_be_noted_as_acknowledged_is_so_when_it_is_settled() {
    let (_root, project) = project();
    let sent = BTreeMap::from([(FILE, ranges(&[(0, 9)]))]);
    let mut first = Progress::open(&project, Access::Owner).unwrap();
    first.sending(&sent).unwrap();
    let log = fill_the_disk(&mut first);
    first.acknowledge(&sent).unwrap_err();
    first.log = log;
    settle(&mut first, &[(0, 9)], &[]).unwrap();
    drop(first);
    assert_eq!(Progress::open(&project, Access::Owner).unwrap().acknowledged(FILE), ranges(&[(0, 9)]));
}

#[test]
fn what_could_not_be_noted_as_under_way_is_noted_before_it_is_sent() {
    let (_root, project) = project();
    let sent = BTreeMap::from([(FILE, ranges(&[(0, 9)]))]);
    let mut first = Progress::open(&project, Access::Owner).unwrap();
    let log = fill_the_disk(&mut first);
    first.sending(&sent).unwrap_err();
    first.log = log;
    first.sending(&sent).unwrap();
    drop(first);
    assert!(Progress::open(&project, Access::Owner).unwrap().in_doubt(FILE).contains(0));
}

#[test]
fn records_of_two_files_are_acknowledged_together_wherever_the_line_is_torn() {
    let (_root, project) = project();
    let other = "calls/b";
    fs::write(project.path.join(other), b"").unwrap();
    let path = project.sync_folder().join("progress.jsonl");
    let mut progress = Progress::open(&project, Access::Owner).unwrap();
    let before = fs::read(&path).unwrap();
    progress.acknowledge(&BTreeMap::from([(FILE, ranges(&[(0, 0)])), (other, ranges(&[(3, 3)]))])).unwrap();
    drop(progress);
    let text = fs::read(&path).unwrap();
    for length in before.len()..=text.len() {
        fs::write(&path, &text[..length]).unwrap();
        let next = Progress::open(&project, Access::Owner).unwrap();
        assert_eq!(next.acknowledged(FILE).is_empty(), next.acknowledged(other).is_empty(), "{length}");
    }
}

#[test]
fn it_is_known_to_which_destination_a_record_was_sent() {
    let (_root, project) = project();
    for (to, records) in [("http://x team/a", (0, 3)), ("http://y team/a", (4, 5)), ("http://x team/a", (6, 6))] {
        let mut progress = Progress::open(&project, Access::Owner).unwrap();
        progress.send_to(to).unwrap();
        progress.acknowledge(&BTreeMap::from([(FILE, ranges(&[records]))])).unwrap();
    }
    let mut progress = Progress::open(&project, Access::Owner).unwrap();
    progress.send_to("http://x team/a").unwrap();
    assert_eq!(progress.elsewhere(FILE), ranges(&[(4, 5)]));
    progress.send_to("http://y team/a").unwrap();
    assert_eq!(progress.elsewhere(FILE), ranges(&[(0, 3), (6, 6)]));
    assert_eq!(progress.acknowledged(FILE), ranges(&[(0, 6)]));
}

#[test]
fn a_torn_line_costs_only_itself() {
    let (_root, project) = project();
    let mut progress = Progress::open(&project, Access::Owner).unwrap();
    progress.acknowledge(&BTreeMap::from([(FILE, ranges(&[(0, 1)]))])).unwrap();
    progress.acknowledge(&BTreeMap::from([(FILE, ranges(&[(2, 3)]))])).unwrap();
    drop(progress);
    let path = project.sync_folder().join("progress.jsonl");
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() - 3]).unwrap();
    assert_eq!(Progress::open(&project, Access::Owner).unwrap().acknowledged(FILE), ranges(&[(0, 1)]));
}
