# frozen_string_literal: true

require "libweave/aftercare"
require "libweave/client"
require "libweave/error"
require "libweave/ops"
require "libweave/version"

# Offline tracing for W&B Weave.
#
#     Weave.init("team/project", offline: true, offline_dir: "traces")
#     Weave.op("answer", { question: "Where is my order?" }) { |call| … }
#     Weave.finish
#     Weave.sync("traces") # later, where there is a network
#
# What fails raises Weave::Error, with the library's text and number. What is logged by the way, by blocks and methods
# that run as calls, never fails the program.
module Weave
  extend Aftercare

  class << self
    # The session that ops log to, or nil.
    attr_reader :client

    # The version of the library that is loaded.
    def version
      Native.constant_text(:weave_version)
    end

    # Opens the session that ops log to, and answers it; one that is open is finished first. With a block, answers what
    # that answers, and finishes the session after it. Settings are those of Client.
    def init(project, **settings)
      finish
      @client = Client.new(project, **settings)
      return @client unless block_given?

      begin
        yield @client
      ensure
        finish
      end
    end

    # Runs a block as a call of the open session: see Client#op. Without a session the block runs all the same.
    def op(name, inputs = nil, **given, &block)
      client = @client
      client ? client.op(name, inputs, **given, &block) : yield(UntracedCall.new(nil))
    end

    # The call that runs in this fiber, or nil.
    def current_call
      Call.current
    end

    # Brings everything to the disk for good, when not offline also to the server. `timeout` is in seconds.
    def flush(timeout: nil)
      @client&.flush(timeout: timeout)
    end

    # Flushes and closes the session.
    def finish(timeout: nil)
      client = @client
      @client = nil
      client&.finish(timeout: timeout)
    end

    # A value that is JSON text already.
    def json(text)
      JsonText.new(String(text))
    end
  end
end
