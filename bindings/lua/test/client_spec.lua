local helper = require "test.helper"
local weave = require "weave"

describe("a session", function()
  it("tells its project, its directory and its counters", function()
    local client = helper.session()
    assert.equal("team/project", client.project)
    assert.truthy(client.offline_dir:find("^/"))
    local before = client:stats().accepted
    assert(client:log_call("op"))
    assert(client:flush())
    local stats = client:stats()
    assert.same({ before + 1, 0, weave.null }, { stats.accepted, stats.waiting, stats.last_error })
  end)

  it("says that it is closed, and may be finished again", function()
    local client = helper.session()
    assert(client:finish())
    assert(client:finish())
    local value, message, status = client:log_call("op")
    assert.same({ nil, 10 }, { value, status })
    assert.truthy(message:find("finished", 1, true))
  end)

  it("flushes within a limit in seconds", function()
    assert(helper.session():flush(30))
  end)

  it("takes the options of the library by their names, times in seconds", function()
    local client = helper.session { attributes = { env = "test" }, redact_keys = { "pin" }, source = "suite",
      sample_rate = 1, durability_interval = 0.25, block_limit = 0, max_file_age = 60, compression_level = 3 }
    client:log_call("op", { pin = 1234, city = "Köln" })
    local call = helper.calls(client).op
    assert.same({ pin = "REDACTED", city = "Köln" }, call.inputs)
    assert.same({ "test", "suite" }, { call.attributes.env, call.attributes.weave.source })
  end)

  it("logs nothing when disabled", function()
    local client = helper.session { disabled = true }
    assert.equal("", client.offline_dir)
    assert.truthy(client:log_call("op"))
    assert.equal(3, client:scope("op", nil, function() return 3 end))
  end)
end)

describe("an option that cannot be used is told by its name:", function()
  for name, value in pairs { nonsense = 1, offline = "yes", offline_dir = 5, max_file_size = -1, max_file_age = 0.5,
    compression_level = 2 ^ 32 + 5, sample_rate = 7, durability_interval = "1", journal = "tape", when_full = "x\0y",
    filter = print, progress = print, redact_keys = "pin", destinations = 5 } do
    it(name, function()
      local client, message, status = weave.init("team/project", { offline = true, [name] = value })
      assert.is_nil(client)
      assert.truthy(message:find("^" .. name), message)
      assert.equal(1, status)
    end)
  end
end)

describe("a call", function()
  it("is logged in one go, with what it is given", function()
    local client = helper.session()
    local id = assert(client:log_call("chat", { k = 1 }, { answer = "yes" }, {
      display_name = "Chat", kind = "llm", thread_id = "t", attributes = { a = 1 }, summary = { own = 2 },
      usage = { small = { prompt_tokens = 3, completion_tokens = 4 } }, started_at = 1700000000000001,
      ended_at = 1700000001000000, exception = { type = "TimeoutError", message = "late", traceback = "here" },
      wb_run = { run = "team/project/run", step = 7 } }))
    local call = helper.calls(client).chat
    assert.same({ id, { k = 1 }, { answer = "yes" } }, { call.id, call.inputs, call.output })
    assert.same({ "Chat", "t", "2023-11-14T22:13:20.000001Z" }, { call.display_name, call.thread_id, call.started_at })
    assert.same({ 2, 3 }, { call.summary.own, call.summary.usage.small.prompt_tokens })
    assert.truthy(call.exception:find("TimeoutError", 1, true) and call.exception:find("here", 1, true))
    assert.same({ "team/project/run", 7 }, { call.wb_run_id, call.wb_run_step })
  end)

  it("without a value has none", function()
    local client = helper.session()
    client:log_call("bare")
    local call = helper.calls(client).bare
    assert.same({ {}, nil }, { call.inputs, call.output })
  end)

  it("is started, told of, and ended", function()
    local client = helper.session()
    local call = assert(client:start("tool", { k = 2 }))
    assert(call:add_usage("small", 2, 3))
    assert(call:add_usage("small", { prompt_tokens = 3, completion_tokens = 3, cached = 1 }))
    assert.equal(1, select(3, call:add_usage("small", -1, 3)))
    assert(call:set_summary { own = true })
    assert(call:set_exception { type = "TimeoutError", message = "late" })
    assert(call:set_ended_at(4000000000000000))
    assert(call:finish("out"))
    assert.equal(10, select(3, call:finish("again")))
    assert.equal("weave:///team/project/call/" .. call.id, call:ref())
    local logged = helper.calls(client).tool
    assert.same({ call.id, call.trace_id, "out" }, { logged.id, logged.trace_id, logged.output })
    assert.same({ 5, true, 1 },
      { logged.summary.usage.small.prompt_tokens, logged.summary.own, logged.summary.status_counts.error })
    assert.equal("2096-10-02T07:06:40Z", (logged.ended_at:gsub("%.0+", "")))
  end)

  it("is a child of the parent that it is given, live or carried as a line", function()
    local client = helper.session()
    local parent = assert(client:start("parent"))
    assert(client:log_call("child", nil, nil, { parent = parent }))
    assert(client:log_call("remote", nil, nil, { parent_context = parent:context() }))
    assert(parent:run(function() return client:log_call("alone", nil, nil, { parent = false }) end))
    assert(parent:finish())
    local calls = helper.calls(client)
    assert.same({ parent.id, parent.id, nil }, { calls.child.parent_id, calls.remote.parent_id, calls.alone.parent_id })
  end)

  it("is renamed after its end, by its own method or by its id", function()
    local client = helper.session()
    local call = assert(client:start("op"))
    assert(call:finish())
    assert(call:set_display_name("first"))
    assert(client:update_call(call.id, "second"))
    assert(client:finish())
    local names = {}
    for _, data in ipairs(helper.records(client.offline_dir, "calls")) do names[#names + 1] = data.display_name end
    assert.same({ "first", "second" }, names)
  end)

  it("that is refused says why, with the number of the library", function()
    local client = helper.session()
    for op, expected in pairs { [("x"):rep(129)] = 4, [""] = 4, ["a\0b"] = 1, ["a\255"] = 2 } do
      local id, message, status = client:log_call(op)
      assert.same({ nil, expected }, { id, status })
      assert.truthy(message:find("op", 1, true))
    end
    assert.equal(3, select(3, client:log_call("op", { 1, 2 })))
    assert.same({}, helper.calls(client))
  end)

  it("is told when an argument is none", function()
    local client = helper.session()
    for name, value in pairs { parent = "call", usage = 5, started_at = "now", kind = 5, wb_run = { step = "x" } } do
      local id, message, status = client:log_call("op", nil, nil, { [name] = value })
      assert.same({ nil, 1 }, { id, status })
      assert.truthy(message:find("^" .. name), message)
    end
    assert.equal(1, select(3, client:add_cost("small", "free", 0)))
    assert.equal(1, select(3, weave.clean(client.offline_dir, "all")))
  end)

  it("that is refused has an error text of any length", function()
    local name = ("n"):rep(3000) .. "/" .. ("m"):rep(3000) .. "/z"
    local _, message = weave.init(name, { offline = true, offline_dir = helper.directory() })
    assert.truthy(#message > 3000)
  end)
end)

describe("finished calls in one go", function()
  it("are all kept", function()
    local client = helper.session()
    assert.equal(2, client:log_calls { { op_name = "a", inputs = { n = 1 } }, { op_name = "b", output = { 1, 2.5 } } })
    assert.equal(0, client:log_calls {})
    local calls = helper.calls(client)
    assert.same({ { n = 1 }, { 1, 2.5 } }, { calls.a.inputs, calls.b.output })
  end)

  it("are all refused when one is wrong, which is named by its place", function()
    local client = helper.session()
    local _, message = client:log_calls { { op_name = "a" }, { inputs = {} } }
    assert.truthy(message:find("calls[1]", 1, true))
    assert.same({}, helper.calls(client))
  end)
end)

describe("what is published", function()
  it("has references that stand in values", function()
    local client = helper.session()
    local op = assert(client:create_op("answer", "def answer(): ..."))
    local object = assert(client:create_object("config", { temperature = 0.2 }))
    local dataset = assert(client:create_dataset("orders", { { order = 1 } }, "of today"))
    local row = assert(client:dataset_row_ref(dataset, { order = 1 }))
    assert.truthy(assert(client:create_table({})):find("^weave:///team/project/table/"))
    assert(client:log_call(op, { config = object, row = row }))
    local _, call = next(helper.calls(client))
    assert.same({ op, object, row }, { call.op_name, call.inputs.config, call.inputs.row })
  end)

  it("may be files and media, which stand in values too", function()
    local client = helper.session()
    assert.equal(43, #assert(client:create_file("notes.txt", "\0\255 bytes")))
    local image = assert(client:create_image("png", "\137PNG"))
    local sound = assert(client:create_audio("wav", "RIFF"))
    local page = assert(client:create_content("page.html", "text/html", "<p>"))
    assert(client:log_call("see", { image = image, media = { sound, page } }))
    local inputs = helper.calls(client).see.inputs
    assert.same({ "CustomWeaveType", "CustomWeaveType" }, { inputs.image._type, inputs.media[2]._type })
    local refused, message, status = helper.session():create_file("notes.txt", 5)
    assert.same({ nil, "data: a number; give the bytes as a string", 1 }, { refused, message, status })
  end)
end)

describe("feedback and costs", function()
  it("are about calls and references", function()
    local client = helper.session()
    local call = assert(client:start("op"))
    assert(call:finish())
    assert(client:add_note(call, "fine"))
    assert(client:add_reaction(call.id, "👍"))
    assert(client:add_feedback(assert(call:ref()), "quality", { score = 0.5 }, { creator = "Ada" }))
    assert(client:add_cost("small", 1e-6, 2e-6, { provider_id = "own" }))
    assert.equal(5, select(3, client:add_note("nothing", "text")))
    assert(client:finish())
    local feedback = helper.records(client.offline_dir, "feedback")
    assert.same({ { note = "fine" }, { score = 0.5 } }, { feedback[1].payload, feedback[3].payload })
    assert.equal("Ada", feedback[3].creator)
    assert.equal("own", helper.records(client.offline_dir, "metadata")[3].costs.small.provider_id)
  end)
end)

it("data of the server is not to be had offline", function()
  assert.equal(12, select(3, helper.session():query("/calls/read", {})))
end)
