-- The command of tests/suite/commands/README.md over the LuaJIT package.
local ffi = require "ffi"
local weave = require "weave"

ffi.cdef "int fork(void); int waitpid(int, int *, int); void _exit(int);"

local client
local calls = {}

local function given(json) return json ~= "" and weave.json(json) or nil end

--- Ends the program, whose line is none of the command.
local function refuse(what)
  io.stderr:write(what, "\n")
  os.exit(2)
end

local function call_of(name) return calls[name] or refuse("no such call: " .. name) end

local verbs = {}

function verbs.version() return weave.version() end

local SETTINGS = {
  offline_dir = tostring,
  source = tostring,
  attributes = weave.json,
  compress = function(value) return value == "true" end,
  disabled = function(value) return value == "true" end,
  max_file_size = tonumber,
}

function verbs.init(project, ...)
  local options, keys = { offline = true }, {}
  for _, setting in ipairs { ... } do
    local name, value = setting:match("^(.-)=(.*)$")
    if name == "filter" then return "unsupported" end
    local form = SETTINGS[name] or name == "redact" or refuse("no such setting: " .. setting)
    if name == "redact" then keys[#keys + 1] = value else options[name] = form(value) end
  end
  options.redact_keys = keys
  local message, status
  client, message, status = weave.init(project, options)
  if client then return client.project end
  return nil, message, status
end

function verbs.flush() return client:flush() end

function verbs.finish() return client:finish() end

function verbs.stats() return weave.encode(client:stats()) end

function verbs.log(op, inputs, output) return client:log_call(op, given(inputs), given(output)) end

function verbs.batch(list) return client:log_calls(given(list)) end

local function begin(name, ...)
  local call, message, status = client:start(...)
  calls[name] = call
  if call then return call.id end
  return nil, message, status
end

function verbs.start(name, op, inputs, parent)
  return begin(name, op, given(inputs), { parent = parent ~= "" and call_of(parent) })
end

verbs["end"] = function(name, output) return call_of(name):finish(given(output)) end

function verbs.fail(name, type, message) return call_of(name):set_exception { type = type, message = message } end

function verbs.usage(name, model, prompt, completion)
  return call_of(name):add_usage(model, tonumber(prompt), tonumber(completion))
end

function verbs.rename(name, text) return call_of(name):set_display_name(text) end

function verbs.context(name) return call_of(name):context() end

function verbs.adopt(name, op, line) return begin(name, op, nil, { parent_context = line }) end

function verbs.nest(depth)
  local ids = {}
  local function level(number)
    if number > tonumber(depth) then return end
    client:scope("level-" .. number, { level = number }, function(call)
      ids[number] = call.id
      level(number + 1)
      return number
    end)
  end
  level(1)
  return unpack(ids)
end

function verbs.raise(message)
  local inner = weave.op("inner", function() error(message, 0) end)
  weave.op("outer", function()
    assert(not pcall(inner))
    return "caught"
  end)()
  return true
end

function verbs.values()
  local deep = "bottom"
  for _ = 1, 100 do deep = { deep } end
  return client:log_call("values", {
    empty = { text = "", list = weave.array {}, object = {} },
    none = weave.null, yes = true, no = false,
    text = 'Zürich 東京 😀 "quoted" \\ /\t\1\127',
    nul = "a\0b",
    nan = 0 / 0, infinite = -math.huge,
    beyond_doubles = 9007199254740993LL,
    largest = 0x7fffffffffffffffLL, smallest = -0x7fffffffffffffffLL - 1, unsigned = 0xffffffffffffffffULL,
    half = 0.5, least = 5e-324,
    keys = { [""] = 1, ["with space"] = 2, ["ключ"] = 3 },
    deep = deep,
    long = ("x"):rep(1000000),
  })
end

function verbs.threads(count, each) return "unsupported" end

function verbs.fork(name)
  local child = ffi.C.fork()
  if child == 0 then
    local id = client:log_call("child", nil, nil, { parent = call_of(name) })
    ffi.C._exit(id and client:finish() and 0 or 1)
  end
  local status = ffi.new("int[1]")
  assert(ffi.C.waitpid(child, status, 0) == child and status[0] == 0)
  return true
end

function verbs.op(name, code) return client:create_op(name, code) end

function verbs.object(name, value) return client:create_object(name, given(value)) end

function verbs.table(rows) return client:create_table(given(rows)) end

function verbs.dataset(name, rows) return client:create_dataset(name, given(rows)) end

function verbs.row(dataset, row) return client:dataset_row_ref(dataset, given(row)) end

function verbs.file(name, bytes) return client:create_file(name, bytes) end

function verbs.image(format, bytes) return client:create_image(format, bytes) end

function verbs.audio(format, bytes) return client:create_audio(format, bytes) end

function verbs.content(filename, mimetype, bytes) return client:create_content(filename, mimetype, bytes) end

function verbs.note(target, text) return client:add_note(target, text) end

function verbs.reaction(target, emoji) return client:add_reaction(target, emoji) end

function verbs.feedback(target, type, payload) return client:add_feedback(target, type, given(payload)) end

function verbs.cost(model, prompt, completion) return client:add_cost(model, tonumber(prompt), tonumber(completion)) end

--- The answer of what gives a table, as JSON; so are the results that stand beside a failure.
local function json(value, message, status, results)
  if value ~= nil then return weave.encode(value) end
  if results ~= nil then return nil, message, status, weave.encode(results) end
  return nil, message, status
end

function verbs.sync(directory) return json(weave.sync(directory)) end

function verbs.clean(directory, days) return weave.clean(directory, tonumber(days)) end

function verbs.directory(directory) return json(weave.directory_stats(directory)) end

function verbs.rejected(directory) return json(weave.rejected(directory)) end

function verbs.verify(directory) return json(weave.verify(directory)) end

-- Lines

local function decoded(field)
  return (field:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function encoded(field)
  return (tostring(field):gsub("[%%\t\n\r%z]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local function print_line(...)
  local fields = {}
  for index = 1, select("#", ...) do fields[index] = encoded((select(index, ...))) end
  io.write(table.concat(fields, "\t"), "\n")
  io.flush()
end

local function answer(...)
  local value, message, status = ...
  if value == nil then return print_line("error", status, message, select(4, ...)) end
  if value == "unsupported" then return print_line(value) end
  if value == true then return print_line("ok") end
  return print_line("ok", ...)
end

for line in io.lines() do
  local fields = {}
  for field in (line .. "\t"):gmatch("(.-)\t") do fields[#fields + 1] = decoded(field) end
  local verb = verbs[fields[1]]
  local expected = verb and debug.getinfo(verb, "u")
  if not verb or (not expected.isvararg and expected.nparams ~= #fields - 1) then
    refuse("no such line: " .. line)
  end
  answer(verb(unpack(fields, 2)))
end
