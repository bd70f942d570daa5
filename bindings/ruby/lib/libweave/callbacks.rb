# frozen_string_literal: true

require "libweave/failure"
require "libweave/native"
require "libweave/values"

module Weave
  # Owns what C calls of a program: filters and progress. Nothing may leave a callback but its answer, since that would
  # unwind frames of C: no exception, throw, or return of a block. What comes from elsewhere, `Waiting` keeps away.
  class Callback < Fiddle::Closure
    # The callback where the collector's compaction does not move it: C has its address, which Fiddle does not fix then.
    def self.fixed(*arguments, &block)
      Fiddle::Pointer[new(*arguments, &block)]
    end

    private

    # What the block answers, and `otherwise` when it does not come to its end.
    def contained(otherwise)
      answer = otherwise
      answer = yield
    rescue Exception => error
      failed(error)
    ensure
      return answer
    end
  end

  # A program's filter: given the type and data of a record, it answers the data that is kept, or nil to drop the
  # record. One that fails drops the record: it was to hide something.
  class Filter < Callback
    KEEP = 0
    DROP = 1

    def initialize(keep, on_error)
      @keep = keep
      @on_error = on_error
      super(Fiddle::TYPE_INT32_T, [Fiddle::TYPE_UINTPTR_T, Fiddle::TYPE_UINTPTR_T])
    end

    def call(record, _user_data)
      contained(DROP) do
        kept = @keep.call(Native.constant_text(:weave_record_type, record),
                          Values.decode(Native[:weave_record_json].call(record, 0)))
        next DROP if kept.nil?

        # What is refused here refuses the record: the function that logs answers it.
        Native[:weave_record_set_json].call(record, *Values.encode("record", kept))
        KEEP
      end
    end

    private

    def failed(error)
      told = Error.new("the filter failed, and the record was dropped: #{error.message}", Status::CANCELLED)
      Failure.report(told, @on_error)
    end
  end

  # Is told how a sync goes on: project, kind, records synced and refused. It stops the sync by answering false, or by
  # an exception, which `raised` keeps.
  class Progress < Callback
    SIZES = "JJJQQ" # weave_progress: size, project, kind, synced, errors

    attr_reader :raised

    def initialize(&tell)
      @tell = tell
      super(Fiddle::TYPE_INT32_T, [Fiddle::TYPE_VOIDP, Fiddle::TYPE_UINTPTR_T])
    end

    def call(told, _user_data)
      contained(1) do
        _, project, kind, synced, errors = told[0, 40].unpack(SIZES)
        names = [project, kind].map { |name| Fiddle::Pointer.new(name).to_s.force_encoding(Encoding::UTF_8) }
        @tell.call(*names, synced, errors) == false ? 1 : 0
      end
    end

    private

    def failed(error)
      @raised = error
    end
  end
end
