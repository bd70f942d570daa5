# frozen_string_literal: true

require "helper"

class TestOp < WeaveTest
  class Agent
    extend Weave::Ops

    weave_op def answer(question, k = 2, *more, lang:, style: "short", **others, &block)
      [question, k, more, lang, style, others, block&.call, hidden]
    end

    weave_op def nested = Weave.current_call.id

    weave_op def failing(text) = raise(ArgumentError, text)

    weave_op def self_typed(callback) = callback.call, op: "typed", kind: "tool",
                                                      inputs: ->(_) { { callback: "its own" } },
                                                      output: ->(answered) { { doubled: 2 * answered } }

    weave_op private def hidden = "hidden"

    weave_op def placed(hash) = hash

    weave_op def optional(hash = {}) = hash

    class << self
      extend Weave::Ops

      weave_op def made(first, (a, b), last) = [first, a, b, last]
    end
  end

  def test_a_method_records_its_arguments_by_their_names_and_what_it_answers
    session
    expected = ["why", 3, [4], "de", "long", { tone: 1 }, "block", "hidden"]
    assert_equal expected, Agent.new.answer("why", 3, 4, lang: "de", style: "long", tone: 1) { "block" }
    call = calls["TestOp::Agent#answer"]
    assert_equal({ "question" => "why", "k" => 3, "more" => [4], "lang" => "de", "style" => "long", "tone" => 1 },
                 call["inputs"])
    assert_equal JSON.parse(JSON.generate(expected)), call["output"]
  end

  def test_a_method_records_the_arguments_that_are_given
    session
    Agent.new.answer("why", lang: "de")
    assert_equal({ "question" => "why", "more" => [], "lang" => "de" }, calls["TestOp::Agent#answer"]["inputs"])
  end

  def test_keywords_of_a_method_that_takes_none_are_its_last_argument
    session
    assert_equal [{ a: 1 }, { b: 2 }], [Agent.new.placed(a: 1), Agent.new.optional(b: 2)]
    found = calls
    assert_equal({ "hash" => { "a" => 1 } }, found["TestOp::Agent#placed"]["inputs"])
    assert_equal({ "hash" => { "b" => 2 } }, found["TestOp::Agent#optional"]["inputs"])
  end

  def test_a_private_method_stays_private
    assert_raises(NoMethodError) { Agent.new.hidden }
    assert_includes Agent.private_instance_methods, :hidden
  end

  def test_a_method_of_the_class_has_its_name
    session
    assert_equal [1, 2, 3, 4], Agent.made(1, [2, 3], 4)
    assert_equal({ "first" => 1, "arg1" => [2, 3], "last" => 4 }, calls["TestOp::Agent.made"]["inputs"])
  end

  def test_a_method_records_what_it_is_told_to_make_of_values
    session
    assert_equal 4, Agent.new.self_typed(-> { 4 })
    call = calls["typed"]
    assert_equal [{ "callback" => "its own" }, { "doubled" => 8 }], call.values_at("inputs", "output")
  end

  def test_a_wrong_number_of_arguments_is_that_of_the_method
    session
    assert_match(/missing keyword: :lang/, assert_raises(ArgumentError) { Agent.new.answer("why") }.message)
    assert_raises(ArgumentError) { Agent.new.nested(1) }
  end

  def test_a_method_without_a_session_runs_as_it_is
    assert_equal "hidden", Agent.new.answer("why", lang: "de").last
    assert_raises(ArgumentError) { Agent.new.failing("text") }
  end

  def test_a_block_is_a_call_and_what_it_answers_the_output
    session
    answered = Weave.op("chat", { k: 1 }, kind: "llm") do |call|
      call.add_usage("small", prompt_tokens: 1, completion_tokens: 2)
      "yes"
    end
    call = calls["chat"]
    assert_equal ["yes", "yes", { "k" => 1 }], [answered, call["output"], call["inputs"]]
    assert_equal 3, call["summary"]["usage"]["small"]["total_tokens"]
  end

  def test_calls_inside_are_children
    session
    id = Weave.op("outer") { |outer| [outer.id, Agent.new.nested, Weave.current_call.id] }
    assert_nil Weave.current_call
    found = calls
    assert_equal [id[0], found["TestOp::Agent#nested"]["id"], id[0]], id
    assert_equal id[0], found["TestOp::Agent#nested"]["parent_id"]
  end

  def test_calls_of_another_session_are_no_children
    other = Weave::Client.new("team/other", offline: true, offline_dir: traces, compress: false)
    session
    Weave.op("outer") { other.log_call("elsewhere") }
    other.finish
    assert_nil calls["elsewhere"]["parent_id"]
  end

  def test_an_exception_is_recorded_and_raised_on
    session
    raised = assert_raises(ArgumentError) { Weave.op("outer") { Agent.new.failing("no such order") } }
    assert_equal "no such order", raised.message
    found = calls
    ["outer", "TestOp::Agent#failing"].each do |op|
      assert_equal ["ArgumentError", "no such order"], JSON.parse(found[op]["exception"]).values_at("type", "message")
    end
  end

  def test_what_is_no_standard_error_is_recorded_too
    session
    assert_raises(Interrupt) { Weave.op("interrupted") { raise Interrupt } }
    assert_raises(SystemExit) { Weave.op("exited") { exit } }
    assert_raises(IOError) { Timeout.timeout(0.01, IOError) { Weave.op("late") { sleep } } }
    types = calls.transform_values { |call| JSON.parse(call["exception"])["type"] }
    assert_equal({ "interrupted" => "Interrupt", "exited" => "SystemExit", "late" => "IOError" }, types)
  end

  def test_a_throw_or_return_out_of_a_block_ends_the_call_without_an_output
    session
    assert_equal 1, catch(:done) { Weave.op("thrown") { throw :done, 1 } }
    assert_equal 2, -> { Weave.op("returned") { return 2 } }.call
    assert_equal 3, Weave.op("broken") { break 3 }
    assert_nil Weave.current_call
    assert_equal %w[thrown returned broken], calls.keys
    every_call.each { |call| assert_equal [nil, nil], [call["output"], call["exception"]] }
  end

  def test_inputs_that_cannot_be_stored_are_replaced_by_the_reason
    told = []
    session(on_error: ->(error) { told << error.message })
    assert_equal 5, Weave.op("op", { text: "\xff" }) { Weave.op("inner") { 5 } }
    found = calls
    assert_equal [{ "not_logged" => told.first }, 5], found["op"].values_at("inputs", "output")
    assert_equal found["op"]["id"], found["inner"]["parent_id"]
    assert_equal 1, told.size
  end

  class Abstract
    def to_json(*) = raise(NotImplementedError, "abstract")
  end

  def test_a_value_whose_form_is_not_implemented_fails_nobody
    session(on_error: ->(_) {})
    value = Abstract.new
    assert_same value, Weave.op("op", { given: value }) { value }
    assert_equal [{ "not_logged" => "abstract" }] * 2, calls["op"].values_at("inputs", "output")
  end

  def test_what_makes_the_output_is_not_asked_where_there_is_none
    told = []
    session(on_error: ->(error) { told << error })
    run = Class.new do
      extend Weave::Ops
      weave_op def leave = throw(:done, 1), op: "left", output: ->(value) { value.upcase }
    end
    assert_equal 1, catch(:done) { run.new.leave }
    assert_equal [nil, []], [calls["left"]["output"], told]
  end

  def test_a_block_runs_all_the_same_when_its_call_cannot_begin
    told = []
    client = session(on_error: ->(error) { told << [error.message, error.status] })
    outer = client.start("outer")
    outer.running do
      assert_equal 5, Weave.op("x" * 129) { |call|
        call.add_usage("small", prompt_tokens: 1)
        call.display_name = "x"
        call.finish
        assert_equal ["", "", "", ""], [call.id, call.trace_id, call.context, call.ref]
        client.log_call("inner")
        5
      }
    end
    outer.finish
    assert_equal [["op_name: longer than 128 characters; shorten it and put the rest into display_name", 4]], told
    assert_equal outer.id, calls["inner"]["parent_id"]
  end

  def test_an_output_that_cannot_be_stored_is_replaced_by_the_reason
    told = []
    session(on_error: ->(error) { told << error.status })
    assert_equal "\xff", Weave.op("op") { "\xff" }
    assert_match(/\Aoutput: not UTF-8/, calls["op"]["output"]["not_logged"])
    assert_equal [2], told
  end

  def test_failures_that_nobody_takes_are_warned_of
    session
    _, told = capture_io { assert_equal 1, Weave.op("x" * 129) { 1 } }
    assert_match(/\Alibweave: op_name: longer/, told)
  end

  def test_a_failure_of_what_takes_failures_is_none_of_the_program
    session(on_error: ->(_) { raise "wrong" })
    assert_equal 1, Weave.op("x" * 129) { 1 }
  end

  def test_a_thread_or_fiber_begins_without_a_parent_and_is_handed_one
    client = session
    Weave.op("outer") do |outer|
      Thread.new { client.log_call("thread alone") }.join
      Thread.new { outer.running { client.log_call("thread") } }.join
      Fiber.new { client.log_call("fiber alone") }.resume
      Fiber.new { client.log_call("fiber", nil, nil, parent: outer) }.resume
    end
    found = calls
    id = found["outer"]["id"]
    assert_equal [nil, id, nil, id],
                 ["thread alone", "thread", "fiber alone", "fiber"].map { |op| found[op]["parent_id"] }
  end

  def test_fibers_that_take_turns_keep_their_own_current_call
    session
    walk = lambda do |name|
      Fiber.new do
        Weave.op("walk", { name: name }) do
          2.times do
            Weave.op("leaf", { name: name }) {}
            Fiber.yield
          end
        end
      end
    end
    fibers = [walk.call("one"), walk.call("two")]
    3.times { fibers.each(&:resume) }
    walks, leaves = every_call.partition { |data| data["op_name"] == "walk" }
    ids = walks.to_h { |data| [data["inputs"]["name"], data["id"]] }
    assert_equal 4, leaves.size
    leaves.each { |data| assert_equal ids[data["inputs"]["name"]], data["parent_id"] }
  end

  def test_threads_log_at_once
    client = session
    threads = Array.new(8) do |thread|
      Thread.new { 200.times { |n| client.op("op", { thread: thread, n: n }) { n } } }
    end
    threads.each(&:join)
    logged = every_call.map { |call| call["inputs"].values_at("thread", "n") }
    assert_equal Array.new(8) { |thread| Array.new(200) { |n| [thread, n] } }.flatten(1), logged.sort
  end
end
