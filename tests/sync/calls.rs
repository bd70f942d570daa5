//! Calls, finished and running, wherever their parts stand.

use super::*;

#[test]
fn finished_calls_are_on_the_server_once_and_their_files_are_marked() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/finished");
    let ids: Vec<String> = (0..1500).map(|n| writer.finished_call(&json!({"n": n}).to_string())).collect();
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1500, 0)));
    let mut found: Vec<String> =
        calls(&server, "team/finished").iter().map(|c| c["id"].as_str().unwrap().to_string()).collect();
    let mut expected = ids;
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(writer.pending(Kind::Calls), 0);
    let again = writer.sync(&server.url());
    assert_eq!(again.results.to_json(), "{}");
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn a_start_and_an_end_from_different_files_are_one_complete_call() {
    let server = Server::shared();
    let writer = Writer::new("team/paired");
    let id = Id::new().to_string();
    writer.start(&id, "{\"a\":1}");
    writer.store.seal(None).unwrap();
    writer.end(&id);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found = &calls(server, "team/paired")[0];
    assert_eq!((&found["inputs"], &found["output"]), (&json!({"a": 1}), &json!("done")));
    assert!(found["ended_at"].is_string());
}

#[test]
fn an_open_call_is_sent_as_a_start_and_ended_by_a_later_sync() {
    for mode in [&[][..], &["--calls-mode", "legacy"]] {
        let server = Server::start(mode);
        let writer = Writer::new("team/open");
        let id = Id::new().to_string();
        writer.start(&id, "{}");
        assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
        assert!(calls(&server, "team/open")[0]["ended_at"].is_null());
        assert_eq!(writer.pending(Kind::Calls), 0);
        writer.end(&id);
        assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
        let found = calls(&server, "team/open");
        assert_eq!((found.len(), &found[0]["output"]), (1, &json!("done")));
        assert_eq!(writer.pending(Kind::Calls), 0);
        assert_eq!(most_often_written(&server), 1);
    }
}

#[test]
fn an_older_server_gets_starts_and_ends() {
    let server = Server::start(&["--calls-mode", "legacy"]);
    let writer = Writer::new("team/older");
    writer.finished_call("{\"q\":\"why?\"}");
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    assert_eq!(calls(&server, "team/older")[0]["inputs"], json!({"q": "why?"}));
}

#[test]
fn a_project_in_the_older_call_mode_takes_finished_and_open_calls_too() {
    let server = Server::start(&[]);
    server.make_project("team", "merged");
    let started_at = Timestamp::now().to_string();
    let first = json!({"start": {"project_id": "team/merged", "id": Id::new().as_str(), "trace_id": Id::new().as_str(),
                       "op_name": "first", "started_at": started_at, "attributes": {}, "inputs": {}}});
    server.post("/call/start", &first);
    let writer = Writer::new("team/merged");
    writer.finished_call("{\"n\":1}");
    let open = Id::new().to_string();
    writer.start(&open, "{}");
    assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
    writer.end(&open);
    assert_eq!(writer.sync_with(&server.url(), at_once()).error(), None);
    let ended = calls(&server, "team/merged").iter().filter(|call| call["output"] == "done").count();
    assert_eq!((calls(&server, "team/merged").len(), ended), (3, 2));
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn an_update_of_a_call_comes_after_the_call() {
    let server = Server::shared();
    let writer = Writer::new("team/renamed");
    let id = Id::new().to_string();
    let update = json!({"project_id": "team/renamed", "call_id": id, "display_name": "better"});
    writer.record(RecordType::CallUpdate, &update);
    writer.flush();
    writer.start(&id, "{}");
    writer.end(&id);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "call_updates")), (None, (1, 0)));
    assert_eq!(calls(server, "team/renamed")[0]["display_name"], "better");
}

#[test]
fn an_update_of_a_refused_call_is_set_aside_with_it_and_both_are_sent_when_they_are_put_back() {
    let refusing = Server::start(&["--reject-marker", "poison"]);
    let writer = Writer::new("team/waiting");
    let id = writer.finished_call("{\"x\":\"poison\"}");
    writer.finished_call("{}");
    let update = json!({"project_id": "team/waiting", "call_id": id, "display_name": "better"});
    writer.record(RecordType::CallUpdate, &update);
    let outcome = writer.sync(&refusing.url());
    assert_eq!((writer.counts(&outcome, "calls"), writer.counts(&outcome, "call_updates")), ((1, 1), (0, 1)));
    assert_eq!(writer.pending(Kind::Calls), 0);
    assert_eq!(sync::rejected::retry(writer.dir.path(), None, None, None).unwrap(), 2);
    let server = Server::shared();
    assert_eq!(writer.sync(&server.url()).error(), None);
    assert_eq!(calls(server, "team/waiting")[0]["display_name"], "better");
    assert_eq!(writer.pending(Kind::Calls), 0);
}

#[test]
fn a_young_call_whose_program_runs_waits_for_its_end() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/young");
    let id = Id::new().to_string();
    writer.start(&id, "{}");
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (0, 0)));
    assert!(calls(&server, "team/young").is_empty());
    writer.end(&id);
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    assert_eq!(calls(&server, "team/young")[0]["output"], "done");
}

#[test]
fn the_open_calls_of_a_program_that_is_gone_stay_open_until_they_are_to_be_closed() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/gone");
    let ids = [Id::new().to_string(), Id::new().to_string()];
    writer.start(&ids[0], "{}");
    let dir = writer.end_of_the_program();
    assert_eq!(sync_dir(dir.path(), &server.url(), KEY, None).error(), None);
    assert!(calls(&server, "team/gone")[0]["ended_at"].is_null());

    let second = Writer::in_directory("team/gone", dir);
    second.start(&ids[1], "{}");
    let dir = second.end_of_the_program();
    let closing = || Choices { close_orphans: true, ..Choices::default() };
    assert_eq!(sync_with(dir.path(), &server.url(), closing()).error(), None);
    let found = calls(&server, "team/gone");
    let interrupted = |call: &&Value| call["exception"].as_str().is_some_and(|text| text.starts_with("interrupted"));
    assert_eq!((found.len(), found.iter().filter(interrupted).count()), (2, 2), "{found:?}");
    assert_eq!(sync_with(dir.path(), &server.url(), closing()).results.total(), Default::default());
    assert_eq!(most_often_written(&server), 1);
}

#[test]
fn what_a_program_logs_during_a_sync_is_sent_by_the_next_one() {
    let server = Server::shared();
    let writer = Writer::new("team/live");
    let first = writer.finished_call("{}");
    writer.flush();
    let open = || Choices { seal: false, ..Choices::default() };
    let outcome = writer.sync_with(&server.url(), open());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    assert_eq!(writer.pending(Kind::Calls), 1, "its file is still written");
    let second = writer.finished_call("{}");
    writer.flush();
    let outcome = writer.sync_with(&server.url(), open());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found: Vec<Value> = calls(server, "team/live").into_iter().map(|call| call["id"].clone()).collect();
    assert!(found.contains(&json!(first)) && found.contains(&json!(second)));
}
