local helper = require "test.helper"
local weave = require "weave"

describe("handles", function()
  it("are released when nothing refers to them, in any order, and calls keep their session", function()
    for _ = 1, 5 do
      local call = assert(helper.session():start("op"))
      weave.finish()
      collectgarbage()
      assert.equal(10, select(3, call:finish()))
    end
    collectgarbage()
    local client = helper.session()
    for _ = 1, 500 do client:start("open") end
    collectgarbage()
    assert.equal(500, #helper.records(helper.calls(client) and client.offline_dir, "calls"))
  end)

  it("survive a collector that runs all the time", function()
    local told = helper.program([[
      local weave = require "weave"
      collectgarbage("setpause", 1)
      collectgarbage("setstepmul", 100000)
      local client = assert(weave.init("p", { offline = true, offline_dir = os.tmpname() .. "-traces" }))
      local inner = weave.op("inner", function(text) return { text, { text } } end)
      local outer = weave.op("outer", function(n) collectgarbage() return inner(("x"):rep(n)) end)
      for n = 1, 300 do outer(n) end
      for n = 1, 200 do assert(weave.decode(assert(weave.encode(client:stats())))) end
      client:finish()
      assert(not client:log_call("late"))
      print(client:stats().packed >= 600)]])
    assert.equal("true\n", told)
  end)

  it("are released at the end of the program, which loses nothing", function()
    local directory = helper.directory()
    helper.program(([[
      local weave = require "weave"
      local client = assert(weave.init("p", { offline = true, offline_dir = %q, compress = false }))
      local call = assert(client:start("open"))
      for n = 1, 100 do assert(client:log_call("op", { n = n })) end]]):format(directory))
    assert(weave.init("p", { offline = true, offline_dir = directory, compress = false }))
    weave.finish()
    assert.equal(101, #helper.records(directory, "calls"))
  end)

  it("go on in a child of fork", function()
    local directory = helper.directory()
    local told = helper.program(([[
      local ffi = require "ffi"
      ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"
      local weave = require "weave"
      local client = assert(weave.init("p", { offline = true, offline_dir = %q, compress = false }))
      local parent = assert(client:start("parent"))
      local child = ffi.C.fork()
      if child == 0 then
        local id = client:log_call("child", nil, nil, { parent = parent })
        ffi.C._exit(id and client:flush() and 0 or 1)
      end
      local status = ffi.new("int[1]")
      ffi.C.waitpid(child, status, 0)
      assert(parent:finish() and client:finish())
      print(parent.id, status[0])]]):format(directory))
    local calls = {}
    for _, data in ipairs(helper.records(directory, "calls")) do calls[data.op_name] = data end
    assert.equal(calls.parent.id .. "\t0\n", told)
    assert.equal(calls.parent.id, calls.child.parent_id)
  end)

  it("of a session that is replaced are finished", function()
    local first = helper.session()
    helper.session()
    assert.equal(10, select(3, first:flush()))
  end)
end)
