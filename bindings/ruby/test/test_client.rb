# frozen_string_literal: true

require "helper"
require "pathname"

class TestClient < WeaveTest
  def test_a_switch_is_true_or_false
    error = assert_raises(Weave::Error) { session(disabled: "false") }
    assert_match(/disabled is "false"; give true or false/, error.message)
  end

  def test_a_session_tells_its_project_directory_and_counters
    client = session
    assert_equal ["team/project", traces], [client.project, client.offline_dir]
    before = client.stats["accepted"]
    client.log_call("op")
    client.flush
    assert_equal [before + 1, 0, nil], client.stats.values_at("accepted", "waiting", "last_error")
  end

  def test_a_finished_session_says_so_and_may_be_finished_again
    client = session
    client.finish(timeout: 30)
    client.finish
    assert_includes refused(10) { client.log_call("op") }.message, "finished"
    refused(10) { client.flush }
  end

  def test_init_with_a_block_finishes_after_it
    opened = nil
    answered = Weave.init("p", offline: true, offline_dir: traces) { |client| opened = client; 3 }
    assert_equal [3, nil], [answered, Weave.client]
    refused(10) { opened.flush }
  end

  def test_another_session_finishes_the_one_that_is_open
    first = session
    session
    refused(10) { first.flush }
  end

  def test_settings_have_the_names_of_the_library_and_times_are_seconds
    session(attributes: { env: "test" }, redact_keys: ["pin"], source: "suite", sample_rate: 1, entity: nil,
            durability_interval: 0.25, block_limit: 0, max_file_age: 60, compression_level: 3)
    Weave.client.log_call("op", { pin: 1234, city: "Köln" })
    call = calls["op"]
    assert_equal({ "pin" => "REDACTED", "city" => "Köln" }, call["inputs"])
    assert_equal %w[test suite], [call["attributes"]["env"], call["attributes"]["weave"]["source"]]
  end

  def test_a_directory_may_be_a_path
    assert_equal traces, Weave.init("p", offline: true, offline_dir: Pathname(traces)).offline_dir
  end

  { offline_dir: 5, max_file_size: -1, max_file_age: "x", compression_level: 2**40, sample_rate: 7, journal: "tape",
    durability_interval: "1", max_directory_size: 2**64, when_full: "x\0y",
    sync_connections: Object }.each do |name, value|
    define_method(:"test_the_setting_#{name}_is_told_when_it_cannot_be_used") do
      error = refused(1) { Weave.init("p", offline: true, offline_dir: traces, name => value) }
      assert_match(/\A#{name}: /, error.message)
    end
  end

  { parent: 5, usage: { "m" => [] }, started_at: "now", exception: 5, kind: 5, wb_run: ["r", "x"] }.each do |name, value|
    define_method(:"test_what_a_call_is_given_as_#{name}_is_told_when_it_cannot_be_used") do
      error = assert_raises(Weave::Error) { session.log_call("op", nil, nil, name => value) }
      assert_match(/\A#{name}[:.]/, error.message)
    end
  end

  def test_an_unknown_setting_is_an_argument_error
    [-> { session(nonsense: 1) }, -> { session.start("op", nil, nonsense: 1) }].each do |use|
      assert_match(/no such setting: nonsense/, assert_raises(ArgumentError, &use).message)
    end
  end

  def test_a_disabled_session_keeps_nothing
    client = session(disabled: true)
    assert_equal "", client.offline_dir
    client.log_call("op")
    assert_equal 3, client.op("op") { 3 }
    refute_path_exists traces
  end

  def test_a_finished_call_has_what_it_is_given
    id = session.log_call("chat", { k: 1 }, { answer: "yes" }, display_name: "Chat", kind: "llm", thread_id: "t",
                          attributes: { a: 1 }, summary: { own: 2 },
                          started_at: Time.at(1_700_000_000, 1, :microsecond), ended_at: 1_700_000_001_000_000, exception: "late", wb_run: ["team/project/run", 7],
                          usage: { "small" => { prompt_tokens: 3 } })
    call = calls["chat"]
    assert_equal [id, { "k" => 1 }, { "answer" => "yes" }, "Chat", "t"],
                 call.values_at("id", "inputs", "output", "display_name", "thread_id")
    assert_equal ["2023-11-14T22:13:20.000001Z", "team/project/run", 7],
                 call.values_at("started_at", "wb_run_id", "wb_run_step")
    assert_equal [2, 3], [call["summary"]["own"], call["summary"]["usage"]["small"]["prompt_tokens"]]
    assert_includes call["exception"], "late"
  end

  def test_a_call_without_values_has_none
    session.log_call("bare")
    assert_equal [{}, nil], calls["bare"].values_at("inputs", "output")
  end

  def test_a_live_call_is_told_of_and_ended
    call = session.start("tool", { k: 2 })
    call.add_usage("small", prompt_tokens: 2, completion_tokens: 3)
    call.add_usage("small", { prompt_tokens: 3, cached: 1 })
    call.summary = { own: true }
    call.set_exception("TimeoutError", "late", "here")
    call.ended_at = Time.at(4_000_000_000)
    call.finish("out")
    refused(10) { call.finish("again") }
    assert_equal "weave:///team/project/call/#{call.id}", call.ref
    logged = calls["tool"]
    assert_equal [call.id, call.trace_id, "out"], logged.values_at("id", "trace_id", "output")
    assert_equal [5, true, 1], [logged["summary"]["usage"]["small"]["prompt_tokens"], logged["summary"]["own"],
                                logged["summary"]["status_counts"]["error"]]
    assert_match(/\A2096-10-02T07:06:40/, logged["ended_at"])
    assert_includes logged["exception"], "TimeoutError"
  end

  def test_an_exception_is_recorded_with_class_message_and_frames
    call = session.start("op")
    begin
      raise ArgumentError, "bad\0 \xff"
    rescue ArgumentError => error
      call.finish(exception: error)
    end
    shown = JSON.parse(calls["op"]["exception"])
    assert_equal ["ArgumentError", "bad\u{FFFD} \u{FFFD}"], shown.values_at("type", "message")
    frame = shown["traceback"].last
    assert_equal ["test_client.rb", __method__.to_s], [File.basename(frame["filename"]), frame["function_name"]]
  end

  def test_an_exception_of_a_finished_call_may_be_one_that_was_never_raised
    session.log_call("op", exception: ArgumentError.new("bad"))
    shown = JSON.parse(calls["op"]["exception"])
    assert_equal({ "type" => "ArgumentError", "message" => "bad", "traceback" => [] }, shown)
  end

  def test_a_call_is_a_child_of_the_parent_that_it_is_given
    client = session
    parent = client.start("parent")
    client.log_call("child", nil, nil, parent: parent)
    client.log_call("remote", nil, nil, parent_context: parent.context)
    parent.running { client.log_call("alone", nil, nil, parent: nil) }
    parent.finish
    found = calls
    assert_equal [parent.id, parent.id, nil], %w[child remote alone].map { |op| found[op]["parent_id"] }
  end

  def test_a_call_is_renamed_after_its_end
    client = session
    call = client.start("op")
    call.finish
    call.display_name = "first"
    client.update_call(call.id, "second")
    Weave.finish
    assert_equal %w[first second], records("calls").filter_map { |data| data["display_name"] }
  end

  def test_calls_in_one_go_are_all_kept_or_all_refused
    client = session
    assert_equal 2, client.log_calls([{ op_name: "a", inputs: { n: 1 } }, { op_name: "b", started_at: Time.now }])
    assert_equal 0, client.log_calls([])
    assert_includes refused(4) { client.log_calls([{ op_name: "c" }, {}]) }.message, "calls[1]"
    assert_equal %w[a b], calls.keys
  end

  def test_what_is_published_has_references_that_stand_in_values
    client = session
    op = client.create_op("answer", "def answer = …")
    object = client.create_object("config", { temperature: 0.2 })
    dataset = client.create_dataset("orders", [{ order: 1 }], description: "of today")
    row = client.dataset_row_ref(dataset, { order: 1 })
    assert_match(%r{\Aweave:///team/project/table/}, client.create_table([]))
    client.log_call(op, { config: object, row: row })
    call = calls[op]
    assert_equal [object, row], call["inputs"].values_at("config", "row")
  end

  def test_files_and_media_stand_in_values
    client = session
    assert_equal 43, client.create_file("notes.txt", "\0\xff bytes".b).size
    media = [client.create_image("png", "\x89PNG".b), client.create_audio("wav", "RIFF"),
             client.create_content("page.html", "text/html", "<p>")]
    client.log_call("see", { media: media })
    assert_equal ["CustomWeaveType"] * 2, calls["see"]["inputs"]["media"].values_at(0, 2).map { |value| value["_type"] }
    refused(1) { session.create_file("notes.txt", 5) }
  end

  def test_feedback_is_about_calls_and_references
    client = session
    call = client.start("op")
    call.finish
    client.add_note(call, "fine")
    client.add_reaction(call.id, "👍")
    client.add_feedback(call.ref, "quality", { score: 0.5 }, creator: "Ada")
    refused(5) { client.add_note("nothing", "text") }
    Weave.finish
    feedback = records("feedback")
    assert_equal [{ "note" => "fine" }, { "score" => 0.5 }], feedback.values_at(0, 2).map { |data| data["payload"] }
    assert_equal "Ada", feedback.last["creator"]
  end

  def test_costs_are_prices_of_a_model
    session.add_cost("small", 1e-6, 2e-6, provider_id: "own")
    Weave.finish
    assert_equal({ "prompt_token_cost" => 1e-6, "completion_token_cost" => 2e-6, "provider_id" => "own" },
                 records("metadata").last["costs"]["small"])
  end

  def test_data_of_the_server_is_not_to_be_had_offline
    refused(12) { session.query("/calls/read", {}) }
  end
end
