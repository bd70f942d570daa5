"""`weave export --otlp`: what a collector is posted, and what is in a file, is read by OpenTelemetry's own messages."""
import base64
import gzip
import http.server
import json
import signal
import subprocess
import threading

import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (ExportTracePartialSuccess, ExportTraceServiceRequest,
                                                                      ExportTraceServiceResponse)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

import harness

TRACE = "0197a3b2-0000-7000-8000-00000000ffff"
PYTHONS_ERROR = {"type": "ValueError", "message": "no", "traceback": [
    {"filename": "a.py", "line_number": 3, "function_name": "f", "text": "g()"}]}
CHAT = {"model": "gpt-4o", "temperature": 0.5, "messages": [{"role": "user", "content": "Hi \"there\" \u00e9"}]}
ANSWER = {"id": "r1", "model": "gpt-4o-2024", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "Ho"}, "finish_reason": "stop"}]}
USAGE = {"usage": {"gpt-4o-2024": {"requests": 1, "prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}}}


def call(number, **fields):
    data = {"project_id": "team/demo", "id": f"0197a3b2-0000-7000-8000-{number:012}", "trace_id": TRACE,
            "op_name": "weave:///team/demo/op/answer:v1", "started_at": "2026-01-31T12:00:00.000001Z",
            "ended_at": "2026-01-31T12:00:01.5Z", "attributes": {}, "inputs": {}, "output": None, "summary": {}, **fields}
    return json.dumps({"type": "call_complete", "timestamp": "2026-01-31T12:00:00.000000Z", "data": data},
                      separators=(",", ":")) + "\n"


def write(directory, lines, project="team/demo"):
    calls = directory / project / "calls"
    calls.mkdir(parents=True)
    (calls / "20260131_0000.jsonl").write_text("".join(lines))
    return directory


@pytest.fixture
def offline(tmp_path):
    """A trace: an answer that failed, with a call of a model in it; and a call that runs, in a project of no entity."""
    parent = "0197a3b2-0000-7000-8000-000000000001"
    write(tmp_path / "offline", [
        call(2, parent_id=parent, op_name="openai.chat.completions.create", inputs=CHAT, output=ANSWER, summary=USAGE),
        call(1, display_name="An answer", exception=json.dumps(PYTHONS_ERROR), summary=USAGE, thread_id="talk",
             attributes={"env": {"robot": 7, "tags": ["a", "b"]}, "weave": {"client_version": "1"}})])
    start = {"start": {"id": "0197a3b2-0000-7000-8000-000000000003", "op_name": "walk", "started_at": "2026-01-31T13:00:00Z"}}
    line = json.dumps({"type": "call_start", "timestamp": "2026-01-31T12:00:00.000000Z", "data": start}) + "\n"
    return write(tmp_path / "offline", [line], "offline/mine")


class Collector:
    """A server that gives the answers it is told to, the last one again and again, and keeps what it was posted. An answer
    may depend on the body."""

    def __init__(self, *answers):
        self.requests = requests = []
        waiting = list(answers or [(200, {}, b"")])

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                requests.append((self.path, self.headers, body))
                given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                status, headers, answer = given(body) if callable(given) else given
                self.send_response(status)
                for name, value in {"Content-Type": "application/x-protobuf", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self):
        found = {}
        for _, _, body in self.requests:
            found.update(spans_of(ExportTraceServiceRequest.FromString(body)))
        return found


@pytest.fixture
def collector():
    """collector(*answers) starts one: answers are (status, headers, body)."""
    started = []

    def start(*answers):
        started.append(Collector(*answers))
        return started[-1]

    yield start
    for one in started:
        one.server.shutdown()
        one.server.server_close()


def value(of):
    kind = of.WhichOneof("value")
    return [value(one) for one in of.array_value.values] if kind == "array_value" else getattr(of, kind)


def attributes(of):
    names = [attribute.key for attribute in of.attributes]
    assert len(names) == len(set(names))
    return {attribute.key: value(attribute.value) for attribute in of.attributes}


def spans_of(request):
    """Name → (span, attributes, those of its resource)."""
    return {span.name: (span, attributes(span), attributes(resource.resource)) for resource in request.resource_spans
            for scope in resource.scope_spans for span in scope.spans}


def test_a_collector_is_posted_a_trace_that_opentelemetry_reads(weave_command, offline, collector):
    to = collector()
    done = weave_command("export", "-d", offline, "--otlp", to.url)
    assert done.returncode == 0, done.stderr
    assert "2 spans sent" in done.stdout and "1 call has not ended" in done.stdout
    [(path, headers, _)] = to.requests
    assert (path, headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
    outer, about, resource = to.spans()["An answer"]
    inner, _, _ = to.spans()["chat gpt-4o"]
    assert outer.trace_id == inner.trace_id == bytes.fromhex(TRACE.replace("-", ""))
    assert inner.parent_span_id == outer.span_id == bytes.fromhex("8000000000000001") and not outer.parent_span_id
    assert (outer.kind, inner.kind) == (Span.SPAN_KIND_INTERNAL, Span.SPAN_KIND_CLIENT)
    assert (outer.start_time_unix_nano, outer.end_time_unix_nano) == (1769860800000001000, 1769860801500000000)
    assert resource == {"service.name": "demo", "service.namespace": "team", "weave.project_id": "team/demo"}
    assert about["weave.call_id"] == "0197a3b2-0000-7000-8000-000000000001"
    assert (about["weave.attributes.env.robot"], about["weave.attributes.env.tags"]) == (7, ["a", "b"])


def test_a_failure_is_a_status_and_an_exception(weave_command, offline, collector):
    to = collector()
    weave_command("export", "-d", offline, "--otlp", to.url)
    span, about, _ = to.spans()["An answer"]
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "no")
    [event] = span.events
    told = attributes(event)
    assert (event.name, told["exception.type"], told["exception.message"]) == ("exception", "ValueError", "no")
    assert 'File "a.py", line 3, in f' in told["exception.stacktrace"]
    assert about["error.type"] == "ValueError"


def test_a_call_of_a_model_follows_the_genai_conventions_and_tokens_count_once(weave_command, offline, collector):
    to = collector()
    weave_command("export", "-d", offline, "--otlp", to.url)
    _, about, _ = to.spans()["chat gpt-4o"]
    assert {name: about[name] for name in about if name.startswith("gen_ai.") and not name.endswith("messages")} == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.request.temperature": 0.5, "gen_ai.response.id": "r1", "gen_ai.response.model": "gpt-4o-2024",
        "gen_ai.response.finish_reasons": ["stop"], "gen_ai.usage.input_tokens": 3, "gen_ai.usage.output_tokens": 4}
    assert json.loads(about["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi \"there\" \u00e9"}]}]
    assert json.loads(about["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": "Ho"}], "finish_reason": "stop"}]
    assert json.loads(about["weave.inputs"]) == CHAT
    _, outer, _ = to.spans()["An answer"]
    assert "gen_ai.usage.input_tokens" not in outer and json.loads(outer["weave.summary"]) == USAGE


def test_lines_in_a_file_are_otlp_json_and_say_the_same_as_what_is_posted(weave_command, offline, collector, tmp_path):
    to, path = collector(), tmp_path / "spans.jsonl"
    weave_command("export", "-d", offline, "--otlp", to.url)
    done = weave_command("export", "-d", offline, "--otlp", path)
    assert "2 spans written to" in done.stdout
    [line] = path.read_text().splitlines()
    data = json.loads(line)
    ids = [span["traceId"] for resource in data["resourceSpans"] for scope in resource["scopeSpans"] for span in scope["spans"]]
    assert ids == [TRACE.replace("-", "")] * 2

    # OTLP's JSON is protobuf's but for ids, which are hexadecimal: protobuf's parser takes them for base64.
    def as_base64(spans):
        for span in spans:
            for name in ("traceId", "spanId", "parentSpanId"):
                if name in span:
                    raw = bytes.fromhex(span[name])
                    span[name] = base64.b64encode(raw).decode()

    for resource in data["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            as_base64(scope["spans"])
    parsed = json_format.ParseDict(data, ExportTraceServiceRequest())
    assert parsed == ExportTraceServiceRequest.FromString(to.requests[0][2])


def test_what_is_refused_for_a_moment_is_sent_again_when_the_collector_says(weave_command, offline, collector):
    to = collector((429, {"Retry-After": "1"}, b""), (503, {}, b""), (200, {}, b""))
    done = weave_command("export", "-d", offline, "--otlp", to.url, "--json")
    assert json.loads(done.stdout) == {"to": f"{to.url}/v1/traces", "sent": 2, "rejected": 0, "running": 1}
    assert len(to.requests) == 3 and len({body for _, _, body in to.requests}) == 1


@pytest.mark.parametrize("status, code, told", [(500, 2, "500"), (400, 3, "400"), (401, 3, "--header"), (404, 3, "/v1/traces")])
def test_what_is_refused_for_good_is_not_tried_again(weave_command, offline, collector, status, code, told):
    to = collector((status, {}, b"not so"))
    done = weave_command("export", "-d", offline, "--otlp", to.url)
    assert (done.returncode, len(to.requests)) == (code, 1), done.stderr
    assert told in done.stderr and "nothing was sent" in done.stderr


def test_spans_that_a_collector_does_not_take_are_told(weave_command, offline, collector):
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    to = collector((200, {}, ExportTraceServiceResponse(partial_success=partial).SerializeToString()))
    done = weave_command("export", "-d", offline, "--otlp", to.url)
    assert done.returncode == 1
    assert "too old" in done.stderr and "1 span sent" in done.stdout and "1 not taken" in done.stdout


@pytest.mark.parametrize("status, text", [(413, b""), (400, b"http: request body too large")])
def test_what_is_too_large_for_a_collector_keeps_nothing_else_back(weave_command, collector, tmp_path, status, text):
    sizes = [20_000] * 30 + [300_000] + [20_000] * 30
    write(tmp_path / "mixed", [call(number, inputs={"text": "x" * size}) for number, size in enumerate(sizes)])
    to = collector(lambda body: (200, {}, b"") if len(body) < 200_000 else (status, {}, text))
    done = weave_command("export", "-d", tmp_path / "mixed", "--otlp", to.url, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["sent"], told["rejected"]) == (1, 60, 1)
    assert done.stderr.count("too much for it") == 1
    taken = [span.span_id for _, _, body in to.requests if len(body) < 200_000
             for resource in ExportTraceServiceRequest.FromString(body).resource_spans
             for scope in resource.scope_spans for span in scope.spans]
    assert len(set(taken)) == len(taken) == 60


def test_an_answer_in_json_is_one_too(weave_command, offline, collector):
    json_type = {"Content-Type": "application/json"}
    done = weave_command("export", "-d", offline, "--otlp", collector((200, json_type, b"{}")).url)
    assert done.returncode == 0 and "2 spans sent" in done.stdout
    partial = b'{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}'
    done = weave_command("export", "-d", offline, "--otlp", collector((200, json_type, partial)).url)
    assert done.returncode == 1 and "too old" in done.stderr


def test_spans_go_compressed_when_the_environment_wants_it(weave_command, offline, collector):
    plain, packed = collector(), collector()
    weave_command("export", "-d", offline, "--otlp", plain.url)
    weave_command("export", "-d", offline, "--otlp", packed.url, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    [(_, headers, body)] = packed.requests
    assert headers["Content-Encoding"] == "gzip" and gzip.decompress(body) == plain.requests[0][2]


def test_an_address_without_its_scheme_is_no_file(weave_command, offline, tmp_path):
    done = weave_command("export", "-d", offline, "--otlp", "localhost:4318")
    assert done.returncode == 2 and "give http://localhost:4318" in done.stderr
    assert not (tmp_path / "localhost:4318").exists()


def test_a_large_span_stands_in_a_line_of_its_own(weave_command, tmp_path):
    lines = [call(number, inputs={"text": "x" * size}) for number, size in enumerate([10, 500_000, 10, 10])]
    write(tmp_path / "mixed", lines)
    done = weave_command("export", "-d", tmp_path / "mixed", "--otlp", "-")
    counts = [sum(len(scope["spans"]) for resource in json.loads(line)["resourceSpans"] for scope in resource["scopeSpans"])
              for line in done.stdout.splitlines()]
    assert counts == [1, 1, 2]


def test_a_sign_in_page_acknowledges_nothing(weave_command, offline, collector):
    to = collector((200, {"Content-Type": "text/html"}, b"<html>Sign in</html>"))
    done = weave_command("export", "-d", offline, "--otlp", to.url)
    assert done.returncode == 3 and "no collector" in done.stderr


def test_a_wish_to_stop_ends_a_request_that_waits(command, offline, tmp_path):
    with harness.MuteServer() as mute:
        line = [command, "export", "-d", offline, "--otlp", mute.url]
        with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=harness.client_environment(tmp_path)) as process:
            with mute.asked():
                process.send_signal(signal.SIGINT)
                _, told = process.communicate(timeout=10)
    assert process.returncode == 1 and "stopped; nothing was sent" in told


def test_nobody_there_is_told(weave_command, offline):
    done = weave_command("export", "-d", offline, "--otlp", "http://127.0.0.1:9", WEAVE_RETRY_MAX_ATTEMPTS="1")
    assert done.returncode == 2 and "cannot be reached" in done.stderr


@pytest.mark.parametrize("url", ["ftp://localhost", "http://localhost/?key=1", "http://"])
def test_what_is_no_address_of_a_collector_is_told(weave_command, offline, url):
    done = weave_command("export", "-d", offline, "--otlp", url)
    assert done.returncode == 2 and f"{url} is no address of a collector" in done.stderr


def test_a_password_in_an_address_is_not_repeated(weave_command, offline):
    done = weave_command("export", "-d", offline, "--otlp", "http://me:hunter2@localhost")
    assert done.returncode == 2 and "--header" in done.stderr and "hunter2" not in done.stderr


def test_headers_and_proxies_hold(weave_command, offline, collector):
    to, proxy = collector(), collector()
    weave_command("export", "-d", offline, "--otlp", f"{to.url}/custom", "--header", "X-Key: mine",
                  OTEL_EXPORTER_OTLP_HEADERS="x-key=theirs,other=a%20b")
    [(path, headers, _)] = to.requests
    assert (path, headers.get_all("X-Key"), headers["other"]) == ("/custom", ["mine"], "a b")
    # A proxy is asked for a tunnel, which this one knows nothing of.
    done = weave_command("export", "-d", offline, "--otlp", to.url, HTTP_PROXY=proxy.url, WEAVE_RETRY_MAX_ATTEMPTS="1")
    assert done.returncode == 2 and len(to.requests) == 1


def test_many_calls_go_in_requests_of_a_bounded_size(weave_command, collector, tmp_path):
    lines = [call(number, inputs={"text": "x" * 50_000}) for number in range(100)]
    write(tmp_path / "many", lines)
    to = collector()
    done = weave_command("export", "-d", tmp_path / "many", "--otlp", to.url)
    assert "100 spans sent" in done.stdout, done.stderr
    assert 4 < len(to.requests) and max(len(body) for _, _, body in to.requests) <= 1 << 20
    ids = [span.span_id for _, _, body in to.requests for resource in ExportTraceServiceRequest.FromString(body).resource_spans
           for scope in resource.scope_spans for span in scope.spans]
    assert len(set(ids)) == len(ids) == 100
