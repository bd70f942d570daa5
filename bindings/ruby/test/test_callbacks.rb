# frozen_string_literal: true

require "helper"

class TestCallbacks < WeaveTest
  def told
    @told ||= []
  end

  # A session with a filter, which logs one call.
  def filtered(op = "op", &filter)
    client = session(filter: filter, on_error: ->(error) { told << error.message })
    client.log_call(op)
    client
  end

  def test_a_filter_sees_every_record_and_may_change_it
    client = session(filter: lambda do |type, data|
      told << type
      data["inputs"]["seen"] = true if data["inputs"]
      data
    end)
    client.log_call("op", { text: "Köln" })
    client.start("open").finish
    assert_equal({ "text" => "Köln", "seen" => true }, calls["op"]["inputs"])
    assert_equal %w[call_complete call_start call_end], told
  end

  def test_a_filter_drops_what_it_answers_nil_for_which_is_counted
    client = filtered("secret") { |_, data| data unless data["op_name"] == "secret" }
    client.log_call("kept")
    assert_equal 1, client.dropped
    assert_equal ["kept"], calls.keys
  end

  def test_a_filter_may_log
    client = session(filter: lambda do |_, data|
      Weave.client.log_call("inner") if data["op_name"] == "outer"
      data
    end)
    client.log_call("outer")
    assert_equal %w[inner outer], calls.keys.sort
  end

  def test_what_a_filter_answers_is_checked
    error = refused(6) { session(filter: ->(_, data) { data.merge("id" => "x" * 16) }).log_call("op") }
    assert_match(/id/, error.message)
  end

  def test_a_filter_that_fails_drops_the_record_and_is_told
    for failure in [-> { raise "wrong" }, -> { exit }, -> { raise Interrupt }, -> { raise NoMemoryError }]
      assert_equal 1, filtered { failure.call }.dropped
    end
    assert_equal "the filter failed, and the record was dropped: wrong", told.first
    assert_equal 4, told.size
  end

  def test_a_filter_that_is_left_otherwise_drops_the_record
    thrown = catch(:done) { filtered { throw :done, :thrown } }
    assert_equal 1, thrown.dropped
    assert_equal 1, returning.dropped
  end

  def returning
    filtered { return :returned }
  end

  def test_what_another_thread_raises_waits_for_the_end_of_the_filter
    entered, go_on = Queue.new, Queue.new
    client = session(filter: lambda do |_, data|
      entered << true
      go_on.pop
      data
    end)
    thread = Thread.new { client.log_call("op") }
    thread.report_on_exception = false
    entered.pop
    thread.raise(ArgumentError, "from elsewhere")
    go_on << true
    assert_raises(ArgumentError) { thread.value }
    assert_equal ["op"], calls.keys
  end

  def test_a_killed_thread_ends_after_its_filter
    entered, go_on = Queue.new, Queue.new
    client = session(filter: ->(_, data) { entered << true and go_on.pop and data })
    thread = Thread.new { client.log_call("op") and entered << "went on" }
    entered.pop
    thread.kill
    go_on << true
    thread.join
    assert_empty entered
    assert_equal ["op"], calls.keys
  end

  def test_a_timeout_ends_the_waiting_for_a_filter_of_the_main_thread_and_the_record_is_kept
    go_on = Queue.new
    client = session(filter: ->(_, data) { (data["op_name"] != "slow" || go_on.pop) and data })
    before = client.stats["accepted"]
    assert_raises(Timeout::Error) { Timeout.timeout(0.05) { client.log_call("slow") } }
    client.log_call("next")
    go_on << true
    Thread.pass until client.stats["accepted"] == before + 2
    assert_equal %w[next slow], calls.keys.sort
  end

  def test_signals_do_not_harm_a_program_whose_filter_runs
    text = <<~PROGRAM
      client = Weave.init("p", offline: true, offline_dir: "traces", filter: ->(_, data) { data })
      trap(:INT, "DEFAULT") # who runs the tests in the background may have had it ignored
      is_armed = false
      Thread.new do
        loop do
          sleep 0.001 until is_armed
          is_armed = false
          Process.kill(:INT, Process.pid)
        end
      end
      100.times do
        is_armed = true
        loop { client.log_call("op", { text: "x" * 100 }) }
      rescue Interrupt
        next
      end
      Weave.finish
      puts client.stats.values_at("failures", "filtered").inspect
    PROGRAM
    assert_equal "[0, 0]\n", program(text).first
  end

  def test_a_filter_survives_collection_and_compaction
    text = <<~PROGRAM
      GC.auto_compact = true
      client = Weave.init("p", offline: true, offline_dir: "traces", filter: ->(type, data) { data })
      call = client.start("open")
      20.times { GC.start; GC.compact; 10.times { client.log_call("op") } }
      Weave.finish
      client = nil
      GC.start
      puts "whole"
    PROGRAM
    assert_equal "whole\n", program(text).first
  end
end
