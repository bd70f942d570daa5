# frozen_string_literal: true

require "helper"

class TestAftercare < WeaveTest
  # Logs finished calls of these names.
  def logged(*ops)
    client = session
    ops.each { |op| client.log_call(op, { op: op }, "out") }
    Weave.finish
  end

  def test_what_is_stored_is_sent_counted_verified_and_cleaned
    logged("one", "two")
    told = []
    results = Weave.sync(traces, **server) { |*progress| told << progress }
    assert_equal [2, 0], results["team/project"]["calls"]
    assert_includes told, ["team/project", "calls", 2, 0]
    assert_equal({}, Weave.sync(traces, **server))
    assert_equal [2, 2], Weave.verify(traces, **server)["team/project"]["calls"]
    assert_equal 0, Weave.directory_stats(traces)["projects"]["team/project"]["calls"]["pending_files"]
    preview = Weave.clean_preview(traces, older_than_days: 0)
    assert_equal [0, preview["files"].size], [Weave.clean(traces), Weave.clean(traces, older_than_days: 0)]
  end

  def test_refused_records_are_told_with_the_results_and_looked_after
    logged("fine", "refuse-me")
    to = server("--reject-marker", "refuse-me")
    error = refused(17) { Weave.sync(traces, **to) }
    assert_equal [1, 1], error.results["team/project"]["calls"]
    assert_includes error.message, "team/project"
    assert_equal 1, Weave.rejected(traces, kind: "calls").size
    assert_equal [], Weave.rejected(traces, kind: "feedback")
    assert_equal 1, Weave.export_rejected("#{@directory}/exported", traces)
    assert_equal 1, Weave.retry_rejected(traces, project: "team/project")
    refused(17) { Weave.sync(traces, **to) }
    assert_equal 1, Weave.drop_rejected(traces)
    assert_equal [], Weave.rejected(traces)
  end

  def test_records_go_elsewhere_when_that_is_said_and_can_be_read_there
    logged("op")
    to = server
    results = Weave.sync(traces, project: "team/project", destinations: { "team/project" => "team/elsewhere" }, **to)
    assert_equal [1, 0], results["team/project"]["calls"]
    client = Weave.init("team/elsewhere", offline_dir: traces, **to)
    calls = client.query("/calls/stream_query", { project_id: "team/elsewhere" })
    assert_equal ["op"], calls.map { |call| call["op_name"] }
    assert_equal 1, client.query("/calls/query_stats", { project_id: "team/elsewhere" })["count"]
  end

  def test_a_session_that_is_not_offline_sends_by_itself
    client = Weave.init("team/online", offline_dir: traces, **server)
    client.op("op", { n: 1 }) { "out" }
    client.flush(timeout: 60)
    assert_equal 1, client.query("/calls/query_stats", { project_id: "team/online" })["count"]
  end

  def test_without_a_key_everything_stays
    logged("op")
    error = refused(13) { Weave.sync(traces, base_url: "http://127.0.0.1:9") }
    assert_includes error.message, "WANDB_API_KEY"
    assert_nil error.results
  end

  def test_progress_that_answers_false_stops_the_sync_and_everything_else_is_kept
    logged("op")
    refused(19) { Weave.sync(traces, **server) { false } }
  end

  def test_what_progress_raises_stops_the_sync_and_is_raised
    logged("op")
    assert_equal "enough", assert_raises(IOError) { Weave.sync(traces, **server) { raise IOError, "enough" } }.message
    logged("op")
    assert_raises(SystemExit) { Weave.sync(traces, **server) { exit } }
  end

  # Yields settings of a server that takes connections and never answers, and what waits for the first.
  def mute
    listener = TCPServer.new("127.0.0.1", 0)
    url = "http://127.0.0.1:#{listener.addr[1]}"
    yield({ api_key: "k" * 40, base_url: url, trace_server_url: url, http_timeout: 3000 }, -> { listener.accept })
  ensure
    listener.close
  end

  def test_another_thread_stops_a_sync
    logged("op")
    mute do |settings, asked|
      stop = Weave::Stop.new
      sync = Thread.new { Weave.sync(traces, stop: stop, **settings) }
      sync.report_on_exception = false
      asked.call
      stop.ask
      refused(19) { sync.value }
    end
  end

  def test_a_timeout_and_an_interrupt_end_a_sync
    logged("op")
    mute do |settings, _|
      assert_raises(Timeout::Error) { Timeout.timeout(0.2) { Weave.sync(traces, **settings) } }
    end
    mute do |settings, asked|
      main = Thread.current
      Thread.new { asked.call and main.raise(Interrupt) }
      assert_raises(Interrupt) { Weave.sync(traces, **settings) }
    end
  end
end
