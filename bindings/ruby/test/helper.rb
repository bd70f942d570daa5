# frozen_string_literal: true

# What the tests stand on: directories of their own, sessions in them, what these left on the disk, other programs, and
# the local server.
ROOT = File.expand_path("../../..", __dir__)
LIB = File.expand_path("../lib", __dir__)
ENV.delete_if { |name, _| name.start_with?("WANDB_", "WF_") || (name.start_with?("WEAVE_") && name != "WEAVE_LIBRARY") }
ENV["WEAVE_LIBRARY"] ||= File.join(ENV.fetch("CARGO_TARGET_DIR", "#{ROOT}/target"), "release/libweave.so")

require "json"
require "minitest/autorun"
require "open3"
require "rbconfig"
require "socket"
require "timeout"
require "tmpdir"
require "libweave"

class WeaveTest < Minitest::Test
  # Options of a local server → the pipe that it lives by, and its address.
  SERVERS = {}

  def setup
    @directory = Dir.mktmpdir
  end

  def teardown
    Weave.finish
    FileUtils.remove_entry(@directory)
  end

  # A session in the directory of the test, whose data files are plain.
  def session(**settings)
    Weave.init("team/project", offline: true, offline_dir: traces, compress: false, **settings)
  end

  def traces
    File.join(@directory, "traces")
  end

  # The data of what lies in the folder of a kind, in the order it was written.
  def records(kind)
    Dir["#{traces}/*/*/#{kind}/*.jsonl"].sort.flat_map do |path|
      File.readlines(path).map { |line| JSON.parse(line, max_nesting: 0)["data"] }
    end
  end

  # Every call that is stored, starts joined with their ends. The session is finished for that.
  def every_call
    Weave.finish
    parts = records("calls").map { |data| data["start"] || data["end"] || data }
    parts.group_by { |data| data["id"] }.values.map { |of_one| of_one.inject(:merge) }
  end

  # The same by the names of their ops.
  def calls
    every_call.to_h { |call| [call["op_name"], call] }
  end

  # The error that a block raises, which has to be of a status.
  def refused(status, &block)
    error = assert_raises(Weave::Error, &block)
    assert_equal status, error.status, error.message
    error
  end

  # Runs a program of the text to its end; what it printed, standard error included, and its status.
  def program(text, lib: LIB, **variables)
    environment = variables.to_h { |name, value| [name.to_s, value] }
    command = [RbConfig.ruby, "-w", "-I#{lib}", "-rlibweave", "-e", text]
    Open3.popen2e(environment, *command, chdir: @directory) do |input, output, ended|
      input.close
      shown = Thread.new { output.read }
      Process.kill(:KILL, ended.pid) unless ended.join(120) # one that hangs fails its test, and not all of them
      [shown.value, ended.value]
    end
  end

  # The settings of a sync to a local server, which runs until the tests end.
  def server(*options)
    python, serve = "#{ROOT}/.venv-server/bin/python", "#{ROOT}/tests/suite/serve.py"
    skip "the local server has no environment: run `make test-deps`" unless File.exist?(python)
    SERVERS[options] ||= IO.popen([python, serve, Dir.mktmpdir, *options], "r+").then { |pipe| [pipe, pipe.gets.chomp] }
    url = SERVERS[options].last
    { api_key: "k" * 40, base_url: url, trace_server_url: url }
  end
end
