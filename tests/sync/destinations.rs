//! Which projects are sent, and where they go.

use super::*;

#[test]
fn a_project_without_an_entity_goes_to_the_default_entity_and_its_references_follow() {
    let server = Server::shared();
    let writer = Writer::new("offline/unbound");
    let reference = "weave:///offline/unbound/object/thing:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    writer.finished_call(&json!({"thing": reference}).to_string());
    let outcome = writer.sync(&server.url());
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found = &calls(server, "test-entity/unbound")[0];
    assert_eq!(found["inputs"]["thing"], reference.replace("offline/unbound", "test-entity/unbound"));
}

#[test]
fn only_the_named_project_is_sent() {
    let server = Server::shared();
    let writer = Writer::new("team/named");
    writer.finished_call("{}");
    writer.store.add_project("team/other", &json!({}), true).unwrap();
    let other = Writer { project: "team/other".into(), store: writer.store.clone(), dir: tempfile::tempdir().unwrap() };
    other.finished_call("{}");
    let outcome = sync_dir(writer.dir.path(), &server.url(), KEY, Some("named"));
    assert_eq!(writer.counts(&outcome, "calls"), (1, 0));
    assert!(!outcome.results.to_json().contains("team/other"));
    let error = try_sync(writer.dir.path(), &server.url(), KEY, Some("absent")).unwrap_err();
    assert!(error.text().contains("team/named"), "{error}");
}

#[test]
fn a_project_can_be_sent_under_another_name_and_its_references_follow() {
    let server = Server::shared();
    let writer = Writer::new("team/recorded");
    let reference = "weave:///team/recorded/object/thing:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    writer.finished_call(&json!({"thing": reference}).to_string());
    let connection = connection(&server.url(), KEY);
    let dir = writer.dir.path();
    let environment = Environment::given(&[], dir, dir);
    let destination = Some("lab/elsewhere".to_string());
    let request = Request {
        offline_dir: dir,
        projects: &[],
        choices: Choices { destination, ..Choices::default() },
        stop: Stop::new(),
        connection: &connection,
        environment: &environment,
    };
    let outcome = sync::run(&request, &mut |_| true).unwrap();
    assert_eq!((outcome.error(), writer.counts(&outcome, "calls")), (None, (1, 0)));
    let found = &calls(server, "lab/elsewhere")[0];
    assert_eq!(found["inputs"]["thing"], reference.replace("team/recorded", "lab/elsewhere"));
}

#[test]
fn several_projects_go_where_each_is_mapped_to() {
    let server = Server::shared();
    let writer = Writer::new("offline/one");
    writer.store.add_project("team/two", &json!({}), true).unwrap();
    let two = Writer { project: "team/two".into(), store: writer.store.clone(), dir: tempfile::tempdir().unwrap() };
    writer.finished_call(r#"{"r":"weave:///team/two/call/x","t":"{\"r\": \"weave:///offline/one/call/y\"}"}"#);
    two.finished_call("{}");
    let map = [("one", "lab/mapped-1"), ("team/two", "mapped-2")].map(|(a, b)| (a.to_string(), b.to_string()));
    let choices = Choices { destinations: map.to_vec(), entity: Some("lab".into()), ..Choices::default() };
    assert_eq!(writer.sync_with(&server.url(), choices).error(), None);
    assert_eq!(calls(server, "lab/mapped-2").len(), 1);
    let inputs = &calls(server, "lab/mapped-1")[0]["inputs"];
    assert_eq!(inputs["r"], "weave:///lab/mapped-2/call/x");
    assert_eq!(inputs["t"], r#"{"r": "weave:///lab/mapped-1/call/y"}"#, "also inside JSON text");
}

#[test]
fn a_destination_for_a_project_that_is_not_there_is_told() {
    let server = Server::shared();
    let writer = Writer::new("team/here");
    writer.finished_call("{}");
    let choices = Choices { destinations: vec![("team/her".into(), "lab/x".into())], ..Choices::default() };
    let error = writer.sync_with(&server.url(), choices).error().unwrap();
    assert!(error.status() == Status::InvalidArgument && error.text().contains("team/her"), "{error}");
}
