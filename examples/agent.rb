# frozen_string_literal: true

# The agent session of tests/suite/scenario.md: logs offline and prints the id of the call `agent`.
#
#     ruby agent.rb OFFLINE_DIR PROJECT
require "libweave"

MODEL = "gpt-4o-mini"
QUESTION = "Where is order 9007199254740993?"
ANSWER = "Your order is in Köln. 📦"
SYSTEM = { role: "system", content: "You are a support agent. Be brief." }.freeze
USER = { role: "user", content: QUESTION }.freeze
DECISION = { role: "assistant", content: "I look it up. 🔎" }.freeze
REPLY = { role: "assistant", content: ANSWER }.freeze
LOOKUP = <<~PYTHON
  def lookup_order(order_id, config):
      return ORDERS[order_id]  # späte Lieferung: siehe Köln
PYTHON
CONFIG = {
  prompt: "You are a support agent. Be brief.", temperature: 0.2, tools: %w[lookup_order track_parcel]
}.freeze
ORDERS = [
  { question: QUESTION, expected: "in Köln", weight: 1 },
  { question: "Can I return it?", expected: "within 30 days", weight: 0.5 },
  { question: "返品できますか?", expected: nil, weight: 2 }
].freeze
DOCUMENTS = [
  { id: "faq-12", score: 0.83, text: "Parcels are tracked by the carrier." },
  { id: "faq-7", score: 0.61, text: "Überweisungen dauern zwei Tage." }
].freeze
LABEL = [<<~HEX.delete("\n")].pack("H*").freeze
  89504e470d0a1a0a0000000d49484452000000080000000808020000004b6d29dc00000026494441
  5478da63fcf5e1040336c0c4c0c020a5e223a5e203e1c3194c0c38003d241871391700656a071184
  7abf0d0000000049454e44ae426082
HEX
ODD = Weave.json(<<~'JSON')
  {"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": NaN, "infinities": [Infinity, -Infinity],
   "lone": "a\ud800b", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": "weave:///nothing",
   "empty": {"object": {}, "list": [], "text": ""}}
JSON

TimeoutError = Class.new(StandardError)

# What the agent can do.
class Tools
  extend Weave::Ops

  weave_op def retrieve(query, k) = DOCUMENTS.first(k), op: "retrieve"

  weave_op def chat(model, messages)
    first = { prompt_tokens: 120, completion_tokens: 30, total_tokens: 150 }
    second = { prompt_tokens: 200, completion_tokens: 50, total_tokens: 250 }
    message, usage = messages.include?(DECISION) ? [REPLY, second] : [DECISION, first]
    { model: model, choices: [{ message: message }], usage: usage }
  end, op: "chat", kind: "llm"

  weave_op def track_parcel(parcel)
    raise TimeoutError, "the carrier did not answer"
  end, op: "track_parcel", kind: "tool", thread_id: "carrier-7"

  weave_op def read_label(label) = { text: "II I" }, op: "read_label"

  weave_op def check_row(row) = { match: true }, op: "check_row"
end

# What the agent does; its call.
def session(client)
  lookup_order = client.create_op("lookup_order", LOOKUP)
  config = client.create_object("agent-config", CONFIG)
  orders = client.create_dataset("orders", ORDERS)
  label = client.create_image("png", LABEL)
  client.add_cost(MODEL, 0.00000015, 0.0000006)
  client.log_call("warm_up", { ready: true }, "ok")
  client.start("watch", { queue: "support" })

  tools = Tools.new
  agent = client.start("agent", { question: QUESTION }, kind: "agent", attributes: { env: "demo" },
                       thread_id: "session-42")
  agent.running do
    tools.retrieve(QUESTION, 2)
    tools.chat(MODEL, [SYSTEM, USER])
    wanted = { order_id: 9_007_199_254_740_993, config: config }
    client.log_call(lookup_order, wanted, { city: "Köln" }, kind: "tool")
    begin
      tools.track_parcel("00340434161094042557")
    rescue TimeoutError
      nil # the agent goes on without it
    end
    tools.read_label(label)
    tools.check_row(client.dataset_row_ref(orders, ORDERS.first))
    client.log_call("echo", ODD, Weave.json("null"))
    tools.chat(MODEL, [SYSTEM, USER, DECISION])
  end
  agent.finish({ answer: ANSWER })

  agent.display_name = "Parcel question 📦"
  client.add_reaction(agent, "👍")
  client.add_note(agent, "Right answer, slow carrier.")
  client.add_feedback(agent, "quality", { score: 0.9 })
  agent
end

abort "usage: #{$PROGRAM_NAME} OFFLINE_DIR PROJECT" unless ARGV.size == 2
begin
  agent = Weave.init(ARGV[1], offline: true, offline_dir: ARGV[0]) { |client| session(client) }
  puts agent.id
rescue Weave::Error => error
  abort error.message
end
