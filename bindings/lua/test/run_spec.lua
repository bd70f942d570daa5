local helper = require "test.helper"
local weave = require "weave"

--- A session that collects what is reported.
local function reporting()
  local reports = {}
  local function on_error(message, status) reports[#reports + 1] = { message, status } end
  return helper.session { on_error = on_error }, reports
end

describe("an op", function()
  it("records arguments by their names and what it returns", function()
    local client = helper.session()
    local op = weave.op("answer", function(question, k) return question .. k end)
    assert.equal("why2", op("why", 2))
    local call = helper.calls(client).answer
    assert.same({ { question = "why", k = 2 }, "why2" }, { call.inputs, call.output })
  end)

  it("records further arguments by their places, and several results as an array", function()
    local client = helper.session()
    local op = weave.op("many", function(first, ...) return first, nil, ... end)
    assert.same({ 1, nil, 2, nil }, { op(1, 2, nil) })
    local call = helper.calls(client).many
    assert.same({ { first = 1, arg2 = 2 }, { 1, weave.null, 2, weave.null } }, { call.inputs, call.output })
  end)

  it("is a child of the op that it is called in", function()
    local client = helper.session()
    local inner = weave.op("inner", function() end)
    local outer = weave.op("outer", function() inner() return weave.current_call().id end)
    local id = outer()
    assert.is_nil(weave.current_call())
    local calls = helper.calls(client)
    assert.same({ id, id }, { calls.outer.id, calls.inner.parent_id })
  end)

  it("raises an error on as it was, and records it with where it came from", function()
    local client = helper.session()
    local problem = { type = "LookupError", message = "no such order" }
    local op = weave.op("op", function() error(problem) end)
    local fine, raised = pcall(op)
    assert.is_false(fine)
    assert.equal(problem, raised)
    local exception = weave.decode(helper.calls(client).op.exception)
    assert.same({ "LookupError", "no such order" }, { exception.type, exception.message })
    assert.truthy(exception.traceback[1].text:find("run_spec.lua", 1, true))
  end)

  it("records an error of any kind", function()
    local client = helper.session()
    assert.same({ false, 5 }, { pcall(weave.op("number", function() error(5, 0) end)) })
    pcall(weave.op("object", function() error(setmetatable({}, { __tostring = error })) end))
    local calls = helper.calls(client)
    assert.equal("5", weave.decode(calls.number.exception).message)
    assert.equal("table", weave.decode(calls.object.exception).message)
  end)

  it("records an error whose text is none", function()
    local client = helper.session()
    assert.same({ false, "\255\0" }, { pcall(weave.op("op", function() error("\255\0", 0) end)) })
    assert.equal("??", weave.decode(helper.calls(client).op.exception).message)
  end)

  it("records what the given functions make of arguments and results", function()
    local client = helper.session()
    local op = weave.op("op", function(self) return self.n end, {
      kind = "tool",
      inputs = function(self) return { n = self.n } end,
      output = function(n) return { doubled = 2 * n } end,
    })
    assert.equal(4, op { n = 4, callback = print })
    local call = helper.calls(client).op
    assert.same({ { n = 4 }, { doubled = 8 } }, { call.inputs, call.output })
  end)

  it("runs without a session as the function itself", function()
    weave.finish()
    assert.same({ 1, 2 }, { weave.op("op", function(...) return ... end)(1, 2) })
  end)

  it("is logged without inputs that cannot be stored, which are replaced by the reason", function()
    local client, reports = reporting()
    local circle = {}
    circle.circle = circle
    assert.equal(circle, weave.op("op", function(value) return value end, { output = function() end })(circle))
    assert.equal(5, weave.op("own", function() return 5 end, { inputs = function() error("wrong", 0) end })())
    assert.same({ { "inputs.value.circle: contains itself; cut the circle", 3 }, { "wrong" } }, reports)
    local calls = helper.calls(client)
    assert.same({ not_logged = reports[1][1] }, calls.op.inputs)
    assert.same({ { not_logged = "wrong" }, 5 }, { calls.own.inputs, calls.own.output })
  end)

  it("runs all the same when it cannot be logged, which is reported", function()
    local client, reports = reporting()
    assert.equal(5, weave.op("", function() return 5 end)())
    assert.same({ 1, 4 }, { #reports, reports[1][2] })
    assert.same({}, helper.calls(client))
  end)

  it("tells at its end that its output could not be stored", function()
    local client, reports = reporting()
    weave.op("op", function() return "\255" end)()
    assert.truthy(helper.calls(client).op.output.not_logged:find("output: not UTF-8", 1, true))
    assert.equal(2, reports[1][2])
  end)

  it("is told on standard error of what nobody takes", function()
    local told = helper.program([[
      local weave = require "weave"
      weave.init("p", { offline = true, offline_dir = os.tmpname() .. "-traces" })
      print(weave.op(("x"):rep(200), function() return "ran" end)())]])
    assert.truthy(told:find("libweave: op_name: longer than 128", 1, true))
    assert.truthy(told:find("ran\n", 1, true))
  end)
end)

describe("a scope", function()
  it("runs a function as a call, which it is given", function()
    local client = helper.session()
    assert.same({ "a", "b" }, { client:scope("op", { k = 1 }, function(call)
      call:add_usage("small", { prompt_tokens = 1, completion_tokens = 2 })
      return "a", "b"
    end, { kind = "llm" }) })
    local call = helper.calls(client).op
    assert.same({ { k = 1 }, { "a", "b" } }, { call.inputs, call.output })
    assert.equal(2, call.summary.usage.small.completion_tokens)
  end)

  it("whose call cannot be started runs with one that does nothing", function()
    local client, reports = reporting()
    local outer = assert(client:start("outer"))
    local done = outer:run(function()
      return client:scope("", {}, function(call)
        assert(call:add_usage("small", {}) and call:set_display_name("x") and call:finish("y"))
        assert.same({ "", "", "" }, { call.id, call:context(), call:ref() })
        return (assert(client:log_call("inner")))
      end)
    end)
    assert.equal(4, reports[1][2])
    outer:finish()
    local calls = helper.calls(client)
    assert.same({ done, outer.id }, { calls.inner.id, calls.inner.parent_id })
  end)
end)

describe("a coroutine", function()
  it("has its own current call, also over yields inside calls", function()
    local client = helper.session()
    local leaf = weave.op("leaf", function(name) return name end)
    local walk = weave.op("walk", function(name)
      leaf(name)
      coroutine.yield()
      leaf(name)
    end)
    local one, two = coroutine.create(walk), coroutine.create(walk)
    for _ = 1, 2 do
      assert(coroutine.resume(one, "one"))
      assert(coroutine.resume(two, "two"))
    end
    assert(client:finish())
    local parents, walks = {}, {}
    for _, data in ipairs(helper.records(client.offline_dir, "calls")) do
      if data.op_name == "walk" then walks[data.inputs.name] = data.id end
      if data.op_name == "leaf" then parents[data.inputs.name] = data.parent_id end
    end
    assert.same(walks, parents)
    assert.is_nil(weave.current_call())
  end)

  it("begins without a parent, and is handed one by call:run", function()
    local client = helper.session()
    client:scope("outer", nil, function(call)
      coroutine.wrap(function() client:log_call("alone") end)()
      coroutine.wrap(function() call:run(client.log_call, client, "handed") end)()
    end)
    local calls = helper.calls(client)
    assert.same({ nil, calls.outer.id }, { calls.alone.parent_id, calls.handed.parent_id })
  end)

  it("that is given up in a call leaves the call open", function()
    local client = helper.session()
    coroutine.wrap(weave.op("given up", coroutine.yield))()
    collectgarbage()
    assert.is_nil(helper.calls(client)["given up"].ended_at)
  end)
end)
