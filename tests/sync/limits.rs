//! Budgets of a sync, and what goes first within them.

use super::*;

#[test]
fn within_a_budget_failed_calls_and_those_with_feedback_go_first_with_what_they_refer_to() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/budget");
    let value = json!({"name": "needed"});
    let digest = value_digest(&Json::parse(&value.to_string()).unwrap());
    let object = |name: &str| json!({"obj": {"project_id": "team/budget", "object_id": name, "val": value}});
    writer.record(RecordType::ObjCreate, &object("needed"));
    writer.record(RecordType::ObjCreate, &object("other"));
    writer.finished_call(&json!({"large": "x".repeat(20_000)}).to_string());
    (0..20).for_each(|n| drop(writer.finished_call(&json!({"n": n}).to_string())));
    let rated = writer.finished_call("{}");
    let failed = Id::new().to_string();
    writer.start(&failed, &json!({"r": format!("weave:///team/budget/object/needed:{digest}")}).to_string());
    let call = Call {
        id: failed.as_bytes(),
        ended_at: Some(Timestamp::now()),
        exception: Some(b"boom"),
        summary: Some(b"{}"),
        ..Call::default()
    };
    writer.call(RecordType::CallEnd, &call);
    let item = json!({"project_id": "team/budget", "id": Id::new().to_string(), "feedback_type": "custom",
                      "weave_ref": format!("weave:///team/budget/call/{rated}"), "payload": {"a": 1}});
    writer.record(RecordType::FeedbackCreate, &item);

    let choices = |max_bytes| Choices { max_bytes: Some(max_bytes), ..Choices::default() };
    let first = writer.sync_with(&server.url(), choices(1500));
    assert_eq!(first.error().unwrap().status(), Status::Timeout);
    let found: Vec<Value> = calls(&server, "team/budget").into_iter().map(|call| call["id"].clone()).collect();
    assert!(found.contains(&json!(rated)) && found.contains(&json!(failed)) && found.len() < 10, "{found:?}");
    let request = json!({"project_id": "team/budget"});
    let objects = server.post("/objs/query", &request)["objs"].as_array().unwrap().clone();
    assert_eq!(objects.iter().map(|object| object["object_id"].clone()).collect::<Vec<_>>(), [json!("needed")]);

    let second = writer.sync_with(&server.url(), choices(15_000));
    assert_eq!(second.error().unwrap().status(), Status::Timeout);
    assert_eq!(calls(&server, "team/budget").len(), 22, "all but the large one");
    assert_eq!(writer.sync(&server.url()).error(), None);
    assert_eq!((calls(&server, "team/budget").len(), most_often_written(&server)), (23, 1));
}

#[test]
fn when_the_time_is_over_a_sync_ends_at_the_end_of_a_request() {
    let server = Server::shared();
    let writer = Writer::new("team/late");
    (0..50).for_each(|_| drop(writer.finished_call("{}")));
    let late = writer.sync_with(&server.url(), Choices { max_time: Some(Duration::ZERO), ..Choices::default() });
    assert_eq!(late.error().unwrap().status(), Status::Timeout);
    let rest = writer.sync(&server.url());
    assert_eq!((rest.error(), writer.counts(&rest, "calls")), (None, (50, 0)));
}

#[test]
fn a_sync_waits_for_another_one_when_it_may() {
    let server = Server::shared();
    let writer = Writer::new("team/waits");
    writer.finished_call("{}");
    let lock = writer.dir.path().join(".weave/sync.lock");
    let held = weave::store::lock::try_acquire(&lock, Default::default()).unwrap();
    let outcome = std::thread::scope(|scope| {
        let choices = Choices { wait: Duration::from_secs(60), ..Choices::default() };
        let waiting = scope.spawn(|| writer.sync_with(&server.url(), choices));
        drop(held);
        waiting.join().unwrap()
    });
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
}

#[test]
fn of_a_batch_that_does_not_fit_into_the_budget_as_much_is_sent_as_fits() {
    let server = Server::shared();
    let writer = Writer::new("team/small");
    let text = "x".repeat(3000);
    (0..100).for_each(|n| drop(writer.finished_call(&json!({"n": n, "text": text}).to_string())));
    let mut sent = Vec::new();
    for _ in 0..2 {
        let outcome = writer.sync_with(&server.url(), Choices { max_bytes: Some(50_000), ..Choices::default() });
        assert_eq!(outcome.error().unwrap().status(), Status::Timeout);
        sent.push(writer.counts(&outcome, "calls").0);
    }
    assert!(sent.iter().all(|count| (10..17).contains(count)), "{sent:?}");
}
