# frozen_string_literal: true

require "json"
require "libweave/error"
require "libweave/declarations"

module Weave
  # JSON that is text already; the library checks it.
  class JsonText
    attr_reader :text

    def initialize(text)
      @text = text
    end

    def to_json(*)
      text
    end
    alias to_s text
  end

  # Owns the way from values of Ruby to JSON text, and back. The standard library writes it; what it has no form for, or
  # one that loses something, is replaced before. NaN and infinities are written as they are, and the library makes them
  # null.
  module Values
    # Servers refuse what is deeper than some 150 levels, and the library tells of that; this bound protects the stack.
    DEEPEST = 500
    STATE = JSON::State.new(allow_nan: true, max_nesting: DEEPEST + 1).freeze
    # Classes of values with fields; Data is there from Ruby 3.2 on.
    RECORDS = [Struct, *(Data if defined?(Data) && Data.respond_to?(:define))].freeze

    class << self
      # The JSON text of a value and its length, as C takes them; nothing of nil. `field` is what the value is for.
      def encode(field, value)
        return [nil, 0] if value.nil?

        text = value.is_a?(JsonText) ? raw(field, value) : generated(field, value)
        [text, text.bytesize]
      end

      # The value of a JSON text of the library, which has checked its depth.
      def decode(text)
        JSON.parse(text, max_nesting: 0)
      end

      # A text as C takes it; nil stays nil. A NUL would cut it in silence, so it is refused.
      def text(value, field)
        return nil if value.nil?

        given = value.is_a?(Symbol) ? value.name : value
        raise invalid(field, "a #{value.class}; give a String") unless given.is_a?(String)

        given = unicode(given, field)
        raise invalid(field, "holds a NUL character; leave it out") if given.include?("\0")

        given
      end

      # The bytes of a file and their number. A copy, which shares them: another thread may change what it was given.
      def bytes(data)
        raise invalid("data", "a #{data.class}; give the bytes as a String") unless data.is_a?(String)

        [data.dup, data.bytesize]
      end

      private

      def raw(field, value)
        return value.text unless value.text.include?("\0")

        raise Error.new("#{field}: not JSON: holds a NUL byte; write \\u0000", Status::INVALID_JSON)
      end

      def generated(field, value)
        # A copy: a state that has failed counts its levels on.
        STATE.dup.generate(plain(field, value, 0))
      rescue SystemStackError, JSON::NestingError
        raise too_deep(field)
      rescue JSON::GeneratorError => error # a key, or what a class makes of itself
        raise Error.new("#{field}: not UTF-8: #{error.message}; encode the text", Status::INVALID_UTF8)
      end

      def plain(field, value, depth)
        raise too_deep(field) if depth > DEEPEST

        case value
        when String then valid(field, value)
        when Hash
          return value if own_json?(value, Hash)

          value.transform_values { |item| plain(field, item, depth + 1) }
        when Array then value.map { |item| plain(field, item, depth + 1) }
        when Integer, Float, Symbol, nil, true, false then value
        when Time then value.strftime("%Y-%m-%dT%H:%M:%S.%6N%:z")
        when *RECORDS
          base = RECORDS.find { |record| value.is_a?(record) }
          own_json?(value, base) ? value : plain(field, value.to_h, depth + 1)
        else value # which JSON knows, or whose class has a to_json of its own; what has none is the text of to_s
        end
      end

      # Whether a class that is derived from one of Ruby's says itself what its JSON is.
      def own_json?(value, base)
        !value.instance_of?(base) && value.method(:to_json).owner != base.instance_method(:to_json).owner
      end

      def valid(field, value)
        return value if value.encoding == Encoding::UTF_8 && value.valid_encoding?

        given = unicode(value, field)
        given = given.dup.force_encoding(Encoding::UTF_8) if given.encoding == Encoding::BINARY
        return given if given.valid_encoding?

        raise Error.new("#{field}: not UTF-8: #{given[0, 100].inspect}; encode the text, or store bytes with " \
                        "create_file", Status::INVALID_UTF8)
      end

      # The text in UTF-8. Binary strings are taken for it; whether they are, is checked where that matters.
      def unicode(value, field)
        return value if [Encoding::UTF_8, Encoding::BINARY, Encoding::US_ASCII].include?(value.encoding)

        value.encode(Encoding::UTF_8)
      rescue EncodingError => error
        raise Error.new("#{field}: not a text of #{value.encoding}: #{error.message}; encode it as UTF-8",
                        Status::INVALID_UTF8)
      end

      def invalid(field, what)
        Error.new("#{field}: #{what}", Status::INVALID_ARGUMENT)
      end

      def too_deep(field)
        Error.new("#{field}: is nested too deep, or contains itself; make it flatter", Status::REJECTED)
      end
    end
  end
end
