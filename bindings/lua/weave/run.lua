--- Owns functions that run as calls. Whatever goes wrong with logging is reported, and the function runs as it would
--- without.
local Call = require "weave.call"
local current = require "weave.current"
local shapes = require "weave.shapes"

local M = {}

--- What a function returned, as one value: several are an array.
local function output_of(...)
  local count = select("#", ...)
  if count < 2 then return (...) end
  local items = shapes.array { ... }
  for index = 1, count do
    if items[index] == nil then items[index] = shapes.null end
  end
  return items
end

--- Ends a call. An output that cannot be stored must not leave it open: its end tells why there is none.
local function finish(call, output, ...)
  local fine, problem, status = pcall(output, ...)
  if fine then
    fine, problem, status = call:finish(problem)
    if fine then return end
  end
  call.client:report(tostring(problem), status)
  call:finish({ not_logged = tostring(problem) })
end

--- The error as it was raised, and where.
local function seen(problem) return { problem = problem, traceback = debug.traceback("", 2):sub(2) } end

--- The exception that an error is shown as. One that is a table may say its type and message.
local function exception_of(failed)
  local problem = failed.problem
  local told = type(problem) == "table" and problem or {}
  local fine, shown = pcall(tostring, problem)
  return {
    type = type(told.type) == "string" and told.type or "error",
    message = type(told.message) == "string" and told.message or fine and shown or type(problem),
    traceback = failed.traceback,
  }
end

local function fail(call, failed)
  local exception = exception_of(failed)
  if not call:set_exception(exception) then -- bytes that are no text
    for name, value in pairs(exception) do exception[name] = value:gsub("[%z\128-\255]", "?") end
    call:set_exception(exception)
  end
  finish(call, output_of)
end

local function ended(call, before, output, fine, ...)
  if call.handle then current.set(before) end
  if fine then
    finish(call, output, ...)
    return ...
  end
  local failed = ...
  fail(call, failed)
  error(failed.problem, 0)
end

--- Runs `work` with the arguments as a call that was begun; `output` makes one value of what it returns.
local function run(call, output, work, ...)
  local before = call.handle and current.set(call)
  return ended(call, before, output, xpcall(work, seen, ...))
end

local function start(client, op, given, inputs, ...) return client:start(op, inputs(...), given) end

--- The call that a function runs as. Inputs that cannot be stored are replaced by the reason.
local function started(client, op, given, inputs, ...)
  local fine, call, message, status = pcall(start, client, op, given, inputs, ...)
  if fine and call then return call end
  local reason = fine and message or tostring(call)
  client:report(reason, status)
  return client:start(op, { not_logged = reason }, given) or Call.untraced(client)
end

local function as_given(inputs) return inputs end

--- Runs a function as a call, which it is given; what it returns.
function M.scope(client, op, inputs, work, given)
  local call = started(client, op, given, as_given, inputs)
  return run(call, output_of, work, call)
end

--- The names of a function's parameters, as far as its code has them.
local function parameters(work)
  local names = {}
  for index = 1, debug.getinfo(work, "u").nparams do names[index] = debug.getlocal(work, index) end
  return names
end

--- The arguments by the names of their parameters; those without one as "arg" and their place.
local function by_name(names, ...)
  local inputs = {}
  for index = 1, select("#", ...) do inputs[names[index] or "arg" .. index] = (select(index, ...)) end
  return inputs
end

--- A function whose calls are logged to the session that is open when it is called. May be given, beside what a call
--- is: `inputs` and `output`, functions that make what is recorded of the arguments and of what is returned.
function M.op(session, name, work, given)
  local names = parameters(work)
  local settings = {}
  for key, value in pairs(given or {}) do settings[key] = value end
  local inputs = settings.inputs or function(...) return by_name(names, ...) end
  local output = settings.output or output_of
  settings.inputs, settings.output = nil, nil
  return function(...)
    local client = session()
    if client == nil then return work(...) end
    return run(started(client, name, settings, inputs, ...), output, work, ...)
  end
end

return M
