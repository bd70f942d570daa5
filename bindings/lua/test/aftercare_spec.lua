local helper = require "test.helper"
local weave = require "weave"

--- The directory of a finished session with calls of these names.
local function logged(...)
  local client = helper.session()
  for _, op in ipairs { ... } do assert(client:log_call(op, { op = op }, "out")) end
  assert(client:finish())
  return client.offline_dir
end

describe("an offline directory", function()
  local server = helper.server("--reject-marker refuse-me")

  it("is sent, counted, verified and cleaned", function()
    local directory = logged("one", "two")
    local results = assert(weave.sync(directory, server))
    assert.same({ 2, 0 }, results["team/project"].calls)
    assert.same({}, (assert(weave.sync(directory, server))))
    assert.same({ 2, 2 }, assert(weave.verify(directory, server))["team/project"].calls)
    local stats = assert(weave.directory_stats(directory))
    assert.equal(0, stats.projects["team/project"].calls.pending_files)
    local preview = assert(weave.clean_preview(directory, 0))
    assert.equal(0, weave.clean(directory))
    assert.equal(#preview.files, weave.clean(directory, 0))
  end)

  it("is sent in part when the server refuses a record, which is told with the results", function()
    local directory = logged("fine", "refuse-me")
    local results, message, status, in_part = weave.sync(directory, server)
    assert.same({ nil, 17 }, { results, status })
    assert.truthy(message:find("team/project", 1, true))
    assert.same({ 1, 1 }, in_part["team/project"].calls)
    assert.equal(1, #assert(weave.rejected(directory, { kind = "calls" })))
    assert.same({}, (assert(weave.rejected(directory, { kind = "feedback" }))))
    assert.equal(1, weave.export_rejected(directory, directory .. "/exported"))
    assert.equal(1, weave.retry_rejected(directory, { project = "team/project" }))
    assert.equal(17, select(3, weave.sync(directory, server)))
    assert.equal(1, weave.drop_rejected(directory))
    assert.equal(weave.encode(weave.array {}), weave.encode(weave.rejected(directory)))
  end)

  it("is sent elsewhere when that is said", function()
    local directory = logged("op")
    local settings = { destinations = { ["team/project"] = "team/elsewhere" }, project = "team/project" }
    for name, value in pairs(server) do settings[name] = value end
    assert.same({ 1, 0 }, assert(weave.sync(directory, settings))["team/project"].calls)
    local client = assert(weave.init("team/elsewhere", { offline_dir = directory, api_key = server.api_key,
      base_url = server.base_url, trace_server_url = server.trace_server_url }))
    local calls = assert(client:query("/calls/stream_query", { project_id = "team/elsewhere" }))
    assert.same({ "op" }, { calls[1].op_name })
    assert.equal(1, assert(client:query("/calls/query_stats", { project_id = "team/elsewhere" })).count)
    assert(weave.finish(30))
  end)

  it("stays as it is when there is no key", function()
    local results, message, status = weave.sync(logged("op"), { base_url = "http://127.0.0.1:9" })
    assert.same({ nil, 13 }, { results, status })
    assert.truthy(message:find("WANDB_API_KEY", 1, true))
  end)
end)

describe("settings that are no table", function()
  it("are a failure of each function", function()
    local client = helper.session()
    local answers = {
      { client:start("op", {}, "llm") }, { client:log_call("op", {}, 1, 5) },
      { weave.sync(client.offline_dir, "x") }, { weave.rejected(client.offline_dir, "calls") },
    }
    for _, answer in ipairs(answers) do
      assert.is_nil(answer[1])
      assert.matches("options: a %a+; give a table", answer[2])
    end
  end)
end)
