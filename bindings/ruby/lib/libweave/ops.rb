# frozen_string_literal: true

require "libweave/run"

module Weave
  # Methods whose calls are logged to the session that is open when they are called:
  #
  #     class Agent
  #       extend Weave::Ops
  #       weave_op def answer(question, k: 2) = …
  #     end
  #
  # Inputs are the arguments by the names of their parameters, those that are given; the output is what the method
  # answers.
  module Ops
    # `op` is the name, "Agent#answer" by default. `inputs` and `output` make what is recorded: of the arguments, as
    # they are given, and of what is answered. Further settings are those of Client#start. Answers the method's name.
    def weave_op(name, op: nil, inputs: nil, output: nil, **settings)
      method = instance_method(name)
      op ||= Ops.name_of(self, name)
      inputs ||= ->(*arguments, **named) { Ops.by_name(method.parameters, arguments, named) }
      wrapper = Module.new do
        define_method(name) do |*arguments, **named, &block|
          client = Weave.client
          next super(*arguments, **named, &block) if client.nil?

          made = -> { inputs.call(*arguments, **named) }
          Run.block(client, op, settings, made, output) { super(*arguments, **named, &block) }
        end
      end
      visibility = %i[private protected].find { |kind| send(:"#{kind}_method_defined?", name) }
      prepend wrapper
      wrapper.send(visibility, name) if visibility
      name
    end

    # "Agent#answer", and "Agent.answer" of a method of the class itself.
    def self.name_of(owner, name)
      of_class = owner.inspect[/\A#<Class:(\w[\w:]*)>\z/, 1]
      of_class ? "#{of_class}.#{name}" : [owner.name, name].compact.join("#")
    end

    # Arguments by the names of their parameters; what has no name of its own by its place.
    # Keywords of a method that takes none are its last argument, as for Ruby.
    def self.by_name(parameters, arguments, named)
      rest = arguments.dup
      if named.any? && parameters.none? { |kind, _| %i[key keyreq keyrest].include?(kind) }
        rest << named
        named = {}
      end
      required = parameters.count { |kind, _| kind == :req }
      inputs = parameters.each_with_object({}).with_index do |((kind, name), found), index|
        name = nil if %i[* **].include?(name)
        case kind
        when :req
          required -= 1
          found[name || "arg#{index}"] = rest.shift
        when :opt then found[name] = rest.shift if rest.size > required
        when :rest then found[name || "rest"] = rest.shift([rest.size - required, 0].max)
        end
      end
      inputs.merge(named)
    end
  end
end
