# frozen_string_literal: true

require "json"
require "libweave/values"

module Weave
  # Owns how an exception is shown: its class, its message, and its frames as the official client writes them; and who is
  # told of failures of logging.
  module Failure
    # Frames of this gem say nothing about what failed.
    HERE = File.join(__dir__, "")

    # Type, message and traceback as C takes them; a text is a message alone.
    def self.of(failed)
      return [nil, Values.text(failed, "exception"), nil] unless failed.is_a?(Exception)

      [failed.class.name || "Exception", shown(failed), frames(failed)]
    end

    # Tells a failure to what a program has for it, which must not make more of them.
    def self.report(error, on_error)
      on_error.call(error)
    rescue StandardError
      nil
    end

    # The message without what a text of C cannot hold.
    def self.shown(failed)
      message = failed.message.to_s
      message = message.dup.force_encoding(Encoding::UTF_8) if message.encoding == Encoding::BINARY
      message.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub.tr("\0", "\u{FFFD}")
    rescue StandardError # the exception's own code
      ""
    end

    def self.frames(failed)
      found = (failed.backtrace_locations || []).reject { |frame| frame.absolute_path.to_s.start_with?(HERE) }
      JSON.generate(found.reverse.map do |frame|
        { filename: frame.path, line_number: frame.lineno, function_name: frame.label, text: "" }
      end)
    end
    private_class_method :shown, :frames
  end
end
