//! Nothing is written twice, whatever becomes of answers and of syncs.

use super::*;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use weave::record::kind::RecordType::{CostCreate, FeedbackCreate};
use weave::sync::Update;

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
        projects: &[],
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
fn a_call_that_another_machine_has_shown_as_running_gets_its_end_alone() {
    let server = Server::start(&[]);
    let (there, here) = (Writer::new("team/x"), Writer::new("team/x"));
    let running = Id::new().to_string();
    there.start(&running, "{}");
    there.flush();
    there.sync_with(&server.url(), at_once());
    here.start(&running, "{}");
    here.end(&running);
    here.finished_call("{}");
    here.flush();
    let project = here.dir.path().join("team/x");
    let name = std::fs::read_dir(project.join("calls")).unwrap().next().unwrap().unwrap().file_name();
    std::fs::create_dir_all(project.join(".sync")).unwrap();
    let carried = json!({"file": format!("calls/{}", name.to_str().unwrap()), "carried": [[0, 9]]});
    std::fs::write(project.join(".sync/progress.jsonl"), format!("{carried}\n")).unwrap();
    here.sync_with(&server.url(), at_once());
    let calls = calls(&server, "team/x");
    assert_eq!((calls.len(), most_often_written(&server)), (2, 1));
    assert!(calls.iter().all(|call| !call["ended_at"].is_null()));
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
        projects: &[],
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
    let url = before(&server, move |path, _, pass| {
        let answer = pass();
        let is_first = path == "/cost/create" && !is_cut.swap(true, Ordering::SeqCst);
        Some(if is_first { b"HTTP/1.1 200 OK\r\n\r\n".to_vec() } else { answer })
    });
    assert_eq!(writer.sync(&url).error().unwrap().status(), Status::Server);
    assert_eq!(writer.sync(&url).error(), None);
    let costs = server.post("/cost/query", &json!({"project_id": "team/x"}));
    assert_eq!(costs["results"].as_array().unwrap().len(), 1, "{costs}");
}

/// Stands before a server and sees each request. `act` gets its path, its body, and a way to pass it on, which gives
/// the server's answer; what it returns is the answer that the client gets, and without one the connection is cut.
pub fn before(
    server: &Server,
    act: impl Fn(&str, &str, &dyn Fn() -> Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> String {
    let (backend, act) = (server.port(), Arc::new(act));
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let act = act.clone();
            thread::spawn(move || {
                let (head, body) = request(&client);
                let pass = || {
                    let mut server = TcpStream::connect(("127.0.0.1", backend)).unwrap();
                    server.write_all(head.replacen("\r\n", "\r\nconnection: close\r\n", 1).as_bytes()).unwrap();
                    server.write_all(body.as_bytes()).unwrap();
                    let mut answer = Vec::new();
                    server.read_to_end(&mut answer).unwrap();
                    answer
                };
                if let Some(answer) = act(head.split(' ').nth(1).unwrap_or_default(), &body, &pass) {
                    let _ = client.write_all(&answer);
                }
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    url
}

fn request(client: &TcpStream) -> (String, String) {
    let (mut reader, mut head) = (BufReader::new(client), String::new());
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).is_ok_and(|read| read > 0) {}
    let lines = head.to_ascii_lowercase();
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = reader.read_exact(&mut body);
    (head, String::from_utf8_lossy(&body).into_owned())
}

/// The answer of a server with this status, and with further headers.
pub fn answer(status: u16, headers: &str, body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n");
    Some((head + body).into_bytes())
}

/// The answer of a server that does not take something.
pub fn refusal(status: u16) -> Option<Vec<u8>> {
    answer(status, "", "{\"reason\":\"not taken\"}")
}

/// Logs a price of a model.
pub fn log_price(writer: &Writer, model: &str) {
    let costs = json!({model: {"prompt_token_cost": 1.5, "completion_token_cost": 2.5}});
    writer.record(CostCreate, &json!({"project_id": writer.project, "costs": costs}));
}

/// One sync that tries what fails so often.
pub fn sync_trying(
    writer: &Writer,
    server: &str,
    attempts: &str,
    report: &mut dyn FnMut(&Update<'_>) -> bool,
) -> Outcome {
    sync_until(writer, server, attempts, Choices::default(), &Stop::new(), report)
}

fn sync_until(
    writer: &Writer,
    server: &str,
    attempts: &str,
    choices: Choices,
    stop: &Stop,
    report: &mut dyn FnMut(&Update<'_>) -> bool,
) -> Outcome {
    let (dir, connection) = (writer.dir.path(), Connection { timeout: Some(TIMEOUT), ..connection(server, KEY) });
    let variables = [("WEAVE_RETRY_MAX_ATTEMPTS", attempts), ("WEAVE_RETRY_MAX_INTERVAL", "0.05")];
    let environment = Environment::given(&variables, dir, dir);
    let request = Request {
        offline_dir: dir,
        projects: &[],
        connection: &connection,
        environment: &environment,
        choices,
        stop: stop.clone(),
    };
    sync::run(&request, &mut |update| report(update)).unwrap()
}

fn prices(server: &Server, writer: &Writer) -> usize {
    let answer = server.post("/cost/query", &json!({"project_id": writer.project}));
    answer["results"].as_array().unwrap().len()
}

/// Whether a body is the request to make a price of this model.
fn is_price(path: &str, body: &str, model: &str) -> bool {
    path == "/cost/create" && body.contains(&format!("\"{model}\""))
}

#[test]
fn a_price_under_way_beside_one_that_was_taken_is_looked_up_after_a_stop() {
    let server = Server::shared();
    let writer = Writer::new("team/stopped-beside");
    ["a", "b"].iter().for_each(|model| log_price(&writer, model));
    let stop = Stop::new();
    let asks = stop.clone();
    let url = before(server, move |path, body, pass| match is_price(path, body, "b") {
        true => {
            pass();
            asks.ask();
            None
        }
        false => Some(pass()),
    });
    let outcome = sync_until(&writer, &url, "8", Choices::default(), &stop, &mut |_| true);
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 2);
}

#[test]
fn a_price_whose_answer_was_lost_beside_one_that_was_taken_is_looked_up_when_the_callback_ends_the_sync() {
    let server = Server::shared();
    let writer = Writer::new("team/ended-beside");
    ["a", "b"].iter().for_each(|model| log_price(&writer, model));
    let url = before(server, |path, body, pass| Some(pass()).filter(|_| !is_price(path, body, "b")));
    let outcome = sync_trying(&writer, &url, "8", &mut |_| false);
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 2);
}

#[test]
fn what_was_about_to_be_looked_up_when_the_sync_ended_is_looked_up_by_the_next_one() {
    let server = Server::start(&[]);
    let writer = Writer::new("team/about-to");
    let ids: Vec<String> = (0..5).map(|_| Id::new().to_string()).collect();
    ids.iter().for_each(|id| writer.start(id, "{}"));
    // The first one is applied and answered with an error, and its time comes at once. The server is slow enough that
    // by then as many are under way as may be, so that the answer to the second one is taken before.
    let first = ids[0].clone();
    let url = before(&server, move |path, body, pass| {
        if !path.ends_with("/call/start") {
            return Some(pass());
        }
        thread::sleep(Duration::from_millis(100));
        let passed = pass();
        if body.contains(&first) {
            answer(503, "retry-after-ms: 0.001\r\n", "{}")
        } else {
            Some(passed)
        }
    });
    let choices = Choices { connections: 1, ..at_once() };
    let outcome = sync_until(&writer, &url, "8", choices, &Stop::new(), &mut |_| false);
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!((calls(&server, "team/about-to").len(), most_often_written(&server)), (5, 1));
}

#[test]
fn what_may_have_arrived_is_looked_up_after_a_sync_that_found_the_server_failing_for_everything() {
    let server = Server::shared();
    let writer = Writer::new("team/failing-for-all");
    log_price(&writer, "a");
    let url = before(server, |path, _, pass| match path {
        "/cost/create" => {
            pass();
            refusal(500)
        }
        "/calls/stream_query" => refusal(500),
        _ => Some(pass()),
    });
    let outcome = sync_trying(&writer, &url, "1", &mut |_| true);
    assert_eq!(outcome.error().unwrap().status(), Status::Server);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 1);
}

#[test]
fn what_may_have_arrived_and_was_not_judged_when_an_error_came_is_looked_up_by_the_next_sync() {
    let server = Server::shared();
    let writer = Writer::new("team/not-judged");
    ["a", "b"].iter().for_each(|model| log_price(&writer, model));
    let url = before(server, |path, body, pass| match path {
        "/cost/create" if body.contains("\"b\"") => refusal(401),
        "/cost/create" => {
            pass();
            refusal(500)
        }
        _ => Some(pass()),
    });
    let outcome = sync_trying(&writer, &url, "1", &mut |_| true);
    assert_eq!(outcome.error().unwrap().status(), Status::Unauthorized);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 2);
}

/// A server that takes each price and answers with an error all the same.
fn taking_with_errors(server: &Server) -> String {
    before(server, |path, _, pass| {
        let answer = pass();
        if path == "/cost/create" {
            refusal(500)
        } else {
            Some(answer)
        }
    })
}

#[test]
fn what_may_have_arrived_of_records_that_were_all_refused_is_looked_up_by_the_next_sync() {
    let server = Server::shared();
    let writer = Writer::new("team/all-refused");
    (0..25).for_each(|n| log_price(&writer, &format!("m{n}")));
    let outcome = sync_trying(&writer, &taking_with_errors(server), "1", &mut |_| true);
    assert_eq!(outcome.error().unwrap().status(), Status::Incomplete);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 25);
}

#[test]
fn what_may_have_arrived_of_several_refused_records_is_looked_up_when_the_callback_ends_the_sync_at_the_first() {
    let server = Server::shared();
    let writer = Writer::new("team/first-of-several");
    ["a", "b", "c"].iter().for_each(|model| log_price(&writer, model));
    let outcome = sync_trying(&writer, &taking_with_errors(server), "1", &mut |_| false);
    assert_eq!(outcome.error().unwrap().status(), Status::Cancelled);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 3);
}

#[test]
fn what_a_server_took_and_something_else_answered_is_looked_up_by_the_next_sync() {
    let server = Server::shared();
    let writer = Writer::new("team/answered-by-another");
    log_price(&writer, "a");
    let url = before(server, |path, _, pass| {
        let passed = pass();
        if path == "/cost/create" {
            answer(200, "", "<html>sign in</html>")
        } else {
            Some(passed)
        }
    });
    assert_eq!(sync_trying(&writer, &url, "8", &mut |_| true).error().unwrap().status(), Status::Server);
    sync_until_done(&writer, &server.url(), TIMEOUT);
    assert_eq!(prices(server, &writer), 1);
}

#[test]
fn a_sync_that_ends_early_does_not_make_the_next_one_ask_too_soon() {
    let server = Server::shared();
    let writer = Writer::new("team/not-too-soon");
    ["a", "b"].iter().for_each(|model| log_price(&writer, model));
    let url = before(server, |path, body, pass| Some(pass()).filter(|_| !is_price(path, body, "b")));
    let cut = sync_trying(&writer, &url, "1", &mut |_| true);
    assert_eq!(cut.error().unwrap().status(), Status::Network);
    let file = ProjectDir::new(writer.dir.path(), &writer.project).sync_folder().join("progress.jsonl");
    // As if the server were given much more time.
    let over = Timestamp::from_micros(Timestamp::now().micros() + 3_000_000_000).unwrap().to_string();
    let noted = std::fs::read_to_string(&file).unwrap();
    let at = noted.rfind("\"over\":\"").unwrap() + 8;
    let noted = format!("{}{over}{}", &noted[..at], &noted[at + noted[at..].find('"').unwrap()..]);
    std::fs::write(&file, noted).unwrap();
    log_price(&writer, "c");
    let patient = Connection { timeout: Some(Duration::from_secs(10_000)), ..connection(&server.url(), KEY) };
    let environment = Environment::given(&[], writer.dir.path(), writer.dir.path());
    let request = Request {
        offline_dir: writer.dir.path(),
        projects: &[],
        connection: &patient,
        environment: &environment,
        choices: Choices { max_bytes: Some(1), ..Choices::default() },
        stop: Stop::new(),
    };
    // What is not in doubt goes first, and is already too much.
    let ended = sync::run(&request, &mut |_| true).unwrap();
    assert_eq!(ended.error().unwrap().status(), Status::Timeout);
    let noted = std::fs::read_to_string(&file).unwrap();
    let kept = noted.rsplit_once("\"over\":\"").unwrap().1.split('"').next().unwrap();
    let micros = |time: &str| Timestamp::parse(time, "over").unwrap().micros();
    assert!(micros(kept) > micros(&over) - 1_000_000, "{kept} instead of {over}");
}
