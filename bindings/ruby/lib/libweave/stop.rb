# frozen_string_literal: true

require "libweave/native"

module Weave
  # Ends the syncs that it is given to (`stop:`), those that run and those that begin later. Any thread may ask.
  class Stop
    @running = {}
    @lock = Mutex.new

    class << self
      # Runs a block that a stop can end, also at the end of the program, which would wait for it.
      def during(stop)
        @lock.synchronize { @running[stop] = @running.fetch(stop, 0) + 1 }
        yield
      ensure
        @lock.synchronize { @running.delete(stop) if (@running[stop] -= 1).zero? }
      end

      def ask_all
        @lock.synchronize { @running.keys }.each(&:ask)
      end
    end

    def initialize
      @handle = Fiddle::Pointer.new(Native[:weave_stop_new].call, 0, Native.address(:weave_stop_free))
    end

    # Has them end within some tenths of a second. What was not sent is kept.
    def ask
      Native.check(Native[:weave_stop_ask].call(to_i))
    end

    # The address of its handle.
    def to_i
      @handle.to_i
    end
  end

  at_exit { Stop.ask_all }
end
