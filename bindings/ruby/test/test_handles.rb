# frozen_string_literal: true

require "helper"

class TestHandles < WeaveTest
  def test_calls_keep_their_session_and_are_released_with_it
    5.times do
      call = session.start("op")
      Weave.finish
      GC.start
      refused(10) { call.finish }
    end
    client = session
    500.times { client.start("open") }
    GC.start
    Weave.finish
    assert_equal 505, records("calls").size
  end

  def test_a_session_with_a_filter_is_released_when_nothing_refers_to_it
    opened = lambda do |number|
      Weave::Client.new("p", offline: true, offline_dir: "#{traces}-#{number}", filter: ->(_, data) { data })
      nil
    end
    before = ObjectSpace.each_object(Weave::Client).count
    10.times(&opened)
    4.times { GC.start }
    assert_operator ObjectSpace.each_object(Weave::Client).count, :<, before + 5
  end

  def test_everything_works_while_the_collector_runs_all_the_time
    text = <<~PROGRAM
      class Agent
        extend Weave::Ops
        weave_op def answer(text) = [text, { text: text }]
      end
      client = Weave.init("team/project", offline: true, offline_dir: "traces", compress: false,
                          filter: ->(_, data) { data })
      GC.stress = true
      client.op("outer", { n: 1 }) { |call| call.add_usage("m", prompt_tokens: 1); Agent.new.answer("x") }
      client.create_object("config", { n: 1 })
      begin
        client.log_call("x" * 200)
      rescue Weave::Error => error
        raise unless error.status == 4
      end
      client.flush
      GC.stress = false
      puts client.stats["waiting"]
    PROGRAM
    assert_equal "0\n", program(text).first
    found = calls
    assert_equal [["x", { "text" => "x" }]] * 2, found.values_at("outer", "Agent#answer").map { |call| call["output"] }
  end

  def test_the_end_of_a_program_loses_nothing_and_needs_no_finish
    text = <<~PROGRAM
      client = Weave.init("team/project", offline: true, offline_dir: "traces", compress: false,
                          filter: ->(_, data) { data })
      CALL = client.start("open")
      100.times { |n| client.log_call("op", { n: n }) }
    PROGRAM
    said, status = program(text)
    assert_equal ["", true], [said, status.success?]
    assert_equal 101, records("calls").size
  end

  def test_a_killed_program_loses_nothing
    text = <<~PROGRAM
      client = Weave.init("team/project", offline: true, offline_dir: "traces", compress: false)
      100.times { |n| client.log_call("op", { n: n }) }
      Process.kill(:KILL, Process.pid)
    PROGRAM
    program(text)
    session
    assert_equal 100, calls && records("calls").size
  end

  def test_a_child_of_fork_goes_on_with_the_session_and_its_calls
    client = session(filter: ->(_, data) { data })
    parent = client.start("parent")
    child = fork do
      client.op("child", nil, parent: parent) { client.log_call("inner") }
      Weave.finish
      exit!(0)
    end
    assert Process.wait2(child).last.success?
    parent.finish
    found = calls
    assert_equal [parent.id, found["child"]["id"]], [found["child"]["parent_id"], found["inner"]["parent_id"]]
    assert_equal parent.trace_id, found["inner"]["trace_id"]
  end

  def test_a_child_that_ends_as_programs_do_finishes_nothing_of_its_parent
    text = <<~PROGRAM
      client = Weave.init("team/project", offline: true, offline_dir: "traces", compress: false)
      call = client.start("parent")
      2.times { fork { client.log_call("child") } }
      Process.waitall
      call.finish("out")
      Weave.finish
    PROGRAM
    assert_equal "", program(text).first
    assert_equal %w[child child parent], records("calls").map { |data| data["op_name"] }.sort
  end

  def test_an_exit_stops_a_sync_that_still_runs
    listener = TCPServer.new("127.0.0.1", 0) # takes connections and never answers
    session.log_call("op")
    Weave.finish
    text = <<~PROGRAM
      Thread.new { Weave.sync("traces", api_key: "k" * 40, base_url: ARGV[0], http_timeout: 3000) { true } }
      $stdin.gets
    PROGRAM
    command = [RbConfig.ruby, "-I#{File.expand_path("../lib", __dir__)}", "-rlibweave", "-e", text,
               "http://127.0.0.1:#{listener.addr[1]}"]
    IO.popen(command, "r+", chdir: @directory, err: File::NULL) do |pipe|
      listener.accept
      pipe.puts
      assert_nil pipe.gets
    end
    assert_predicate $?, :success?
  ensure
    listener&.close
  end
end
