--- Owns the places where functions of the library leave texts, ids and counts:
---
---     answer.text(C.weave_stats(handle, answer.to_text))
---
--- A state runs on one thread, and nothing of it runs while C does, so that one place for each kind is enough.
local ffi = require "ffi"
local C = require "weave.library"
local failure = require "weave.failure"

local M = {
  to_text = ffi.new("char *[1]"),
  to_id = ffi.new("char[?]", C.WEAVE_ID_SIZE),
  to_count = ffi.new("uint64_t[1]"),
}

--- The text that was left, which is freed; nil when none was.
function M.taken()
  local text = M.to_text[0]
  if text == nil then return nil end
  local copy = ffi.string(text)
  C.weave_string_free(text)
  M.to_text[0] = nil
  return copy
end

function M.text(status)
  failure.check(status)
  return M.taken()
end

function M.id(status)
  failure.check(status)
  return ffi.string(M.to_id)
end

function M.count(status)
  failure.check(status)
  return tonumber(M.to_count[0])
end

return M
