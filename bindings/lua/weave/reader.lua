--- Owns the way from JSON text to values of Lua: what syncs, counters and servers answer.
---
--- Objects and arrays are tables, arrays marked as such; null is `weave.null`. Whole numbers from 2^53 on are int64_t
--- or uint64_t of the FFI where they fit, so that they compare and print exactly.
local ffi = require "ffi"
local C = require "weave.library"
local failure = require "weave.failure"
local shapes = require "weave.shapes"

local M = {}

local DEEPEST = 1000
local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local LITERALS = { ["true"] = true, ["false"] = false, null = shapes.null }

local function wrong(text, at)
  local found = at > #text and "the end" or ("%q"):format(text:sub(at, at + 15))
  failure.raise(C.WEAVE_INVALID_JSON, ("not JSON at byte %d: %s"):format(at, found))
end

--- The bytes of a code point in UTF-8.
local function utf8(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then return string.char(0xC0 + math.floor(code / 0x40), 0x80 + code % 0x40) end
  if code < 0x10000 then
    return string.char(0xE0 + math.floor(code / 0x1000), 0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
  end
  return string.char(0xF0 + math.floor(code / 0x40000), 0x80 + math.floor(code / 0x1000) % 0x40,
    0x80 + math.floor(code / 0x40) % 0x40, 0x80 + code % 0x40)
end

--- What stands at an escape `\uXXXX`, and the place behind it. Half of a pair alone becomes U+FFFD.
local function code_point(text, at)
  local digits = text:match("^%x%x%x%x", at + 2) or wrong(text, at)
  local code = tonumber(digits, 16)
  if code < 0xD800 or code > 0xDFFF then return utf8(code), at + 6 end
  local low = code < 0xDC00 and tonumber(text:match("^\\u([dD][c-fC-F]%x%x)", at + 6) or "", 16)
  if not low then return utf8(0xFFFD), at + 6 end
  return utf8(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), at + 12
end

--- The text that begins behind the quote before `at`, and the place behind its end.
local function read_text(text, at)
  local stop = text:find('["\\%c]', at) or #text + 1
  if text:sub(stop, stop) == '"' then return text:sub(at, stop - 1), stop + 1 end
  local parts = {}
  while true do
    parts[#parts + 1] = text:sub(at, stop - 1)
    local mark = text:sub(stop, stop)
    if mark == '"' then return table.concat(parts), stop + 1 end
    if mark == "\127" then -- %c has it too, and JSON allows it
      parts[#parts + 1], at = mark, stop + 1
    elseif mark ~= "\\" then
      wrong(text, stop)
    elseif text:sub(stop + 1, stop + 1) == "u" then
      parts[#parts + 1], at = code_point(text, stop)
    else
      parts[#parts + 1] = ESCAPES[text:sub(stop + 1, stop + 1)] or wrong(text, stop)
      at = stop + 2
    end
    stop = text:find('["\\%c]', at) or #text + 1
  end
end

--- A whole number that a double does not keep, exactly where 64 bits do.
local function whole(digits)
  local sign, figures = digits:match("^(-?)(%d+)$")
  local limit = sign == "-" and "9223372036854775808" or "18446744073709551615"
  if #figures > #limit or (#figures == #limit and figures > limit) then return tonumber(digits) end
  local value = 0ULL
  for figure in figures:gmatch("%d") do value = value * 10 + tonumber(figure) end
  if sign == "-" then return -ffi.cast("int64_t", value) end
  return value < 2ULL ^ 63 and ffi.cast("int64_t", value) or value
end

local function read_number(text, at)
  local digits = text:match("^-?0", at)
  if not digits or text:find("^%d", at + #digits) then digits = text:match("^-?[1-9]%d*", at) or wrong(text, at) end
  local rest = at + #digits
  local fraction = text:match("^%.%d+", rest) or ""
  local exponent = text:match("^[eE][+-]?%d+", rest + #fraction) or ""
  local number = tonumber(digits .. fraction .. exponent)
  local is_exact = fraction ~= "" or exponent ~= "" or (number > -2 ^ 53 and number < 2 ^ 53)
  return is_exact and number or whole(digits), rest + #fraction + #exponent
end

local read

--- The place of the next thing that is no space.
local function skip(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

--- Reads what stands between `at` and `close` with commas between, by `item`, which answers the place behind one.
local function read_items(text, at, close, item)
  at = skip(text, at)
  if text:sub(at, at) == close then return at + 1 end
  while true do
    at = skip(text, item(at))
    local mark = text:sub(at, at)
    if mark == close then return at + 1 end
    if mark ~= "," then wrong(text, at) end
    at = skip(text, at + 1)
  end
end

local function read_array(text, at, depth)
  local items, count = shapes.array(), 0
  return items, read_items(text, at, "]", function(place)
    count = count + 1
    items[count], place = read(text, place, depth)
    return place
  end)
end

local function read_object(text, at, depth)
  local members = {}
  return members, read_items(text, at, "}", function(place)
    if text:sub(place, place) ~= '"' then wrong(text, place) end
    local name
    name, place = read_text(text, place + 1)
    place = skip(text, place)
    if text:sub(place, place) ~= ":" then wrong(text, place) end
    members[name], place = read(text, skip(text, place + 1), depth)
    return place
  end)
end

--- The value at a place, and the place behind it.
function read(text, at, depth)
  if depth > DEEPEST then wrong(text, at) end
  local mark = text:sub(at, at)
  if mark == '"' then return read_text(text, at + 1) end
  if mark == "{" then return read_object(text, at + 1, depth + 1) end
  if mark == "[" then return read_array(text, at + 1, depth + 1) end
  local word = text:match("^%l+", at)
  if word == nil then return read_number(text, at) end
  if LITERALS[word] == nil then wrong(text, at) end
  return LITERALS[word], at + #word
end

--- The value of a JSON text.
function M.decode(text)
  if type(text) ~= "string" then
    failure.raise(C.WEAVE_INVALID_ARGUMENT, ("text: a %s; give a string"):format(type(text)))
  end
  local value, at = read(text, skip(text, 1), 0)
  at = skip(text, at)
  if at <= #text then wrong(text, at) end
  return value
end

return M
