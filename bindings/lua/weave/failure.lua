--- Owns failures. Inside the package they are raised; `guarded` makes `nil, message, status` of them, the form in which
--- users of Lua expect them.
local ffi = require "ffi"
local C = require "weave.library"

local M = {}
local Failure = {}

--- Raises a failure, whose further values stand behind `nil, message, status`.
function M.raise(status, message, ...)
  error(setmetatable({ status = status, message = message, ... }, Failure), 0)
end

--- The text of the last failure. It belongs to the thread of the system, which runs nothing else between.
function M.last_error(status)
  local capacity = 1024
  while true do
    local buffer = ffi.new("char[?]", capacity)
    local length = tonumber(C.weave_last_error(buffer, capacity))
    if length == 0 then return ffi.string(C.weave_status_text(status)) end
    if length < capacity then return ffi.string(buffer, length) end
    capacity = length + 1
  end
end

--- Raises what a function answered, unless it is success.
function M.check(status, ...)
  if status ~= 0 then M.raise(status, M.last_error(status), ...) end
end

--- A text as C takes it; nil stays nil. A NUL would cut it in silence, so it is refused.
function M.text(value, field)
  if value == nil then return nil end
  if type(value) ~= "string" then
    M.raise(C.WEAVE_INVALID_ARGUMENT, ("%s: a %s; give a string"):format(field, type(value)))
  end
  if value:find("\0", 1, true) then
    M.raise(C.WEAVE_INVALID_ARGUMENT, field .. ": holds a NUL character; leave it out")
  end
  return value
end

--- A table of settings; an empty one of nil.
function M.settings(given)
  if given == nil then return {} end
  if type(given) ~= "table" then
    M.raise(C.WEAVE_INVALID_ARGUMENT, ("options: a %s; give a table"):format(type(given)))
  end
  return given
end

--- A whole number that fits where C takes it, between two bounds.
function M.whole(value, field, least, most)
  if type(value) ~= "number" or value ~= math.floor(value) or value < least or value > most then
    M.raise(C.WEAVE_INVALID_ARGUMENT,
      ("%s: %s; give a whole number from %.0f to %.0f"):format(field, tostring(value), least, most))
  end
  return value
end

local function returned(fine, failure, ...)
  if fine then return failure, ... end
  if getmetatable(failure) ~= Failure then error(failure, 0) end
  return nil, failure.message, failure.status, unpack(failure)
end

--- The function with its failures returned as `nil, message, status`; other errors go on.
function M.guarded(run)
  return function(...) return returned(pcall(run, ...)) end
end

return M
