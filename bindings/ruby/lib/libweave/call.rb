# frozen_string_literal: true

require "libweave/failure"
require "libweave/native"
require "libweave/options"
require "libweave/values"

module Weave
  # A call that was started. Any thread may end it, one at a time, and it may be a parent before and after that.
  class Call
    CURRENT = :libweave_call # of Thread.current, whose keys belong to the fiber
    private_constant :CURRENT

    # The call that runs in this fiber, or nil.
    def self.current
      Thread.current[CURRENT]
    end

    # The session of the call.
    attr_reader :client

    # `address` is that of the handle, which is released when this object is collected.
    def initialize(client, address)
      @client = client
      @handle = Fiddle::Pointer.new(address, 0, Native.address(:weave_call_free))
    end

    # Its id.
    def id
      @id ||= Native.constant_text(:weave_call_id, to_i)
    end

    # The id of the trace that it belongs to.
    def trace_id
      Native.constant_text(:weave_call_trace_id, to_i)
    end

    # The call as one line of text, to carry a parent to another process or machine (`parent_context:`).
    def context
      Native.constant_text(:weave_call_context, to_i)
    end

    # The reference of the call, for feedback and values.
    def ref
      Native.answered_text(:weave_call_ref, to_i)
    end

    # Ends the call. When this raises, the call stays open and can be ended again.
    def finish(output = nil, exception: nil)
      text, length = Values.encode("output", output)
      self.exception = exception unless exception.nil?
      check(:weave_call_end, text, length)
    end

    # Says what failed: an exception, or a message. The call is still to be ended.
    def exception=(failed)
      set_exception(*Failure.of(failed))
    end

    # The same with a type of any name, such as that of another program's exception.
    def set_exception(type, message, traceback = nil)
      check(:weave_call_set_exception, Values.text(type, "type"), Values.text(message, "message"),
            Values.text(traceback, "traceback"))
    end

    # Merges a Hash into the summary. Usage and status are added at the end; computed values win.
    def summary=(summary)
      check(:weave_call_set_summary, *Values.encode("summary", summary))
    end

    # Adds usage of the call itself, in tokens: `prompt_tokens: 3, completion_tokens: 4`, or a Hash with any keys that
    # servers know or not. It counts instead of a usage that the output names, and several add up.
    def add_usage(model, usage = nil, prompt_tokens: 0, completion_tokens: 0)
      model = Values.text(model, "model")
      if usage
        check(:weave_call_add_usage_json, model, *Values.encode("usage", usage))
      else
        check(:weave_call_add_usage, model, Integer(prompt_tokens), Integer(completion_tokens))
      end
    end

    # Gives the call another name to show, also after its end.
    def display_name=(name)
      check(:weave_call_set_display_name, Values.text(name, "display_name"))
    end

    # Sets when the call ended, a Time or microseconds since 1970, for calls of the past.
    def ended_at=(time)
      check(:weave_call_set_ended_at, *Options::MICROSECONDS.call(time, "ended_at"))
    end

    # Makes it the parent of what is started in the block, on this fiber; what the block answers. It is not ended.
    def running
      before = Thread.current[CURRENT]
      Thread.current[CURRENT] = self
      yield self
    ensure
      Thread.current[CURRENT] = before
    end

    # The address of its handle.
    def to_i
      @handle.to_i
    end

    def inspect
      "#<#{self.class} #{id}>"
    end

    private

    def check(function, *arguments)
      client.calling { Native.check(Native[function].call(to_i, *arguments)) }
      nil
    end
  end

  # What stands for a call that could not be started: it does nothing, so that a program runs the same without it.
  class UntracedCall < Call
    def initialize(client)
      @client = client
    end

    def id = ""
    def trace_id = ""
    def context = ""
    def ref = ""
    def to_i = 0

    # The call around it goes on to be the parent.
    def running = yield(self)

    private

    def check(*) = nil
  end
end
