# frozen_string_literal: true

require "fiddle"
require "libweave/error"

module Weave
  # Owns what is known of the C interface without the library: weave.cdef, read as types of Fiddle.
  #
  # Handles and places for answers are passed as addresses, which Fiddle takes without a detour, texts as strings.
  module Declarations
    TEXT = File.read(File.join(__dir__, "weave.cdef"), encoding: Encoding::UTF_8)

    TYPES = {
      "void" => Fiddle::TYPE_VOID,
      "bool" => -Fiddle::TYPE_INT8_T,
      "double" => Fiddle::TYPE_DOUBLE,
      "int32_t" => Fiddle::TYPE_INT32_T,
      "int64_t" => Fiddle::TYPE_INT64_T,
      "uint64_t" => -Fiddle::TYPE_INT64_T,
      "ptrdiff_t" => Fiddle::TYPE_PTRDIFF_T,
      "size_t" => Fiddle::TYPE_SIZE_T,
      "weave_status" => Fiddle::TYPE_INT32_T,
      "const char *" => Fiddle::TYPE_CONST_STRING,
      "const void *" => Fiddle::TYPE_VOIDP, # bytes, which may hold NUL
    }.freeze

    # The type of "const char *name" or of a result alone.
    def self.type_of(declaration)
      written = declaration.sub(/\w+\z/, "")
      TYPES[declaration.strip] || TYPES[written.strip] || Fiddle::TYPE_UINTPTR_T
    end
    private_class_method :type_of

    # Function → [types of what it takes, type of what it answers].
    FUNCTIONS = TEXT.scan(/^((?!typedef)[^(]*?)(weave_\w+)\(([^()]*)\);$/).to_h do |answer, name, inside|
      parameters = inside == "void" ? [] : inside.split(", ")
      [name, [parameters.map { |parameter| type_of(parameter) }, type_of(answer)]]
    end.freeze
  end

  # The numbers of weave_status: Weave::Status::CLOSED is 10.
  module Status
    Declarations::TEXT[/typedef int32_t weave_status;\n(.*)/].scan(/WEAVE_(\w+) = (\d+)/) do |name, number|
      const_set(name, Integer(number))
    end
  end
end
