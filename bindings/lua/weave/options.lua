--- Owns settings of sessions and syncs, and what a call is given: tables of Lua as the handles that C takes.
local ffi = require "ffi"
local C = require "weave.library"
local failure = require "weave.failure"
local values = require "weave.values"

local M = {}

--- A NUL-terminated text.
local function text(value, field) return failure.text(value, field) end

local function flag(value, field)
  if type(value) ~= "boolean" then
    failure.raise(C.WEAVE_INVALID_ARGUMENT, ("%s: %s; give true or false"):format(field, tostring(value)))
  end
  return value
end

local function json(value, field) return values.encode(field, value) end

--- Of an int32_t. What is out of the library's own range is told by the library.
local function small(value, field) return failure.whole(value, field, -2 ^ 31, 2 ^ 31 - 1) end

function M.count(value, field) return failure.whole(value, field, 0, 2 ^ 53) end

--- Microseconds since 1970 in UTC.
function M.time(value, field) return failure.whole(value, field, -2 ^ 53, 2 ^ 53) end

function M.number(value, field)
  if type(value) ~= "number" then
    failure.raise(C.WEAVE_INVALID_ARGUMENT, ("%s: %s; give a number"):format(field, tostring(value)))
  end
  return value
end

--- Seconds with fractions, as milliseconds.
function M.seconds(value, field)
  return failure.whole(math.floor(M.number(value, field) * 1000 + 0.5), field, -2 ^ 53, 2 ^ 53)
end

--- A message alone, or a table of type, message and traceback.
function M.exception(value, field)
  if type(value) ~= "table" then return nil, text(value, field), nil end
  return text(value.type, field .. ".type"), text(value.message, field .. ".message"),
    text(value.traceback, field .. ".traceback")
end

local count, number, time, seconds = M.count, M.number, M.time, M.seconds

-- Setting → its value as the arguments of weave_options_set_SETTING.
local SETTINGS = {
  offline = flag, disabled = flag, compress = flag, group_access = flag, close_interrupted = flag, insecure = flag,
  offline_dir = text, entity = text, source = text, journal = text, when_full = text, quota_policy = text,
  api_key = text, base_url = text, trace_server_url = text, ca_file = text, destination = text,
  attributes = json,
  sample_rate = number,
  max_file_size = count, journal_size = count, max_directory_size = count, max_sync_bytes = count,
  max_sync_rate = count, max_file_age = count, compression_level = small, sync_connections = small,
  durability_interval = seconds, block_limit = seconds, http_timeout = seconds, send_interval = seconds,
  open_call_age = seconds, max_sync_time = seconds, sync_wait = seconds,
}

local function step(value, field) return value == nil and -1 or time(value, field) end

local function run(value, field)
  return text(value.run, field), step(value.step, field), step(value.step_end, field)
end

--- A call, untraced ones among them, or false for none.
local function parent(value, field)
  if value == false then return nil end
  if type(value) ~= "table" or value.client == nil then
    failure.raise(C.WEAVE_INVALID_ARGUMENT, ("%s: %s; give a call, or false"):format(field, tostring(value)))
  end
  return value.handle
end

local CALL_SETTINGS = {
  parent = parent, parent_context = text, id = text, trace_id = text, parent_id = text, display_name = text,
  thread_id = text, turn_id = text, kind = text, attributes = json, summary = json, exception = M.exception,
  started_at = time, ended_at = time, wb_run = run,
}

--- Settings that may be given several times: setting → adds all of them to a handle.
local SEVERAL = {
  redact_keys = function(handle, keys)
    for _, key in ipairs(keys) do failure.check(C.weave_options_add_redact_key(handle, text(key, "redact_keys"))) end
  end,
  destinations = function(handle, destinations)
    for recorded, destination in pairs(destinations) do
      failure.check(C.weave_options_add_destination(handle, text(recorded, "destinations"),
        text(destination, "destinations")))
    end
  end,
}

local CALL_SEVERAL = {
  usage = function(handle, models)
    for model, usage in pairs(models) do
      failure.check(C.weave_call_options_add_usage_json(handle, text(model, "usage"), values.encode("usage", usage)))
    end
  end,
}

local function fill(handle, prefix, settings, several, given)
  for name, value in pairs(given) do
    local form = settings[name]
    if form then
      failure.check(C[prefix .. name](handle, form(value, name)))
    elseif several[name] and type(value) == "table" then
      several[name](handle, value)
    elseif several[name] then
      failure.raise(C.WEAVE_INVALID_ARGUMENT, ("%s: a %s; give a table"):format(name, type(value)))
    else
      failure.raise(C.WEAVE_INVALID_ARGUMENT, ("%s: there is no such option"):format(tostring(name)))
    end
  end
end

--- A `weave_options` that the garbage collector releases. What is not given is left to the environment and the
--- defaults.
function M.settings(given)
  local handle = ffi.gc(C.weave_options_new(), C.weave_options_free)
  fill(handle, "weave_options_set_", SETTINGS, SEVERAL, given)
  return handle
end

--- A `weave_call_options` likewise; nil when nothing is given.
function M.call(given, around)
  if given == nil and around == nil then return nil end
  local handle = ffi.gc(C.weave_call_options_new(), C.weave_call_options_free)
  if around then failure.check(C.weave_call_options_set_parent(handle, around.handle)) end
  fill(handle, "weave_call_options_set_", CALL_SETTINGS, CALL_SEVERAL, given or {})
  return handle
end

return M
