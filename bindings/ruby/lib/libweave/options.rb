# frozen_string_literal: true

require "libweave/failure"
require "libweave/native"
require "libweave/values"

module Weave
  # Owns settings of sessions and syncs, and what a call is given: keywords of Ruby as the handles that C takes.
  module Options
    text = ->(value, name) { [Values.text(value, name)] }
    path = ->(value, name) { [Values.text(value.respond_to?(:to_path) ? value.to_path : value, name)] }
    flag = lambda do |value, name|
      raise TypeError, "#{name} is #{value.inspect}; give true or false" unless [true, false].include?(value)

      [value ? 1 : 0]
    end
    whole = ->(value, _) { [Integer(value)] }
    # What is negative is 0, which the library refuses: the other side of an unsigned number would be huge.
    size = ->(value, _) { [[Integer(value), 0].max] }
    seconds = ->(value, _) { [(value * 1000).round] }
    json = ->(value, name) { Values.encode(name, value) }
    # Of nothing else than what is meant: C would take any number for an address.
    address = lambda do |value, type|
      raise TypeError, "give a #{type}" unless value.is_a?(type)

      value.to_i
    end
    callback = ->(value, _) { [address.call(value, Fiddle::Pointer), 0] }

    # Setting → its value as the arguments of weave_options_set_SETTING.
    SETTINGS = {
      offline: flag, disabled: flag, compress: flag, group_access: flag, close_interrupted: flag, insecure: flag,
      offline_dir: path, ca_file: path,
      entity: text, source: text, journal: text, when_full: text, quota_policy: text, api_key: text, base_url: text,
      trace_server_url: text, destination: text,
      attributes: json, sample_rate: ->(value, _) { [Float(value)] },
      max_file_size: size, journal_size: size, max_directory_size: size, max_sync_bytes: size, max_sync_rate: size,
      max_file_age: whole, compression_level: whole, sync_connections: whole,
      durability_interval: seconds, block_limit: seconds, http_timeout: seconds, send_interval: seconds,
      open_call_age: seconds, max_sync_time: seconds, sync_wait: seconds,
      filter: callback, progress: callback,
      stop: ->(value, _) { [address.call(value, Stop)] }
    }.freeze

    # Microseconds since 1970 of a Time, or as they are.
    MICROSECONDS = ->(value, _) { [value.is_a?(Time) ? (value.to_r * 1_000_000).to_i : Integer(value)] }

    exception = lambda do |value, name|
      type, message, traceback = Failure.of(value)
      [Values.text(type, name), Values.text(message, name), traceback]
    end
    run = lambda do |(id, step, step_end), name|
      [Values.text(id, name), Integer(step || -1), Integer(step_end || -1)]
    end

    CALL_SETTINGS = {
      parent: ->(value, _) { [address.call(value, Call)] }, parent_context: text, id: text, trace_id: text, parent_id: text, display_name: text,
      thread_id: text, turn_id: text, kind: text, attributes: json, summary: json, exception: exception,
      started_at: MICROSECONDS, ended_at: MICROSECONDS, wb_run: run
    }.freeze

    class << self
      # Yields a `weave_options`. What is nil is left to the environment and the defaults.
      def settings(redact_keys: [], destinations: {}, **given, &block)
        handle("weave_options", SETTINGS, given) do |address|
          redact_keys.each { |key| add(:weave_options_add_redact_key, address, Values.text(key, "redact_keys")) }
          destinations.each do |names|
            add(:weave_options_add_destination, address, *names.map { |name| Values.text(name, "destinations") })
          end
          block.call(address)
        end
      end

      # Yields a `weave_call_options`, 0 when nothing is given.
      def call(usage: {}, **given, &block)
        return yield(0) if given.empty? && usage.empty?

        handle("weave_call_options", CALL_SETTINGS, given) do |address|
          usage.each do |model, tokens|
            add(:weave_call_options_add_usage_json, address, Values.text(model, "usage"),
                *Values.encode("usage", tokens))
          end
          block.call(address)
        end
      end

      private

      def handle(prefix, table, given)
        unknown = given.keys - table.keys
        raise ArgumentError, "no such setting: #{unknown.first}; there are #{table.keys.join(", ")}" if unknown.any?

        address = Native[:"#{prefix}_new"].call
        begin
          given.each do |name, value|
            next if value.nil?

            set(:"#{prefix}_set_#{name}", address, table[name], value, name)
          end
          yield address
        ensure
          Native[:"#{prefix}_free"].call(address)
        end
      end

      def set(function, address, form, value, name)
        add(function, address, *form.call(value, name))
      rescue TypeError, ArgumentError, NoMethodError, RangeError => error
        raise Error.new("#{name}: a #{value.class} that cannot be used: #{error.message}", Status::INVALID_ARGUMENT)
      end

      def add(function, *arguments)
        Native.check(Native[function].call(*arguments))
      end
    end
  end
end
