# frozen_string_literal: true

require "libweave/call"

module Weave
  # Owns blocks that run as calls. Whatever goes wrong with logging is told to the session's `on_error`, and the block
  # runs as it would without.
  module Run
    class << self
      # Runs a block, which is given the call that `start` begins; what the block answers. An exception is recorded and
      # raised on; a throw or a return out of the block ends the call without an output.
      def block(client, start, make_output = nil)
        call = started(client, start)
        failed = output = nil
        begin
          answered = call.running { yield call }
          output = answered
          answered
        rescue Exception => error # rubocop:disable Lint/RescueException
          failed = error
          raise
        ensure
          finish(call, output, failed, make_output)
        end
      end

      private

      def started(client, start)
        start.call
      rescue StandardError, SystemStackError => error
        client.report(error)
        UntracedCall.new(client)
      end

      # An output that cannot be stored must not leave the call open: its end tells why there is none.
      def finish(call, output, failed, make_output)
        output = make_output.call(output) if make_output && !failed
        call.finish(output, exception: failed)
      rescue StandardError, SystemStackError => error
        call.client.report(error)
        begin
          call.finish({ not_logged: error.message })
        rescue StandardError
          nil # the first failure is told
        end
      end
    end
  end
end
