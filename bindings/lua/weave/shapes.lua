--- Owns what Lua has no value for and JSON needs: null, tables that are arrays although they are empty, JSON that is
--- text already.
local M = {}

local Array = { __jsontype = "array" } -- as dkjson marks its arrays
local Json = { __tostring = function(self) return self.text end }

M.null = setmetatable({}, { __tostring = function() return "null" end, __metatable = "weave.null" })

--- Marks a table as an array, which only an empty one needs.
function M.array(items) return setmetatable(items or {}, Array) end

--- Whether a table says of itself that it is an "array" or an "object".
function M.kind(value)
  local meta = getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__jsontype") or nil
end

--- JSON that is text already; the library checks it.
function M.json(text)
  assert(type(text) == "string", "weave.json takes a string")
  return setmetatable({ text = text }, Json)
end

function M.is_json(value) return getmetatable(value) == Json end

--- The null of lua-cjson and OpenResty is a pointer to nothing.
function M.is_null(value)
  return value == nil or rawequal(value, M.null)
    or (type(value) == "userdata" and (tostring(value) == "userdata: NULL" or tostring(value) == "userdata: (nil)"))
end

return M
