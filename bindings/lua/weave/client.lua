--- Owns a session for one project: everything that can be logged to it.
local ffi = require "ffi"
local C = require "weave.library"
local Call = require "weave.call"
local answer = require "weave.answer"
local current = require "weave.current"
local failure = require "weave.failure"
local options = require "weave.options"
local reader = require "weave.reader"
local run = require "weave.run"
local shapes = require "weave.shapes"
local values = require "weave.values"

local Client = {}
Client.__index = Client

local guarded, check, text = failure.guarded, failure.check, failure.text
local Text, Id, Count = answer.Text, answer.Id, answer.Count
local NewClient, NewCall = ffi.typeof("weave_client *[1]"), ffi.typeof("weave_call *[1]")

--- Opens a session for "project" or "entity/project".
Client.open = guarded(function(project, given)
  local settings = { source = (os.getenv("WEAVE_SOURCE") or "") == "" and "libweave-lua" or nil }
  for name, value in pairs(failure.settings(given)) do settings[name] = value end
  local on_error = settings.on_error
  settings.on_error = nil
  local place = NewClient()
  check(C.weave_init(text(project, "project"), options.settings(settings), place))
  local client = ffi.gc(place[0], C.weave_client_free)
  return setmetatable({
    handle = client,
    on_error = on_error or function(message) io.stderr:write("libweave: ", message, "\n") end,
    project = ffi.string(C.weave_client_project(client)),
    offline_dir = ffi.string(C.weave_client_offline_dir(client)),
  }, Client)
end)

--- Tells a failure of logging that nobody is there to be returned to.
function Client:report(message, status) pcall(self.on_error, message, status) end

-- Calls

--- The call around what is logged here, unless something is said of its parent.
local function around(self, given)
  given = failure.settings(given)
  if given.parent ~= nil or given.parent_context or given.parent_id then return nil end
  local call = current.get()
  return call and call.client == self and call or nil
end

--- Begins a call of an op: a name, or what create_op answered.
Client.start = guarded(function(self, op, inputs, given)
  local inputs_json, length = values.encode("inputs", inputs)
  local settings, place = options.call(given, around(self, given)), NewCall()
  check(C.weave_call_start(self.handle, text(op, "op"), inputs_json, length, settings, place))
  return Call.of(place[0], self)
end)

--- Runs a function as a call: what it returns is the output, an error is recorded and goes on.
function Client:scope(op, inputs, work, given) return run.scope(self, op, inputs, work, given) end

--- Logs a finished call in one go; its id.
Client.log_call = guarded(function(self, op, inputs, output, given)
  local inputs_json, inputs_length = values.encode("inputs", inputs)
  local output_json, output_length = values.encode("output", output)
  local place = Id()
  return answer.id(C.weave_log_call(self.handle, text(op, "op"), inputs_json, inputs_length, output_json,
    output_length, options.call(given, around(self, given)), place), place)
end)

--- Logs many finished calls, tables with the fields of a call; how many. All are checked before any is kept.
Client.log_calls = guarded(function(self, calls)
  local json, length = values.encode_list("calls", calls)
  local place = Count()
  return answer.count(C.weave_log_calls(self.handle, json, length, place), place)
end)

--- Gives a call another name to show, by its id.
Client.update_call = guarded(function(self, id, display_name)
  check(C.weave_call_update(self.handle, text(id, "id"), text(display_name, "display_name")))
  return true
end)

-- Ops, objects, files

--- Creates an op from its source text, in any language; its reference, which is the op of calls.
Client.create_op = guarded(function(self, name, source)
  local code = type(source) == "string" and source or text(source, "source")
  local place = Text()
  return answer.text(C.weave_op_create(self.handle, text(name, "name"), code, code and #code or 0, place), place)
end)

--- Creates a version of an object: any value under a name; its reference.
Client.create_object = guarded(function(self, name, value)
  local json, length = values.encode("value", value)
  local place = Text()
  return answer.text(C.weave_object_create(self.handle, text(name, "name"), json, length, place), place)
end)

--- Creates a table of rows; its reference.
Client.create_table = guarded(function(self, rows)
  local json, length = values.encode_list("rows", rows)
  local place = Text()
  return answer.text(C.weave_table_create(self.handle, json, length, place), place)
end)

--- Creates a version of a dataset: rows under a name; its reference.
Client.create_dataset = guarded(function(self, name, rows, description)
  local json, length = values.encode_list("rows", rows)
  local place = Text()
  return answer.text(C.weave_dataset_create(self.handle, text(name, "name"), text(description, "description"), json,
    length, place), place)
end)

--- The reference of a row of a dataset, for the inputs of calls.
Client.dataset_row_ref = guarded(function(self, dataset, row)
  local json, length = values.encode("row", row)
  local place = Text()
  return answer.text(C.weave_dataset_row_ref(self.handle, text(dataset, "dataset"), json, length, place), place)
end)

local function bytes(data)
  if type(data) ~= "string" then
    failure.raise(C.WEAVE_INVALID_ARGUMENT, ("data: a %s; give the bytes as a string"):format(type(data)))
  end
  return data, #data
end

--- Stores a file of 1 byte to 31 MiB; the digest by which values name it.
Client.create_file = guarded(function(self, name, data)
  local given, length = bytes(data)
  local place = Text()
  return answer.text(C.weave_file_create(self.handle, text(name, "name"), given, length, place), place)
end)

--- Stores an image ("png", "jpg" or "webp"); the value that stands for it.
Client.create_image = guarded(function(self, format, data)
  local given, length = bytes(data)
  local place = Text()
  return shapes.json(answer.text(C.weave_image_create(self.handle, text(format, "format"), given, length, place),
    place))
end)

--- Stores a sound ("wav" or "mp3"); the value that stands for it.
Client.create_audio = guarded(function(self, format, data)
  local given, length = bytes(data)
  local place = Text()
  return shapes.json(answer.text(C.weave_audio_create(self.handle, text(format, "format"), given, length, place),
    place))
end)

--- Stores any other content, such as "report.pdf" of "application/pdf"; the value that stands for it.
Client.create_content = guarded(function(self, filename, mimetype, data)
  local given, length = bytes(data)
  local place = Text()
  return shapes.json(answer.text(C.weave_content_create(self.handle, text(filename, "filename"),
    text(mimetype, "mimetype"), given, length, place), place))
end)

-- Feedback and costs. A target is a call, its id, or the reference of a call or object; answers are feedback ids.

local function target_of(target) return text(type(target) == "table" and target.id or target, "target") end

--- Adds a note of 1 to 1024 characters.
Client.add_note = guarded(function(self, target, note)
  local place = Id()
  return answer.id(C.weave_feedback_add_note(self.handle, target_of(target), text(note, "note"), place), place)
end)

--- Adds a reaction: exactly one emoji.
Client.add_reaction = guarded(function(self, target, emoji)
  local place = Id()
  return answer.id(C.weave_feedback_add_reaction(self.handle, target_of(target), text(emoji, "emoji"), place), place)
end)

--- Adds feedback of any type. May be given: `refs`, a table of what the type asks for, and `creator`.
Client.add_feedback = guarded(function(self, target, feedback_type, payload, given)
  given = given or {}
  local payload_json, payload_length = values.encode("payload", payload)
  local refs_json, refs_length = values.encode("refs", given.refs)
  local place = Id()
  return answer.id(C.weave_feedback_create(self.handle, target_of(target), text(feedback_type, "feedback_type"),
    payload_json, payload_length, refs_json, refs_length, text(given.creator, "creator"), place), place)
end)

--- Sets the prices of one token of a model. May be given: `effective_date`, `provider_id` and so on (weave.h).
Client.add_cost = guarded(function(self, model, prompt_token_cost, completion_token_cost, given)
  local json, length = values.encode("options", given)
  check(C.weave_cost_create(self.handle, text(model, "model"), options.number(prompt_token_cost, "prompt_token_cost"),
    options.number(completion_token_cost, "completion_token_cost"), json, length))
  return true
end)

-- The session itself

--- What became of the records that this process logged into the directory: the counters of weave_stats.
Client.stats = guarded(function(self)
  local place = Text()
  return reader.decode(answer.text(C.weave_stats(self.handle, place), place))
end)

--- Reads data of the server, with a request of the trace server's interface; a list of what a stream answers. Not
--- available offline.
Client.query = guarded(function(self, path, request)
  local json, length = values.encode("request", request)
  local place = Text()
  local told = answer.text(C.weave_query(self.handle, text(path, "path"), json, length, place), place)
  if not path:find("stream", 1, true) then return reader.decode(told) end
  local lines = shapes.array()
  for line in told:gmatch("[^\n]+") do lines[#lines + 1] = reader.decode(line) end
  return lines
end)

local function milliseconds(timeout)
  return timeout == nil and -1 or math.max(0, options.seconds(timeout, "timeout"))
end

--- Brings everything to the disk for good, when not offline also to the server. The timeout is in seconds; nil: none.
Client.flush = guarded(function(self, timeout)
  check(C.weave_flush(self.handle, milliseconds(timeout), nil))
  return true
end)

--- Flushes, and closes the session in any case: later work answers status 10. To finish again does nothing.
Client.finish = guarded(function(self, timeout)
  check(C.weave_finish(self.handle, milliseconds(timeout), nil))
  return true
end)

return Client
