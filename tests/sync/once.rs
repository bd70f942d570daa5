//! Nothing is written twice, whatever becomes of answers and of syncs.

use super::*;
use common::network::gateway;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use weave::record::kind::RecordType::{CostCreate, FeedbackCreate};

/// Answers of requests are lost by thirds: errors before the work, errors after it, and cut connections.
const TROUBLES: [&[&str]; 3] = [
    &["--fail-rate", "0.5", "--fail-status", "429,500,503", "--seed", "3"],
    &["--fail-rate", "0.5", "--fail-after", "--fail-status", "429,500,503", "--seed", "4"],
    &["--drop-rate", "0.5", "--seed", "5"],
];

/// Longer than the slow server takes.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Logs calls, finished and open, feedback and costs; how many calls.
fn log_everything(writer: &Writer) -> usize {
    for n in 0..40 {
        writer.finished_call(&json!({"n": n}).to_string());
    }
    writer.start(Id::new().as_str(), "{}");
    for n in 0..5 {
        let id = Id::new().to_string();
        let item = json!({"project_id": writer.project, "id": id, "weave_ref": "weave:///team/x/call/x",
                          "feedback_type": "custom", "payload": {"n": n}});
        writer.record(FeedbackCreate, &item);
        let price = json!({"m": {"prompt_token_cost": n, "completion_token_cost": 2.5}});
        writer.record(CostCreate, &json!({"project_id": writer.project, "costs": price}));
    }
    41
}

/// Syncs with little patience until all is sent.
fn sync_until_done(writer: &Writer, server: &str, timeout: Duration) {
    let connection = Connection { timeout: Some(timeout), ..connection(server, KEY) };
    let environment = Environment::given(&[("WEAVE_RETRY_MAX_INTERVAL", "0.05")], writer.dir.path(), writer.dir.path());
    let request = || Request {
        offline_dir: writer.dir.path(),
        project: None,
        connection: &connection,
        environment: &environment,
        choices: Choices { open_after: Duration::ZERO, ..Choices::default() },
        stop: Stop::new(),
    };
    let done = (0..100).any(|_| sync::run(&request(), &mut |_| true).unwrap().error().is_none());
    assert!(done, "a hundred syncs were not enough");
}

#[test]
fn records_whose_answer_is_lost_are_looked_up_before_they_are_sent_again() {
    for trouble in TROUBLES {
        let server = Server::start(trouble);
        let writer = Writer::new("team/x");
        let count = log_everything(&writer);
        sync_until_done(&writer, &server.url(), Duration::from_millis(300));
        let server = server.healed();
        assert_eq!(calls(&server, "team/x").len(), count, "{trouble:?}");
        assert_eq!(most_often_written(&server), 1, "{trouble:?}: {}", server.get("/test/writes"));
        let costs = server.post("/cost/query", &json!({"project_id": "team/x"}));
        assert_eq!(costs["results"].as_array().unwrap().len(), 5, "{trouble:?}");
        assert_eq!((writer.pending(Kind::Calls), writer.pending(Kind::Feedback)), (0, 0));
    }
}

#[test]
fn what_a_server_does_after_the_time_out_of_a_request_is_waited_for() {
    // Later than the time-out, and before the look-up: that comes when as much time again is over.
    let writes = "^/(call/|v2/|feedback/batch|feedback/create|cost/create)";
    let server = Server::start(&["--late-rate", "1", "--late", "1.5", "--fault-paths", writes]);
    let writer = Writer::new("team/x");
    let count = log_everything(&writer);
    sync_until_done(&writer, &server.url(), Duration::from_secs(1));
    assert_eq!((calls(&server, "team/x").len(), most_often_written(&server)), (count, 1));
}

#[test]
fn only_the_item_whose_request_was_cut_is_looked_up_and_those_behind_it_go_on() {
    let server = Server::start(&["--drop-rate", "0.4", "--seed", "7", "--fault-paths", "^/cost/create"]);
    let writer = Writer::new("team/x");
    for n in 0..12 {
        let price = json!({"m": {"prompt_token_cost": n, "completion_token_cost": 2.5}});
        writer.record(CostCreate, &json!({"project_id": writer.project, "costs": price}));
    }
    sync_until_done(&writer, &server.url(), Duration::from_millis(300));
    let cut = server.requests_to("/cost/create", 12).iter().filter(|request| !request["fault"].is_null()).count();
    assert!(cut > 1);
    assert_eq!(server.requests_to("/cost/query", cut).len(), cut);
    let costs = server.post("/cost/query", &json!({"project_id": "team/x"}));
    assert_eq!(costs["results"].as_array().unwrap().len(), 12);
}

#[test]
fn what_was_under_way_when_a_sync_was_stopped_is_looked_up_by_the_next_one() {
    let server = Server::start(&["--delay", "0.5"]);
    let writer = Writer::new("team/x");
    let count = log_everything(&writer);
    let stop = Stop::new();
    let connection = Connection { timeout: Some(TIMEOUT), ..connection(&server.url(), KEY) };
    let environment = Environment::given(&[], writer.dir.path(), writer.dir.path());
    let request = Request {
        offline_dir: writer.dir.path(),
        project: None,
        connection: &connection,
        environment: &environment,
        choices: at_once(),
        stop: stop.clone(),
    };
    let outcome = std::thread::scope(|scope| {
        let syncing = scope.spawn(|| sync::run(&request, &mut |_| true).unwrap());
        let progress = ProjectDir::new(writer.dir.path(), "team/x").sync_folder().join("progress.jsonl");
        while !std::fs::read_to_string(&progress).is_ok_and(|text| text.contains("\"sending\":[[")) {
            std::thread::yield_now();
        }
        stop.ask();
        syncing.join().unwrap()
    });
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!((calls(&server, "team/x").len(), most_often_written(&server)), (count, 1));
}

#[test]
fn a_price_whose_answer_came_without_its_body_is_looked_up_by_the_next_sync() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/x");
    let price = json!({"m": {"prompt_token_cost": 1.0, "completion_token_cost": 2.5}});
    writer.record(CostCreate, &json!({"project_id": writer.project, "costs": price}));
    let is_cut = AtomicBool::new(false);
    let port = gateway(server.port(), move |path, answer, client| {
        let cut = path == "/cost/create" && !is_cut.swap(true, Ordering::SeqCst);
        client.write_all(if cut { b"HTTP/1.1 200 OK\r\n\r\n" } else { answer })
    });
    let url = format!("http://127.0.0.1:{port}");
    assert_eq!(writer.sync(&url).error().unwrap().status(), Status::Server);
    assert_eq!(writer.sync(&url).error(), None);
    let costs = server.post("/cost/query", &json!({"project_id": "team/x"}));
    assert_eq!(costs["results"].as_array().unwrap().len(), 1, "{costs}");
}
