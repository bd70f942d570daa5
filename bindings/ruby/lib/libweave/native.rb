# frozen_string_literal: true

require "rbconfig"
require "libweave/declarations"
require "libweave/version"

module Weave
  # Owns the shared library: finds it, checks its version, calls it.
  #
  # A text of an error belongs to the thread of the system that failed, which is where a thread of Ruby asks for it.
  module Native
    ID_SIZE = Integer(Declarations::TEXT[/WEAVE_ID_SIZE = (\d+)/, 1])

    # What waits for the disk, the network or a thread of the library lets other threads of Ruby run meanwhile. What
    # only copies a record does not: giving the lock of the interpreter up costs up to a time slice of every other
    # thread.
    WAITING = /\Aweave_(init|flush|finish|client_free|query|sync|verify|clean|directory|rejected|stop_ask)|
               \Aweave_(op|object|table|dataset|file|image|audio|content)_create/x.freeze

    @lock = Mutex.new

    class << self
      # A function of the library, which is loaded when it is first needed.
      def [](name)
        (@functions || load_once).fetch(name)
      end

      # The address of a function, to be called when a Fiddle::Pointer is collected.
      def address(name)
        self[name].to_i
      end

      # Raises what a function answered, unless it is success.
      def check(status)
        raise Error.new(last_error(status), status) unless status.zero?
      end

      def last_error(status)
        capacity = 1024
        loop do
          buffer = Fiddle::Pointer.malloc(capacity, Fiddle::RUBY_FREE)
          length = self[:weave_last_error].call(buffer.to_i, capacity)
          return constant_text(:weave_status_text, status) if length.zero?
          return buffer[0, length].force_encoding(Encoding::UTF_8) if length < capacity

          capacity = length + 1
        end
      end

      # Calls a function that answers a text of the library's; a copy of it.
      def constant_text(name, *arguments)
        self[name].call(*arguments).force_encoding(Encoding::UTF_8)
      end

      # Calls a function whose last argument takes an address; the address.
      def answered_address(name, *arguments)
        place = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
        check(self[name].call(*arguments, place.to_i))
        place.ptr.to_i
      end

      # Calls a function whose last argument takes a text; the text.
      def answered_text(name, *arguments)
        text, status = text_and_status(name, *arguments)
        check(status)
        text
      end

      # The same with the status, for functions that may give a text beside a failure; nil when there is none.
      def text_and_status(name, *arguments)
        place = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
        place[0, Fiddle::SIZEOF_VOIDP] = "\0" * Fiddle::SIZEOF_VOIDP
        status = self[name].call(*arguments, place.to_i)
        given = place.ptr
        return [nil, status] if given.null?

        text = given.to_s.force_encoding(Encoding::UTF_8)
        self[:weave_string_free].call(given.to_i)
        [text, status]
      end

      # Calls a function whose last argument takes an id; the id.
      def answered_id(name, *arguments)
        place = Fiddle::Pointer.malloc(ID_SIZE, Fiddle::RUBY_FREE)
        check(self[name].call(*arguments, place.to_i))
        place.to_s.force_encoding(Encoding::UTF_8)
      end

      # Calls a function whose last argument takes a count; the count.
      def answered_count(name, *arguments)
        place = Fiddle::Pointer.malloc(Fiddle::SIZEOF_LONG_LONG, Fiddle::RUBY_FREE)
        check(self[name].call(*arguments, place.to_i))
        place[0, Fiddle::SIZEOF_LONG_LONG].unpack1("Q")
      end

      private

      def load_once
        @lock.synchronize { @functions ||= declared(*opened) }
      end

      # Where the library is looked for, in this order. WEAVE_LIBRARY is a decision, not a hint.
      def candidates
        given = ENV["WEAVE_LIBRARY"]
        return [given] unless given.nil? || given.empty?

        names = RbConfig::CONFIG["host_os"].match?(/darwin/) ? ["libweave.dylib"] : ["libweave.so.0", "libweave.so"]
        beside = names.map { |name| File.join(__dir__, name) }
        found = beside.find { |path| File.exist?(path) }
        found ? [found] : [beside.last, *names]
      end

      def opened
        tried = candidates.map do |path|
          library = Fiddle.dlopen(path)
          return [library, path] if ours?(library)

          "#{path} (another library of that name)"
        rescue Fiddle::DLError => error
          "#{path} (#{error.message})"
        end
        raise Error.new("the shared library of libweave cannot be loaded; build it and set WEAVE_LIBRARY to its " \
                        "path. Tried: #{tried.join("; ")}", Status::INVALID_ARGUMENT)
      end

      def ours?(library)
        library.sym("weave_version")
      rescue Fiddle::DLError
        false
      end

      def declared(library, path)
        check_version(Fiddle::Function.new(library["weave_version"], [], Fiddle::TYPE_CONST_STRING).call, path)
        Declarations::FUNCTIONS.to_h do |name, (parameters, answer)|
          [name.to_sym, Fiddle::Function.new(library[name], parameters, answer, need_gvl: !name.match?(WAITING))]
        end
      rescue Fiddle::DLError => error
        raise Error.new("#{path} is older than this gem: #{error.message}; install the two together",
                        Status::INVALID_ARGUMENT)
      end

      # Before 1.0 a minor version may change functions, afterwards only a major one.
      def check_version(found, path)
        parts = VERSION.start_with?("0.") ? 2 : 1
        return if found.split(".").first(parts) == VERSION.split(".").first(parts)

        raise Error.new("#{path} is version #{found}, and this gem was written for #{VERSION}; install the two " \
                        "together", Status::INVALID_ARGUMENT)
      end
    end
  end
end
