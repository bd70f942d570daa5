# frozen_string_literal: true

module Weave
  # What the library refused or failed at: its text, which says what to do, and its number.
  class Error < StandardError
    # The number of weave.h; Weave::Status has their names.
    attr_reader :status

    # What was done before a sync or verification failed, as they answer it; nil of other errors.
    attr_reader :results

    def initialize(message, status, results = nil)
      super(message)
      @status = status
      @results = results
    end
  end
end
