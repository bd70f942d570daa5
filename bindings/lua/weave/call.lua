--- Owns a call that was started. It may be ended later, in another coroutine, and be a parent before and after that.
local ffi = require "ffi"
local C = require "weave.library"
local answer = require "weave.answer"
local current = require "weave.current"
local failure = require "weave.failure"
local options = require "weave.options"
local values = require "weave.values"

local Call = {}
Call.__index = Call

local guarded, check, text = failure.guarded, failure.check, failure.text

--- The call behind a handle, which the garbage collector releases. It keeps its client, which it cannot end without.
function Call.of(handle, client)
  return setmetatable({
    handle = ffi.gc(handle, C.weave_call_free),
    client = client,
    id = ffi.string(C.weave_call_id(handle)),
    trace_id = ffi.string(C.weave_call_trace_id(handle)),
  }, Call)
end

--- What stands for a call that could not be started: its methods do nothing, so that a program runs the same without
--- it.
function Call.untraced(client)
  return setmetatable({ client = client, id = "", trace_id = "" }, Call)
end

--- A method of calls that are traced; true of others.
local function method(run)
  return guarded(function(self, ...)
    if self.handle == nil then return true end
    return run(self, ...)
  end)
end

--- Ends the call with its output. When this fails, the call stays open and can be ended again.
Call.finish = method(function(self, output)
  check(C.weave_call_end(self.handle, values.encode("output", output)))
  return true
end)

--- Says what failed: a message, or a table of type, message and traceback. The call is still to be ended.
Call.set_exception = method(function(self, exception)
  check(C.weave_call_set_exception(self.handle, options.exception(exception, "exception")))
  return true
end)

--- Merges a table into the call's summary. Usage and status are added at its end; computed values win.
Call.set_summary = method(function(self, summary)
  check(C.weave_call_set_summary(self.handle, values.encode("summary", summary)))
  return true
end)

--- Adds usage of the call itself: tokens that went in and came out, or a table with any keys that servers know or not.
--- It counts instead of a usage that the output names, and several add up.
Call.add_usage = method(function(self, model, usage, completion_tokens)
  if type(usage) == "table" then
    check(C.weave_call_add_usage_json(self.handle, text(model, "model"), values.encode("usage", usage)))
  else
    check(C.weave_call_add_usage(self.handle, text(model, "model"), options.count(usage, "prompt_tokens"),
      options.count(completion_tokens, "completion_tokens")))
  end
  return true
end)

--- Gives the call another name to show, also after its end.
Call.set_display_name = method(function(self, name)
  check(C.weave_call_set_display_name(self.handle, text(name, "name")))
  return true
end)

--- Sets when the call ended, in microseconds since 1970, for calls of the past.
Call.set_ended_at = method(function(self, at)
  check(C.weave_call_set_ended_at(self.handle, options.time(at, "ended_at")))
  return true
end)

--- The call as one line of text, to carry a parent to another process or machine (`parent_context`); "" when untraced.
function Call:context()
  return self.handle == nil and "" or ffi.string(C.weave_call_context(self.handle))
end

--- The reference of the call, for feedback and values; "" when untraced.
Call.ref = guarded(function(self)
  if self.handle == nil then return "" end
  local place = answer.Text()
  return answer.text(C.weave_call_ref(self.handle, place), place)
end)

local function restored(before, fine, ...)
  current.set(before)
  if not fine then error((...), 0) end
  return ...
end

--- Runs a function with the call as the parent of what is started in it; what it returns. The call is not ended.
function Call:run(run, ...)
  if self.handle == nil then return run(...) end
  return restored(current.set(self), pcall(run, ...))
end

return Call
