--- Owns which call runs where: each coroutine has its own, and begins without one.
local M = {}

--- Stands for the main thread of a state, for which Lua 5.1 has no name.
local MAIN = {}
local calls = setmetatable({}, { __mode = "k" })

local function here() return coroutine.running() or MAIN end

--- The call that runs here, or nil.
function M.get() return calls[here()] end

--- Makes a call the one that runs here, and answers the one that did.
function M.set(call)
  local place = here()
  local before = calls[place]
  calls[place] = call
  return before
end

return M
