--- Owns the way from values of Lua to JSON text, by the library's own builder.
---
--- A table whose keys are 1 to n is an array; every other one is an object, the empty one too. Numbers without a
--- fraction are whole numbers up to 2^53; int64_t and uint64_t of the FFI are exact. What JSON has no form for,
--- functions and userdata among it, is the text that `tostring` shows.
local ffi = require "ffi"
local C = require "weave.library"
local failure = require "weave.failure"
local shapes = require "weave.shapes"

local M = {}

--- The last whole number up to which every one is exact.
local EXACT = 2 ^ 53
--- Servers refuse what is deeper than some 150 levels; the library tells of that, this bound protects Lua's stack.
local DEEPEST = 1000

local Size = ffi.typeof("size_t[1]")

local put

--- How a place within a value is named: "inputs.documents[3].text".
local function place(trail)
  local names = { trail[1] }
  for index = 2, #trail do
    local key = trail[index]
    names[index] = type(key) == "number" and ("[%d]"):format(key) or "." .. key
  end
  return table.concat(names)
end

local function refuse(trail, status, what)
  failure.raise(status, place(trail) .. ": " .. what)
end

--- What the builder says of a value or key, with its place in front.
local function check(trail, status)
  if status ~= C.WEAVE_OK then refuse(trail, status, (failure.last_error(status):gsub("^%l+: ", ""))) end
end

--- The length of a table that is an array; nil of others.
local function length(value, trail)
  local kind, count = shapes.kind(value), #value
  if kind == "object" or (count == 0 and kind ~= "array") then return nil end
  local found, has_names = 0, false
  for key in pairs(value) do
    found, has_names = found + 1, has_names or type(key) ~= "number"
  end
  if found == count then return count end
  if kind == "array" and not has_names then
    refuse(trail, C.WEAVE_INVALID_JSON, "is an array with a gap; an item that is nothing is weave.null")
  end
  return nil
end

local function put_array(json, key, value, count, trail)
  check(trail, C.weave_json_open_array(json, key))
  local depth = #trail + 1
  for index = 1, count do
    trail[depth] = index
    put(json, nil, value[index], trail)
  end
  trail[depth] = nil
  check(trail, C.weave_json_close(json))
end

--- The decimal text of a number, which no other number has.
local function decimal(number)
  if number == math.floor(number) and math.abs(number) <= 2 ^ 53 then return ("%d"):format(number) end
  local short = ("%.14g"):format(number)
  return tonumber(short) == number and short or ("%.17g"):format(number)
end

--- A member's name as C takes it. A number is its decimal text, as in other encoders of JSON.
local function name_of(key, value, trail)
  if type(key) == "number" then
    local name = decimal(key)
    if rawget(value, name) ~= nil then
      refuse(trail, C.WEAVE_INVALID_JSON, ("has %s as a number and as a string; leave one out"):format(name))
    end
    return name
  end
  if type(key) ~= "string" then
    refuse(trail, C.WEAVE_INVALID_JSON, ("has a %s as a key; keys are strings or numbers"):format(type(key)))
  end
  if key:find("\0", 1, true) then
    refuse(trail, C.WEAVE_INVALID_JSON, "has a key with a NUL character; leave it out")
  end
  return key
end

local function put_object(json, key, value, trail)
  check(trail, C.weave_json_open_object(json, key))
  local depth = #trail + 1
  for member, item in pairs(value) do
    local name = name_of(member, value, trail)
    trail[depth] = name
    put(json, name, item, trail)
    trail[depth] = nil
  end
  check(trail, C.weave_json_close(json))
end

local function put_table(json, key, value, trail)
  if trail[value] then refuse(trail, C.WEAVE_INVALID_JSON, "contains itself; cut the circle") end
  if #trail > DEEPEST then refuse(trail, C.WEAVE_REJECTED, "is nested too deep; make it flatter") end
  trail[value] = true
  local count = length(value, trail)
  if count then
    put_array(json, key, value, count, trail)
  else
    put_object(json, key, value, trail)
  end
  trail[value] = nil
end

local function put_number(json, key, value)
  if value == math.floor(value) and value >= -EXACT and value <= EXACT then
    return C.weave_json_set_int(json, key, value)
  end
  return C.weave_json_set_double(json, key, value)
end

--- Adds a value to the builder. `trail` has the keys that lead to it, and the tables that are open around it as keys.
function put(json, key, value, trail)
  local kind = type(value)
  if kind == "string" then
    check(trail, C.weave_json_set_string(json, key, value, #value))
  elseif kind == "number" then
    check(trail, put_number(json, key, value))
  elseif kind == "boolean" then
    check(trail, C.weave_json_set_bool(json, key, value))
  elseif shapes.is_null(value) then
    check(trail, C.weave_json_set_null(json, key))
  elseif shapes.is_json(value) then
    check(trail, C.weave_json_set_json(json, key, value.text, #value.text))
  elseif kind == "table" then
    put_table(json, key, value, trail)
  elseif ffi.istype("int64_t", value) then
    check(trail, C.weave_json_set_int(json, key, value))
  elseif ffi.istype("uint64_t", value) then
    check(trail, C.weave_json_set_uint(json, key, value))
  else
    local fine, shown = pcall(tostring, value) -- which may be the program's own code
    check(trail, C.weave_json_set_string(json, key, fine and shown or kind, -1))
  end
end

--- The JSON text of a value; `field` is what it is for. The builder's own text is an array, with the value alone in it.
local function encoded(field, value)
  local json, size = C.weave_json_new_array(), Size()
  local fine, problem = pcall(put, json, nil, value, { field })
  local text = fine and ffi.string(C.weave_json_text(json, size) + 1, size[0] - 2)
  C.weave_json_free(json)
  return text or error(problem, 0)
end

--- The JSON text of a value and its length, as C takes them; nothing of nil.
function M.encode(field, value)
  if value == nil then return nil, 0 end
  local text = shapes.is_json(value) and value.text or encoded(field, value)
  return text, #text
end

--- The same of a list, which is one although it may be empty.
function M.encode_list(field, list)
  if type(list) == "table" and next(list) == nil then return "[]", 2 end
  return M.encode(field, list)
end

return M
