--- Offline tracing for W&B Weave from LuaJIT.
---
---     local weave = require "weave"
---     local client = assert(weave.init("team/project", { offline = true, offline_dir = "traces" }))
---     local answer = weave.op("answer", function(question) … end)
---     answer("Where is my order?")
---     assert(weave.finish())
---     assert(weave.sync("traces"))  -- later, where there is a network
---
--- Functions answer `nil, message, status` when they fail, status being a number of weave.h.
local ffi = require "ffi"
local C = require "weave.library"
local Client = require "weave.client"
local aftercare = require "weave.aftercare"
local current = require "weave.current"
local failure = require "weave.failure"
local reader = require "weave.reader"
local run = require "weave.run"
local shapes = require "weave.shapes"
local values = require "weave.values"

local M = { null = shapes.null, array = shapes.array, json = shapes.json, current_call = current.get }

for name, work in pairs(aftercare) do M[name] = work end

--- The session that ops log to.
local session

--- The version of the library that is loaded.
function M.version() return ffi.string(C.weave_version()) end

--- Opens the session that ops log to, and answers it. One that is open is finished first. Options are those of
--- README.md, times in seconds, and `on_error(message, status)`, which is told of failures that ops and scopes do not
--- return.
function M.init(project, options)
  local before = session
  local fine, message, status = M.finish()
  if not fine then before:report(message, status) end
  session, message, status = Client.open(project, options)
  return session, message, status
end

--- The session that ops log to, or nil.
function M.client() return session end

--- A function whose calls are logged: see docs/lua.md.
function M.op(name, work, options) return run.op(M.client, name, work, options) end

--- Brings everything to the disk for good, when not offline also to the server. The timeout is in seconds.
function M.flush(timeout)
  if session == nil then return true end
  return session:flush(timeout)
end

--- Flushes and closes the session.
function M.finish(timeout)
  local client = session
  session = nil
  if client == nil then return true end
  return client:finish(timeout)
end

--- The JSON text of a value, as it would be logged.
M.encode = failure.guarded(function(value) return (values.encode("value", value == nil and shapes.null or value)) end)

--- The value of a JSON text.
M.decode = failure.guarded(reader.decode)

return M
