//! What goes wrong: refusals, faults, damage, stops.

use super::once::{before, log_price, refusal, sync_trying};
use super::*;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

#[test]
fn a_bad_record_stands_alone_and_its_neighbours_are_taken() {
    let server = Server::start(&["--reject-marker", "poison"]);
    let writer = Writer::new("team/split");
    for n in 0..20 {
        writer.finished_call(if n == 7 { "{\"x\":\"poison\"}" } else { "{\"x\":1}" });
    }
    let outcome = writer.sync(&server.url());
    assert_eq!(writer.counts(&outcome, "calls"), (19, 1));
    assert_eq!(outcome.error().unwrap().status(), Status::Incomplete);
    assert_eq!(calls(&server, "team/split").len(), 19);
    assert_eq!(writer.pending(Kind::Calls), 0, "what was not taken is set aside");
    let mut aside = Vec::new();
    sync::rejected::list(writer.dir.path(), None, None, &mut |_, entry| {
        aside.push((entry.status, entry.lines.len()));
        Ok(())
    })
    .unwrap();
    assert_eq!(aside, [(Some(422), 1)]);
    assert_eq!(writer.sync(&server.url()).results.to_json(), "{}");
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn a_sync_that_met_failures_is_finished_by_a_second_one() {
    let server = Server::start(&["--fail-first", "1000", "--fail-status", "503", "--fault-paths", "feedback"]);
    let writer = Writer::new("team/second");
    writer.finished_call("{}");
    let item = json!({"project_id": "team/second", "id": Id::new().to_string(), "feedback_type": "custom",
                      "weave_ref": "weave:///team/second/call/x", "payload": {"a": 1}});
    writer.record(RecordType::FeedbackCreate, &item);
    let connection = connection(&server.url(), KEY);
    let few = Environment::given(&[("WEAVE_RETRY_MAX_ATTEMPTS", "1")], writer.dir.path(), writer.dir.path());
    let request = Request {
        offline_dir: writer.dir.path(),
        projects: &[],
        choices: Choices::default(),
        stop: Stop::new(),
        connection: &connection,
        environment: &few,
    };
    let first = sync::run(&request, &mut |_| true).unwrap();
    assert_eq!(first.error().unwrap().status(), Status::Server);
    assert_eq!((writer.pending(Kind::Calls), writer.pending(Kind::Feedback)), (0, 1));
    let healthy = Server::start(&[]);
    let second = writer.sync(&healthy.url());
    assert_eq!((second.error(), writer.counts(&second, "feedback")), (None, (1, 0)));
}

#[test]
fn a_server_that_fails_for_everything_rejects_no_record() {
    let server = Server::start(&["--fail-rate", "1", "--fail-status", "500"]);
    let writer = Writer::new("team/broken");
    (0..100).for_each(|_| drop(writer.finished_call("{}")));
    let outcome = writer.sync(&server.url());
    assert_eq!(outcome.error().unwrap().status(), Status::Server);
    assert_eq!((writer.counts(&outcome, "calls"), writer.pending(Kind::Calls)), ((0, 0), 1));
}

/// A writer of three calls, each in a member of its own, the second of which is changed.
fn with_a_changed_member(project: &str, change: impl FnOnce(&mut [u8])) -> Writer {
    let writer = Writer::new(project);
    for _ in 0..3 {
        writer.finished_call("{}");
        writer.flush();
    }
    writer.store.seal(None).unwrap();
    let path = data_files(&ProjectDir::new(writer.dir.path(), project).kind(Kind::Calls)).unwrap()[0].path.clone();
    let mut members = Members::open(&path).unwrap().unwrap();
    let _first = members.next_member().unwrap().unwrap();
    let (at, second) = members.next_member().unwrap().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes[at as usize..at as usize + second.length as usize]);
    std::fs::write(&path, bytes).unwrap();
    writer
}

/// Its damage is told by each sync, and the file keeps its name.
fn is_kept_and_told(writer: &Writer, server: &Server, sent: u64) {
    for count in [sent, 0] {
        let outcome = writer.sync(&server.url());
        assert_eq!(writer.counts(&outcome, "calls"), (count, 0));
        let error = outcome.error().unwrap();
        assert!(error.status() == Status::Incomplete && error.text().contains("damaged"), "{error}");
        assert_eq!(writer.pending(Kind::Calls), 1, "it stays for those who repair it");
    }
}

#[test]
fn a_damaged_part_of_a_data_file_is_told_and_costs_only_itself() {
    let writer = with_a_changed_member("team/damaged", |member| {
        let length = member.len();
        member[length - 6] ^= 0xff;
    });
    is_kept_and_told(&writer, Server::shared(), 2);
}

#[test]
fn a_data_file_of_which_the_rest_cannot_be_read_is_told_and_keeps_its_name() {
    let writer = with_a_changed_member("team/unreadable", |member| member[0] ^= 0xff);
    is_kept_and_told(&writer, Server::shared(), 1);
}

#[test]
fn files_whose_bytes_cannot_be_read_stay_pending_and_the_rest_is_sent() {
    let server = Server::shared();
    let writer = Writer::new("team/unreadable");
    let digest = bytes_digest(b"xyz");
    let body = ProjectDir::new(writer.dir.path(), "team/unreadable").file_body(&digest);
    std::fs::create_dir_all(&body).unwrap();
    for digest in [&digest, ".", ".."] {
        let data = json!({"project_id": "team/unreadable", "name": "x", "digest": digest, "size": 3});
        writer.record(RecordType::FileCreate, &data);
    }
    writer.finished_call("{}");
    let outcome = writer.sync(&server.url());
    assert_eq!((writer.counts(&outcome, "files"), writer.counts(&outcome, "calls")), ((0, 3), (1, 0)));
    let error = outcome.error().unwrap();
    assert!(error.status() == Status::Incomplete && error.text().contains(body.to_str().unwrap()), "{error}");
    assert_eq!((writer.pending(Kind::Files), writer.pending(Kind::Calls)), (1, 0));
}

#[test]
fn records_that_a_quota_takes_while_they_are_sent_are_no_errors_and_later_ones_are_sent() {
    let server = Server::shared();
    let writer = Writer::new("team/taken");
    let object = json!({"obj": {"project_id": "team/taken", "object_id": "thing", "val": 1}});
    writer.record(RecordType::ObjCreate, &object);
    writer.finished_call("{}");
    let Writer { store, dir, project } = writer;
    store.close();
    drop(store);
    while std::fs::read_dir(dir.path().join(".weave/journals")).unwrap().count() > 0 {
        std::thread::yield_now();
    }
    let mut quota = Quota::new(dir.path(), 1, QuotaPolicy::DropOldest, Access::Owner);
    let mut take = || {
        quota.enforce(0).unwrap();
    };
    let outcome = run(dir.path(), &server.url(), KEY, None, Choices::default(), &mut take).unwrap();
    assert_eq!(outcome.error(), None, "{}", outcome.results.to_json());
    assert!(quota.dropped() >= 2, "the object that was just sent, and the call");
    let options = StoreOptions { dir: dir.path().to_path_buf(), ..StoreOptions::default() };
    let writer = Writer { store: Store::open(&options).unwrap(), dir, project };
    assert_eq!((writer.counts(&outcome, "objects"), writer.counts(&outcome, "calls")), ((1, 0), (0, 0)));
    writer.finished_call("{}");
    writer.flush();
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
}

#[test]
fn nothing_is_lost_or_tried_for_long_when_nobody_answers() {
    let writer = Writer::new("team/dead");
    writer.finished_call("{}");
    let outcome = writer.sync(&format!("http://127.0.0.1:{}", free_port()));
    let error = outcome.error().unwrap();
    assert_eq!(error.status(), Status::Network);
    assert!(error.text().contains("kept"), "{error}");
    assert_eq!(writer.pending(Kind::Calls), 1);
    assert_eq!(writer.sync(&Server::shared().url()).error(), None);
}

#[test]
fn a_wrong_key_and_a_refused_project_are_told_apart() {
    let server = Server::shared();
    let writer = Writer::new("forbidden/project");
    writer.finished_call("{}");
    let refused = writer.sync(&server.url()).error().unwrap();
    assert_eq!(refused.status(), Status::Forbidden, "{refused}");
    let unknown = sync_dir(writer.dir.path(), &server.url(), "wrong", None).error().unwrap();
    assert_eq!(unknown.status(), Status::Unauthorized, "{unknown}");
    assert_eq!(writer.pending(Kind::Calls), 1);
}

#[test]
fn the_progress_callback_hears_of_each_step_and_can_end_the_sync() {
    let server = Server::shared();
    let writer = Writer::new("team/progress");
    (0..2001).for_each(|_| drop(writer.finished_call("{}")));
    let connection = connection(&server.url(), KEY);
    let environment = Environment::given(&[], writer.dir.path(), writer.dir.path());
    let dir = writer.dir.path();
    let request = Request {
        offline_dir: dir,
        projects: &[],
        connection: &connection,
        environment: &environment,
        choices: Choices::default(),
        stop: Stop::new(),
    };
    let mut heard = Vec::new();
    let outcome = sync::run(&request, &mut |update| {
        heard.push((update.kind.to_string(), update.synced));
        update.synced < 1000
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    assert!(heard.iter().rev().skip(1).all(|(kind, synced)| kind == "calls" && *synced < 1000), "{heard:?}");
    let rest = writer.sync(&server.url());
    let (first, second) = (writer.counts(&outcome, "calls").0, writer.counts(&rest, "calls").0);
    assert_eq!((rest.error(), first + second), (None, 2001), "what was under way was waited for");
}

#[test]
fn two_syncs_of_one_directory_never_run_at_once() {
    let server = Server::shared();
    let writer = Writer::new("team/twice");
    writer.finished_call("{}");
    let held =
        weave::store::lock::try_acquire(&writer.dir.path().join(".weave/sync.lock"), Default::default()).unwrap();
    let error = try_sync(writer.dir.path(), &server.url(), KEY, None).unwrap_err();
    assert_eq!(error.status(), Status::Busy);
    drop(held);
    assert_eq!(writer.sync(&server.url()).error(), None);
}

#[test]
fn synced_files_can_be_deleted_and_the_bytes_of_sent_files_with_them() {
    let server = Server::shared();
    let writer = Writer::new("team/cleaned");
    let digest = bytes_digest(b"xyz");
    writer.store.put_file("team/cleaned", &digest, b"xyz").unwrap();
    let data = json!({"project_id": "team/cleaned", "name": "x", "digest": digest, "size": 3});
    writer.record(RecordType::FileCreate, &data);
    assert_eq!(writer.sync(&server.url()).error(), None);
    let dir = writer.dir.path().to_path_buf();
    let body = ProjectDir::new(&dir, "team/cleaned").file_body(&digest);
    assert!(body.exists());
    let Writer { store, dir: _keep, .. } = writer;
    drop(store);
    while std::fs::read_dir(dir.join(".weave/journals")).unwrap().count() > 0 {
        std::thread::yield_now();
    }
    assert!(retention::clean_synced(&dir, std::time::Duration::ZERO).unwrap() >= 2);
    assert!(!body.exists());
}

#[test]
fn what_is_logged_after_the_synced_files_were_deleted_by_hand_is_sent() {
    let server = Server::shared();
    let writer = Writer::new("team/deleted-by-hand");
    let calls_folder = ProjectDir::new(writer.dir.path(), &writer.project).kind(Kind::Calls);
    for _ in 0..2 {
        writer.finished_call("{}");
        let outcome = writer.sync(&server.url());
        assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
        for file in data_files(&calls_folder).unwrap().iter().filter(|file| file.synced) {
            std::fs::remove_file(&file.path).unwrap();
        }
    }
    assert_eq!(calls(server, "team/deleted-by-hand").len(), 2);
}

#[test]
fn a_plain_file_is_marked_when_its_journal_has_no_more_lines_for_it() {
    let server = Server::shared();
    let writer = Writer::new("team/unfinished");
    let place = Path::new("team/unfinished/calls/20260101_0000.jsonl");
    let (id, now) = (Id::new().to_string(), Timestamp::now().to_string());
    let data = json!({"project_id": "team/unfinished", "id": id, "trace_id": id, "op_name": "op", "started_at": now,
                      "ended_at": now, "attributes": {}, "inputs": {}, "summary": {}});
    let line = json!({"type": "call_complete", "timestamp": now, "data": data}).to_string() + "\n";
    let file = writer.dir.path().join(place);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, &line).unwrap();
    let journal = weave::store::journal::Folder::create(writer.dir.path(), Access::Owner).unwrap();
    let append = json!({"file": place, "offset": line.len(), "length": 9, "checksum": 0, "after": []});
    let notes = json!({"team/unfinished/calls": {"synced": [], "unsynced": [append]}});
    std::fs::write(journal.path.join("progress.json"), notes.to_string()).unwrap();
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    assert_eq!(writer.pending(Kind::Calls), 1);
    drop(journal);
    assert_eq!(writer.sync(&server.url()).error(), None);
    assert_eq!(writer.pending(Kind::Calls), 0);
}

#[test]
fn a_server_that_refuses_every_record_of_a_kind_has_none_set_aside() {
    let server = Server::start(&["--max-bytes", "10", "--fault-paths", "obj/create|feedback"]);
    let writer = Writer::new("team/refused");
    for n in 0..30 {
        let object = json!({"obj": {"project_id": "team/refused", "object_id": format!("o{n}"), "val": n}});
        writer.record(RecordType::ObjCreate, &object);
        let item = json!({"project_id": "team/refused", "id": Id::new().to_string(), "feedback_type": "custom",
                          "weave_ref": "weave:///team/refused/call/x", "payload": {"n": n}});
        writer.record(RecordType::FeedbackCreate, &item);
    }
    let outcome = writer.sync(&server.url());
    assert_eq!(outcome.error().unwrap().status(), Status::Incomplete);
    assert_eq!((writer.pending(Kind::Objects), writer.pending(Kind::Feedback)), (1, 1));
    assert_eq!(set_aside(&writer), 0);
}

#[test]
fn a_server_that_dies_with_a_request_under_way_ends_the_sync_soon() {
    let server = Server::start(&["--delay", "2"]);
    let writer = Writer::new("team/dying");
    writer.finished_call("{}");
    let url = server.url();
    let outcome = std::thread::scope(|scope| {
        let syncing = scope.spawn(|| writer.sync(&url));
        let progress = ProjectDir::new(writer.dir.path(), "team/dying").sync_folder().join("progress.jsonl");
        while !std::fs::read_to_string(&progress).is_ok_and(|text| text.contains("\"sending\":[[")) {
            std::thread::yield_now();
        }
        drop(server);
        let began = std::time::Instant::now();
        let outcome = syncing.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(20), "not waited for as long as an answer may take");
        outcome
    });
    assert_eq!(outcome.error().unwrap().status(), Status::Network);
    assert_eq!(writer.pending(Kind::Calls), 1);
}

#[test]
fn an_end_without_a_start_is_told() {
    let server = Server::shared();
    let writer = Writer::new("team/lone");
    writer.end(&Id::new().to_string());
    let dir = writer.end_of_the_program();
    let error = sync_dir(dir.path(), &server.url(), KEY, None).error().unwrap();
    assert!(error.status() == Status::Incomplete && error.text().contains("its start is not"), "{error}");
}

#[test]
fn a_project_that_the_server_refuses_does_not_keep_others_from_being_sent() {
    let server = Server::shared();
    let writer = Writer::new("forbidden/one");
    writer.store.add_project("team/other", &json!({}), true).unwrap();
    let other = Writer { project: "team/other".into(), store: writer.store.clone(), dir: tempfile::tempdir().unwrap() };
    writer.finished_call("{}");
    other.finished_call("{}");
    let outcome = writer.sync(&server.url());
    assert!(outcome.error().unwrap().text().contains("forbidden/one"));
    assert_eq!((writer.counts(&outcome, "calls"), other.counts(&outcome, "calls")), ((0, 0), (1, 0)));
}

#[test]
fn an_unreadable_file_of_one_project_keeps_the_others_from_nothing() {
    let server = Server::shared();
    let first = Writer::new("team/first-of-two");
    first.finished_call("{}");
    first.flush();
    let objects = ProjectDir::new(first.dir.path(), "team/second-of-two").kind(Kind::Objects);
    std::fs::create_dir_all(&objects).unwrap();
    // A link to itself: nobody can read it, root included.
    let file = objects.join("20260101_0000.jsonl.gz");
    std::os::unix::fs::symlink(&file, &file).unwrap();
    let outcome = first.sync(&server.url());
    assert_eq!(outcome.error().unwrap().status(), Status::Incomplete);
    assert!(outcome.error().unwrap().text().contains("second-of-two"), "{:?}", outcome.error());
    assert_eq!(first.counts(&outcome, "calls"), (1, 0));
}

#[test]
fn an_account_without_an_entity_keeps_no_project_that_has_one_from_its_server() {
    let server = Server::start(&["--entity", ""]);
    let bare = Writer::new("offline/bare");
    bare.finished_call("{}");
    bare.flush();
    let full = Writer::in_directory("team/full", bare.end_of_the_program());
    full.finished_call("{}");
    let outcome = full.sync(&server.url());
    assert_eq!(full.counts(&outcome, "calls"), (1, 0), "{:?}", outcome.error());
    assert!(outcome.error().unwrap().text().contains("offline/bare"), "{:?}", outcome.error());
}

fn set_aside(writer: &Writer) -> usize {
    let mut aside = 0;
    sync::rejected::list(writer.dir.path(), None, None, &mut |_, _| {
        aside += 1;
        Ok(())
    })
    .unwrap();
    aside
}

/// A server that refuses each request to a path whose body holds this text.
fn refusing(server: &Server, path_end: &'static str, text: &'static str, status: u16) -> String {
    before(server, move |path, body, pass| match path.ends_with(path_end) && body.contains(text) {
        true => refusal(status),
        false => Some(pass()),
    })
}

#[test]
fn a_server_that_refuses_everything_from_some_moment_on_has_nothing_set_aside() {
    for status in [403, 500] {
        let writer = Writer::new(&format!("team/until-{status}"));
        (0..40).for_each(|n| log_price(&writer, &format!("m{n}")));
        let count = Arc::new(AtomicUsize::new(0));
        let sent = count.clone();
        let url = before(Server::shared(), move |path, _, pass| {
            let is_late = path == "/cost/create" && sent.fetch_add(1, Ordering::SeqCst) >= 5;
            if is_late {
                refusal(status)
            } else {
                Some(pass())
            }
        });
        let outcome = sync_trying(&writer, &url, "1", &mut |_| true);
        assert_eq!(outcome.error().unwrap().status(), Status::Incomplete, "{status}");
        assert_eq!((writer.counts(&outcome, "costs"), set_aside(&writer)), ((5, 0), 0), "{status}");
        assert_eq!(count.load(Ordering::SeqCst), 5 + 20, "{status}: it ends soon");
        let rest = writer.sync(&Server::shared().url());
        assert_eq!((rest.error(), writer.counts(&rest, "costs")), (None, (35, 0)), "{status}");
    }
}

#[test]
fn a_record_that_may_not_be_at_fault_stays_pending_until_another_is_accepted_after_it() {
    let writer = Writer::new("team/last");
    let url = refusing(Server::shared(), "/cost/create", "poison", 403);
    ["good", "poison"].iter().for_each(|model| log_price(&writer, model));
    let first = writer.sync(&url);
    assert_eq!((writer.counts(&first, "costs"), set_aside(&writer)), ((1, 1), 0));
    let second = writer.sync(&url);
    assert_eq!((writer.counts(&second, "costs"), set_aside(&writer)), ((0, 1), 0), "also when it is the only one");
    log_price(&writer, "better");
    let third = writer.sync(&url);
    assert_eq!((writer.counts(&third, "costs"), set_aside(&writer)), ((1, 1), 1));
}

#[test]
fn a_record_that_a_server_fails_at_while_its_neighbours_pass_is_set_aside() {
    for bad in [0, 3] {
        let writer = Writer::new(&format!("team/bad-{bad}"));
        (0..4).for_each(|n| drop(writer.finished_call(if n == bad { "{\"x\":\"poison\"}" } else { "{}" })));
        let url = refusing(Server::shared(), "/calls/complete", "poison", 500);
        let outcome = sync_trying(&writer, &url, "8", &mut |_| true);
        assert_eq!((writer.counts(&outcome, "calls"), set_aside(&writer)), ((3, 1), 1), "{bad}");
    }
}

#[test]
fn a_server_that_fails_for_everything_is_told_from_bad_records_before_all_were_tried() {
    let writer = Writer::new("team/failing");
    (0..200).for_each(|_| drop(writer.finished_call("{}")));
    let tried_alone = Arc::new(Mutex::new(HashSet::new()));
    let seen = tried_alone.clone();
    let url = before(Server::shared(), move |path, body, pass| {
        if !path.ends_with("/calls/complete") {
            return Some(pass());
        }
        if body.matches("\"op_name\"").count() == 1 {
            seen.lock().unwrap().insert(body.to_string());
        }
        refusal(500)
    });
    let outcome = sync_trying(&writer, &url, "8", &mut |_| true);
    assert_eq!((outcome.error().unwrap().status(), set_aside(&writer)), (Status::Incomplete, 0));
    let count = tried_alone.lock().unwrap().len();
    assert!((20..60).contains(&count), "{count}");
}

#[test]
fn many_bad_records_side_by_side_do_not_keep_those_behind_them_back() {
    for status in [403, 422] {
        let writer = Writer::new(&format!("team/many-{status}"));
        (0..80).for_each(|n| drop(writer.finished_call(if n < 40 { "{\"x\":\"poison\"}" } else { "{}" })));
        let outcome = writer.sync(&refusing(Server::shared(), "/calls/complete", "poison", status));
        assert_eq!(writer.counts(&outcome, "calls").0, 40, "{status}");
    }
}

#[test]
fn what_a_server_is_found_to_have_does_not_show_that_it_takes_anything() {
    let writer = Writer::new("team/found");
    log_price(&writer, "found");
    let cut = before(Server::shared(), |path, _, pass| Some(pass()).filter(|_| path != "/cost/create"));
    assert_eq!(sync_trying(&writer, &cut, "1", &mut |_| true).error().unwrap().status(), Status::Network);
    log_price(&writer, "new");
    let outcome = sync_trying(&writer, &refusing(Server::shared(), "/cost/create", "", 403), "1", &mut |_| true);
    assert_eq!((writer.counts(&outcome, "costs"), set_aside(&writer)), ((1, 1), 0));
}
