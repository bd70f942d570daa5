//! What a sync would send, told before: exactly what it then sends.

use super::*;
use weave::sync::plan::{plan, Planned};
use weave::sync::results::Counted;

fn planned(writer: &Writer, choices: Choices) -> Planned {
    let dir = writer.dir.path();
    let environment = Environment::given(&[], dir, dir);
    let request = Request {
        offline_dir: dir,
        projects: &[],
        connection: &Connection::default(),
        environment: &environment,
        choices,
        stop: Stop::new(),
    };
    let mut planned = plan(&request).unwrap();
    assert_eq!(planned.len(), 1);
    planned.remove(0)
}

/// What was planned of each kind, and what a sync then sent of it.
fn planned_and_sent(writer: &Writer, server: &Server, choices: &Choices) -> Vec<(Counted, u64, u64)> {
    let planned = planned(writer, choices.clone());
    let outcome = writer.sync_with(&server.url(), choices.clone());
    let of = |what: Counted| {
        let planned = planned.amounts.get(&what).map_or(0, |amount| amount.records);
        (what, planned, outcome.results.tally(&writer.project, what).synced)
    };
    Counted::ALL.into_iter().map(of).collect()
}

/// A record of every kind, calls in every form among them.
fn everything(writer: &Writer) -> String {
    let project = writer.project.as_str();
    let digest = bytes_digest(b"bytes");
    writer.store.put_file(project, &digest, b"bytes").unwrap();
    let file = json!({"project_id": project, "name": "a", "digest": digest, "size": 5});
    writer.record(RecordType::FileCreate, &file);
    writer.record(RecordType::TableCreate, &json!({"table": {"project_id": project, "rows": [{"a": 1}]}}));
    writer.record(RecordType::ObjCreate, &json!({"obj": {"project_id": project, "object_id": "o", "val": {"a": 1}}}));
    let whole = writer.finished_call("{}");
    let apart = Id::new().to_string();
    writer.start(&apart, "{}");
    writer.flush();
    writer.end(&apart);
    let running = Id::new().to_string();
    writer.start(&running, "{}");
    writer.record(RecordType::CallUpdate, &json!({"project_id": project, "call_id": whole, "display_name": "x"}));
    let feedback = json!({"project_id": project, "id": Id::new().to_string(), "feedback_type": "custom",
                          "weave_ref": format!("weave:///{project}/call/{whole}"), "payload": {"a": 1}});
    writer.record(RecordType::FeedbackCreate, &feedback);
    writer.flush();
    running
}

#[test]
fn of_every_kind_as_much_is_sent_as_was_planned() {
    let server = Server::shared();
    let writer = Writer::new("team/planned");
    let running = everything(&writer);
    assert_eq!(planned(&writer, Choices::default()).waiting, 1, "the call that runs is young");
    let sent = planned_and_sent(&writer, server, &Choices::default());
    assert!(sent.iter().all(|(_, planned, sent)| planned == sent), "{sent:?}");
    assert_eq!(sent.iter().map(|(_, planned, _)| planned).sum::<u64>(), 7, "{sent:?}");
    // The start goes alone, and its end another time.
    for choices in [at_once(), at_once()] {
        let sent = planned_and_sent(&writer, server, &choices);
        assert_eq!(sent.iter().map(|(what, ..)| sent_of(&sent, *what)).sum::<u64>(), 1, "{sent:?}");
        writer.end(&running);
        writer.flush();
    }
}

fn sent_of(sent: &[(Counted, u64, u64)], what: Counted) -> u64 {
    let (_, planned, sent) = sent.iter().find(|(other, ..)| *other == what).unwrap();
    assert_eq!(planned, sent);
    *sent
}

#[test]
fn after_a_sync_that_stopped_in_between_the_rest_is_planned() {
    let server = Server::shared();
    let writer = Writer::new("team/planned-rest");
    (0..300).for_each(|n| drop(writer.finished_call(&json!({"n": n, "text": "x".repeat(500)}).to_string())));
    writer.flush();
    let first = writer.sync_with(&server.url(), Choices { max_bytes: Some(100_000), ..Choices::default() });
    assert_eq!(first.error().unwrap().status(), Status::Timeout);
    let sent = planned_and_sent(&writer, server, &Choices::default());
    let rest = sent_of(&sent, Counted::Calls);
    assert_eq!(rest + writer.counts(&first, "calls").0, 300);
    assert!((1..300).contains(&rest), "{rest}");
}

#[test]
fn calls_of_a_program_that_is_gone_are_planned_as_they_are_sent() {
    let server = Server::shared();
    for close_orphans in [false, true] {
        let writer = Writer::new(&format!("team/planned-gone-{close_orphans}"));
        (0..3).for_each(|n| writer.start(&Id::new().to_string(), &json!({"n": n}).to_string()));
        writer.flush();
        let project = writer.project.clone();
        let dir = writer.end_of_the_program();
        let writer = Writer::in_directory(&project, dir);
        let choices = Choices { close_orphans, ..Choices::default() };
        assert_eq!(sent_of(&planned_and_sent(&writer, server, &choices), Counted::Calls), 3);
    }
}

#[test]
fn planning_sends_nothing_and_needs_no_server_and_no_key() {
    let writer = Writer::new("team/planned-only");
    writer.finished_call("{}");
    writer.flush();
    let amounts = |planned: &Planned| planned.amounts[&Counted::Calls].records;
    assert_eq!([(); 3].map(|()| amounts(&planned(&writer, Choices::default()))), [1; 3]);
}
