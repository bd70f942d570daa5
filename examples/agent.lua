--- The agent session of tests/suite/scenario.md: logs offline and prints the id of the call `agent`.
---
---     luajit agent.lua OFFLINE_DIR PROJECT
local weave = require "weave"

local MODEL, QUESTION = "gpt-4o-mini", "Where is order 9007199254740993?"
local ANSWER = "Your order is in Köln. 📦"
local SYSTEM = { role = "system", content = "You are a support agent. Be brief." }
local USER = { role = "user", content = QUESTION }
local DECISION = { role = "assistant", content = "I look it up. 🔎" }
local REPLY = { role = "assistant", content = ANSWER }
local LOOKUP = [[
def lookup_order(order_id, config):
    return ORDERS[order_id]  # späte Lieferung: siehe Köln
]]
local CONFIG = {
  prompt = "You are a support agent. Be brief.", temperature = 0.2, tools = { "lookup_order", "track_parcel" },
}
local ORDERS = {
  { question = QUESTION, expected = "in Köln", weight = 1 },
  { question = "Can I return it?", expected = "within 30 days", weight = 0.5 },
  { question = "返品できますか?", expected = weave.null, weight = 2 },
}
local DOCUMENTS = {
  { id = "faq-12", score = 0.83, text = "Parcels are tracked by the carrier." },
  { id = "faq-7", score = 0.61, text = "Überweisungen dauern zwei Tage." },
}
local LABEL = ("89504e470d0a1a0a0000000d49484452000000080000000808020000004b6d29dc00000026494441"
  .. "5478da63fcf5e1040336c0c4c0c020a5e223a5e203e1c3194c0c38003d241871391700656a071184"
  .. "7abf0d0000000049454e44ae426082"):gsub("%x%x", function(digits) return string.char(tonumber(digits, 16)) end)
local ODD = weave.json [[
  {"text": "Zürich 東京 😀 \"quoted\" \\ / \t\u0001\u007f", "nan": NaN, "infinities": [Infinity, -Infinity],
   "lone": "a\ud800b", "big": 123456789012345678901234567890, "one": 1.0, "like_a_ref": "weave:///nothing",
   "empty": {"object": {}, "list": [], "text": ""}}]]

local retrieve = weave.op("retrieve", function(query, k) return { unpack(DOCUMENTS, 1, k) } end)

local chat = weave.op("chat", function(model, messages)
  local is_decided = messages[#messages] == DECISION
  local usage = { prompt_tokens = 120, completion_tokens = 30, total_tokens = 150 }
  if is_decided then usage = { prompt_tokens = 200, completion_tokens = 50, total_tokens = 250 } end
  return { model = model, choices = { { message = is_decided and REPLY or DECISION } }, usage = usage }
end, { kind = "llm" })

local track_parcel = weave.op("track_parcel", function(parcel)
  error { message = "the carrier did not answer", type = "TimeoutError" }
end, { kind = "tool", thread_id = "carrier-7" })

local read_label = weave.op("read_label", function(label) return { text = "II I" } end)

local check_row = weave.op("check_row", function(row) return { match = true } end)

--- What the agent does; its call.
local function session(client)
  local lookup_order = assert(client:create_op("lookup_order", LOOKUP))
  local config = assert(client:create_object("agent-config", CONFIG))
  local orders = assert(client:create_dataset("orders", ORDERS))
  local label = assert(client:create_image("png", LABEL))
  assert(client:add_cost(MODEL, 0.00000015, 0.0000006))
  assert(client:log_call("warm_up", { ready = true }, "ok"))
  assert(client:start("watch", { queue = "support" }))

  local agent = assert(client:start("agent", { question = QUESTION },
    { kind = "agent", attributes = { env = "demo" }, thread_id = "session-42" }))
  agent:run(function()
    retrieve(QUESTION, 2)
    chat(MODEL, { SYSTEM, USER })
    assert(client:log_call(lookup_order, { order_id = 9007199254740993LL, config = config }, { city = "Köln" },
      { kind = "tool" }))
    assert(not pcall(track_parcel, "00340434161094042557"))
    read_label(label)
    check_row(assert(client:dataset_row_ref(orders, ORDERS[1])))
    assert(client:log_call("echo", ODD, weave.null))
    chat(MODEL, { SYSTEM, USER, DECISION })
  end)
  assert(agent:finish { answer = ANSWER })

  assert(agent:set_display_name("Parcel question 📦"))
  assert(client:add_reaction(agent, "👍"))
  assert(client:add_note(agent, "Right answer, slow carrier."))
  assert(client:add_feedback(agent, "quality", { score = 0.9 }))
  return agent
end

local function main(offline_dir, project)
  local client = assert(weave.init(project, { offline = true, offline_dir = offline_dir }))
  local agent = session(client)
  assert(client:finish())
  print(agent.id)
end

if #arg ~= 2 then
  io.stderr:write("usage: ", arg[0], " OFFLINE_DIR PROJECT\n")
  os.exit(1)
end
local fine, problem = pcall(main, arg[1], arg[2])
if not fine then
  io.stderr:write(problem, "\n")
  os.exit(1)
end
