# frozen_string_literal: true

module Weave
  # Owns calls of C that take long or call back. Ruby raises what a signal or another thread asks for (Ctrl-C, Timeout,
  # Thread#kill) when C returns, or in a callback, out of which it would unwind frames of C. So a thread of its own
  # makes the call: signals do not reach it, and other threads are held off until C has returned.
  module Waiting
    class << self
      # What the block answers or raises, while the thread that called can be interrupted. The work then goes on by
      # itself; `interrupted` is called, and the work waited for, when it is given.
      def until_done(interrupted = nil, &work)
        thread = Thread.new do
          # Set here: a signal may come before its caller could.
          Thread.current.report_on_exception = false
          uninterrupted(&work)
        end
        thread.value
      ensure # Timeout leaves by a throw
        if interrupted && thread&.alive?
          interrupted.call
          thread.join
        end
      end

      # Runs a block out of which callbacks may come, and from which nothing may unwind.
      def unbroken(&work)
        Thread.current == Thread.main ? until_done(&work) : uninterrupted(&work)
      end

      private

      def uninterrupted(&work)
        Thread.handle_interrupt(Object => :never, &work)
      end
    end
  end
end
