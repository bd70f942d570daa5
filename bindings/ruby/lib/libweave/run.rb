# frozen_string_literal: true

require "libweave/call"

module Weave
  # Owns blocks that run as calls. Whatever goes wrong with logging is told to the session's `on_error`, and the block
  # runs as it would without.
  module Run
    # What logging may fail with: values run code of the program, which may be not there (NotImplementedError).
    FAULTS = [StandardError, SystemStackError, ScriptError].freeze

    class << self
      # Runs a block, which is given its call; what the block answers. `inputs` answers what is recorded of them. An
      # exception is recorded and raised on; a throw or a return out of the block ends the call without an output.
      def block(client, op, given, inputs, make_output = nil)
        call = started(client, op, given, inputs)
        failed = output = nil
        given_back = false
        begin
          answered = call.running { yield call }
          output = answered
          given_back = true
          answered
        rescue Exception => error
          failed = error
          raise
        ensure
          finish(call, output, failed, given_back ? make_output : nil)
        end
      end

      private

      # Inputs that cannot be stored are replaced by the reason.
      def started(client, op, given, inputs)
        client.start(op, inputs.call, **given)
      rescue *FAULTS => error
        client.report(error)
        begin
          client.start(op, { not_logged: error.message }, **given)
        rescue *FAULTS # the first failure is told
          UntracedCall.new(client)
        end
      end

      # An output that cannot be stored must not leave the call open: its end tells why there is none.
      def finish(call, output, failed, make_output)
        output = make_output.call(output) if make_output
        call.finish(output, exception: failed)
      rescue *FAULTS => error
        call.client.report(error)
        begin
          call.finish({ not_logged: error.message })
        rescue *FAULTS
          nil # the first failure is told
        end
      end
    end
  end
end
