# frozen_string_literal: true

require "libweave/call"
require "libweave/callbacks"
require "libweave/native"
require "libweave/options"
require "libweave/run"
require "libweave/values"
require "libweave/waiting"

module Weave
  # A session for one project: everything that can be logged to it. Any thread, any number at a time.
  class Client
    WARN = ->(error) { warn "libweave: #{error.message}" }
    private_constant :WARN

    # "entity/project" as recorded.
    attr_reader :project

    # Where records are stored; empty when disabled.
    attr_reader :offline_dir

    # Settings are those of README.md, times in seconds. Those that are nil come from the environment, else from
    # defaults.
    #
    # `filter` is called with the type and data of each record, while the thread that logs waits; it answers the data to
    # keep, or nil to drop the record. `on_error` is called with failures that nobody is there to be raised to; by
    # default they are warned of.
    def initialize(project, filter: nil, on_error: nil, **settings)
      settings[:source] = "libweave-ruby" unless settings[:source] || !ENV["WEAVE_SOURCE"].to_s.empty?
      @on_error = on_error || WARN
      @filter = filter && Filter.fixed(filter, @on_error)
      Options.settings(filter: @filter, **settings) do |options|
        @address = Native.answered_address(:weave_init, Values.text(project, "project_name"), options)
      end
      ObjectSpace.define_finalizer(self, self.class.release(@address, @filter))
      @project = Native.constant_text(:weave_client_project, @address)
      @offline_dir = Native.constant_text(:weave_client_offline_dir, @address)
    end

    # What releases a handle. It keeps the filter, which the library may call until then, and must not keep the client.
    def self.release(address, callback)
      free = Native[:weave_client_free]
      proc do
        free.call(address)
        callback
      end
    end

    # Begins a call of an op: a name, or what create_op answered. May be given: `parent` (a Call; nil for none; by
    # default the one that runs), `parent_context`, `attributes`, `display_name`, `kind`, `thread_id`, `turn_id`,
    # `usage`, `summary`, `wb_run`, and for calls of the past `id`, `trace_id`, `parent_id`, `started_at`.
    def start(op, inputs = nil, **given)
      inputs, length = Values.encode("inputs", inputs)
      Options.call(**around(given)) do |options|
        name = Values.text(op, "op_name")
        Call.new(self, answered(:answered_address, :weave_call_start, name, inputs, length, options))
      end
    end

    # Runs a block as a call, which it is given: what the block answers is the output, an exception is recorded and
    # raised on. Whatever goes wrong with logging goes to `on_error`, and the block runs all the same.
    def op(name, inputs = nil, **given, &block)
      Run.block(self, name, given, -> { inputs }, &block)
    end

    # Logs a finished call in one go; its id. May be given what `start` takes, `exception` and `ended_at`.
    def log_call(op, inputs = nil, output = nil, **given)
      inputs, inputs_length = Values.encode("inputs", inputs)
      output, output_length = Values.encode("output", output)
      Options.call(**around(given)) do |options|
        name = Values.text(op, "op_name")
        answered(:answered_id, :weave_log_call, name, inputs, inputs_length, output, output_length, options)
      end
    end

    # Logs many finished calls, Hashes with the fields of a call; how many. All are checked before any is kept.
    def log_calls(calls)
      answered(:answered_count, :weave_log_calls, *Values.encode("calls", calls))
    end

    # Gives a call another name to show, by its id.
    def update_call(id, display_name)
      check(:weave_call_update, Values.text(id, "call_id"), Values.text(display_name, "display_name"))
    end

    # Creates an op from its source text, in any language; its reference, which is the op of calls.
    def create_op(name, source)
      source = Values.text(source, "source") || ""
      created(:weave_op_create, Values.text(name, "name"), source, source.bytesize)
    end

    # Creates a version of an object: any value under a name; its reference.
    def create_object(name, value)
      created(:weave_object_create, Values.text(name, "name"), *Values.encode("value", value))
    end

    # Creates a table of Hashes; its reference.
    def create_table(rows)
      created(:weave_table_create, *Values.encode("rows", rows))
    end

    # Creates a version of a dataset: Hashes under a name; its reference.
    def create_dataset(name, rows, description: nil)
      created(:weave_dataset_create, Values.text(name, "name"), Values.text(description, "description"),
              *Values.encode("rows", rows))
    end

    # The reference of a row of a dataset, for the inputs of calls.
    def dataset_row_ref(dataset, row)
      created(:weave_dataset_row_ref, Values.text(dataset, "dataset_ref"), *Values.encode("row", row))
    end

    # Stores a file of 1 byte to 31 MiB; the digest by which values name it.
    def create_file(name, data)
      created(:weave_file_create, Values.text(name, "name"), *Values.bytes(data))
    end

    # Stores an image ("png", "jpg" or "webp"); the value that stands for it.
    def create_image(format, data)
      Weave.json(created(:weave_image_create, Values.text(format, "format"), *Values.bytes(data)))
    end

    # Stores a sound ("wav" or "mp3"); the value that stands for it.
    def create_audio(format, data)
      Weave.json(created(:weave_audio_create, Values.text(format, "format"), *Values.bytes(data)))
    end

    # Stores any other content, such as "report.pdf" of "application/pdf"; the value that stands for it.
    def create_content(filename, mimetype, data)
      Weave.json(created(:weave_content_create, Values.text(filename, "filename"), Values.text(mimetype, "mimetype"),
                         *Values.bytes(data)))
    end

    # Adds a note of 1 to 1024 characters to a call (a Call, its id or reference) or an object; the feedback's id.
    def add_note(target, note)
      answered(:answered_id, :weave_feedback_add_note, target_of(target), Values.text(note, "note"))
    end

    # Adds a reaction, exactly one emoji; the feedback's id.
    def add_reaction(target, emoji)
      answered(:answered_id, :weave_feedback_add_reaction, target_of(target), Values.text(emoji, "emoji"))
    end

    # Adds feedback of any type; its id. `refs` is what the type asks for.
    def add_feedback(target, feedback_type, payload, refs: nil, creator: nil)
      answered(:answered_id, :weave_feedback_create, target_of(target), Values.text(feedback_type, "feedback_type"),
               *Values.encode("payload", payload), *Values.encode("refs", refs), Values.text(creator, "creator"))
    end

    # Sets the prices of one token of a model. May be given: `effective_date`, `provider_id` and so on (weave.h).
    def add_cost(model, prompt_token_cost, completion_token_cost, **given)
      check(:weave_cost_create, Values.text(model, "model"), Float(prompt_token_cost), Float(completion_token_cost),
            *Values.encode("options", given))
    end

    # How many records its filter has dropped.
    def dropped
      Native.answered_count(:weave_client_dropped, @address)
    end

    # What became of the records that this process logged into the directory: the counters of weave_stats.
    def stats
      Values.decode(Native.answered_text(:weave_stats, @address))
    end

    # Reads data of the server, with a request of the trace server's interface; an Array of what a stream answers. Not
    # available offline.
    def query(path, request)
      text = Waiting.until_done do
        Native.answered_text(:weave_query, @address, Values.text(path, "path"), *Values.encode("request", request))
      end
      path.include?("stream") ? text.each_line.map { |line| Values.decode(line) } : Values.decode(text)
    end

    # Brings everything to the disk for good, when not offline also to the server. `timeout` is in seconds; nil: none.
    def flush(timeout: nil)
      Waiting.until_done { Native.check(Native[:weave_flush].call(@address, milliseconds(timeout), 0)) }
    end

    # Flushes, and closes the session in any case: later use raises Error of Status::CLOSED. To finish again does
    # nothing.
    def finish(timeout: nil)
      Waiting.until_done { Native.check(Native[:weave_finish].call(@address, milliseconds(timeout), 0)) }
    end

    # Runs a block that logs to the session, with its filter, if there is one.
    def calling(&block)
      @filter ? Waiting.unbroken(&block) : yield
    end

    # Tells a failure of logging that nobody is there to be raised to.
    def report(error)
      Failure.report(error, @on_error)
    end

    def inspect
      "#<#{self.class} #{project}>"
    end

    private

    def around(given)
      return given if given.key?(:parent) || given[:parent_context] || given[:parent_id]

      call = Call.current
      call && call.client.equal?(self) ? given.merge(parent: call) : given
    end

    def target_of(target)
      Values.text(target.is_a?(Call) ? target.id : target, "target")
    end

    def created(function, *arguments)
      answered(:answered_text, function, *arguments)
    end

    # What a function that logs to the session answers, in one of the ways of Native.
    def answered(way, function, *arguments)
      calling { Native.public_send(way, function, @address, *arguments) }
    end

    def check(function, *arguments)
      calling { Native.check(Native[function].call(@address, *arguments)) }
      nil
    end

    def milliseconds(timeout)
      timeout.nil? ? -1 : [(timeout * 1000).round, 0].max
    end
  end
end
