--- Owns what functions of the library answer by their last argument, a place for a text, an id or a count:
---
---     local place = answer.Text()
---     return answer.text(C.weave_stats(handle, place), place)
---
--- Each call has a place of its own: a finalizer of the program may log between a call and the reading of its place.
local ffi = require "ffi"
local C = require "weave.library"
local failure = require "weave.failure"

local M = { Text = ffi.typeof("char *[1]"), Count = ffi.typeof("uint64_t[1]") }

local Id = ffi.typeof("char[?]")

function M.Id() return Id(C.WEAVE_ID_SIZE) end

--- The text at a place, which is freed; nil when none was left there.
function M.taken(place)
  if place[0] == nil then return nil end
  local copy = ffi.string(place[0])
  C.weave_string_free(place[0])
  return copy
end

function M.text(status, place)
  failure.check(status)
  return M.taken(place)
end

function M.id(status, place)
  failure.check(status)
  return ffi.string(place)
end

function M.count(status, place)
  failure.check(status)
  return tonumber(place[0])
end

return M
