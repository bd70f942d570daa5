# frozen_string_literal: true

# The command of tests/suite/commands/README.md over the gem.
require "libweave"

# The verbs, with their fields as parameters: what they answer are the fields behind `ok`.
class Command
  def initialize
    @calls = {}
  end

  def version = Weave.version

  def init(project, *settings)
    options = { redact_keys: [] }
    settings.each do |setting|
      name, value = setting.split("=", 2)
      case name
      when "redact" then options[:redact_keys] << value
      when "filter" then options[:filter] = ->(_, data) { data unless data["op_name"] == value }
      else options[name.to_sym] = form(name, value)
      end
    end
    @client = Weave.init(project, offline: true, **options)
    @client.project
  end

  def flush = @client.flush
  def finish = @client.finish
  def stats = @client.stats.to_json

  def log(op, inputs, output) = @client.log_call(op, json(inputs), json(output))
  def batch(calls) = @client.log_calls(json(calls))

  def start(name, op, inputs, parent)
    begin_call(name, op, json(inputs), parent: parent.empty? ? nil : @calls.fetch(parent))
  end

  def end(name, output) = @calls.fetch(name).finish(json(output))
  def fail(name, type, message) = @calls.fetch(name).set_exception(type, message)

  def usage(name, model, prompt, completion)
    @calls.fetch(name).add_usage(model, prompt_tokens: Integer(prompt), completion_tokens: Integer(completion))
  end

  def rename(name, text)
    @calls.fetch(name).display_name = text
    nil
  end

  def context(name) = @calls.fetch(name).context
  def adopt(name, op, line) = begin_call(name, op, nil, parent_context: line)

  def nest(depth) = level(1, Integer(depth))

  def raise(message)
    Weave.op("outer") do
      Weave.op("inner") { Kernel.raise message }
    rescue RuntimeError
      "caught"
    end
    nil
  end

  def values
    deep = 100.times.inject("bottom") { |inner, _| [inner] }
    @client.log_call("values", {
      empty: { text: "", list: [], object: {} }, none: nil, yes: true, no: false,
      text: "Zürich 東京 😀 \"quoted\" \\ /\t\u0001\u007f", nul: "a\0b", nan: Float::NAN, infinite: -Float::INFINITY,
      beyond_doubles: 9_007_199_254_740_993, largest: 2**63 - 1, smallest: -2**63, unsigned: 2**64 - 1, half: 0.5,
      least: 5e-324, keys: { "" => 1, "with space" => 2, "ключ" => 3 }, deep: deep, long: "x" * 1_000_000
    })
  end

  def threads(count, each)
    Array.new(Integer(count)) do |thread|
      Thread.new { Integer(each).times { |call| @client.log_call("thread", { thread: thread, call: call }) } }
    end.each(&:join)
    nil
  end

  def fork(name)
    child = Process.fork do
      @client.log_call("child", nil, nil, parent: @calls.fetch(name))
      @client.finish
      exit!(0)
    end
    Kernel.raise "the child failed" unless Process.wait2(child).last.success?
  end

  def op(name, code) = @client.create_op(name, code)
  def object(name, value) = @client.create_object(name, json(value))
  def table(rows) = @client.create_table(json(rows))
  def dataset(name, rows) = @client.create_dataset(name, json(rows))
  def row(dataset, row) = @client.dataset_row_ref(dataset, json(row))
  def file(name, bytes) = @client.create_file(name, bytes)
  def image(format, bytes) = @client.create_image(format, bytes)
  def audio(format, bytes) = @client.create_audio(format, bytes)
  def content(filename, mimetype, bytes) = @client.create_content(filename, mimetype, bytes)

  def note(target, text) = @client.add_note(target, text)
  def reaction(target, emoji) = @client.add_reaction(target, emoji)
  def feedback(target, type, payload) = @client.add_feedback(target, type, json(payload))
  def cost(model, prompt, completion) = @client.add_cost(model, Float(prompt), Float(completion))

  def sync(directory) = Weave.sync(directory).to_json
  def clean(directory, days) = Weave.clean(directory, older_than_days: Float(days))
  def directory(directory) = Weave.directory_stats(directory).to_json
  def rejected(directory) = Weave.rejected(directory).to_json
  def verify(directory) = Weave.verify(directory).to_json

  private

  def json(text)
    Weave.json(text) unless text.empty?
  end

  def form(name, value)
    case name
    when "compress", "disabled" then value == "true"
    when "max_file_size" then Integer(value)
    when "attributes" then Weave.json(value)
    when "offline_dir", "source" then value
    else Kernel.raise KeyError, "no such setting: #{name}"
    end
  end

  def begin_call(name, op, inputs, **given)
    @calls[name] = @client.start(op, inputs, **given)
    @calls[name].id
  end

  def level(number, depth)
    ids = []
    @client.op("level-#{number}", { level: number }) do |call|
      ids = [call.id, *(level(number + 1, depth) if number < depth)]
      number
    end
    ids
  end
end

def decoded(field)
  field.b.gsub(/%(\h\h)/) { Regexp.last_match(1).hex.chr }.force_encoding(Encoding::UTF_8)
end

def answer(*fields)
  $stdout.puts(fields.map { |field| field.to_s.gsub(/[%\t\n\r\0]/) { |byte| format("%%%02X", byte.ord) } }.join("\t"))
  $stdout.flush
end

command = Command.new
$stdin.each_line(chomp: true) do |line|
  verb, *fields = line.split("\t", -1).map { |field| decoded(field) }
  known = Command.public_instance_methods(false).find { |name| name.to_s == verb }
  arity = known && command.method(known).arity
  begin
    raise KeyError, "no such line: #{line}" unless known && (arity.negative? || fields.size == arity)

    answer("ok", *command.public_send(known, *fields))
  rescue Weave::Error => error
    answer("error", error.status, error.message, *(error.results.to_json if error.results))
  rescue KeyError => error
    warn error.message
    exit 2
  end
end
