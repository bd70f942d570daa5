--- Owns the way to the shared library: declares its functions, finds it, checks its version. The module is its
--- namespace.
local ffi = require "ffi"

local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or "./"
local NAMES = { OSX = { "libweave.dylib" }, Windows = { "weave.dll" } }
local names = NAMES[ffi.os] or { "libweave.so.0", "libweave.so" }

local function readable(path)
  local file = io.open(path, "rb")
  if file then file:close() end
  return file ~= nil
end

local function declare()
  -- A state keeps what was declared, also when it loads this module again.
  if pcall(ffi.typeof, "weave_status") then return end
  local file = assert(io.open(here .. "weave.cdef", "rb"))
  ffi.cdef(file:read("*a"))
  file:close()
end

--- Where the library is looked for, in this order. WEAVE_LIBRARY is a decision, not a hint.
local function candidates()
  local given = os.getenv("WEAVE_LIBRARY")
  if given and given ~= "" then return { given } end
  for _, name in ipairs(names) do
    if readable(here .. name) then return { here .. name } end
  end
  return { here .. names[#names], unpack(names) }
end

--- Before 1.0 a minor version may change functions, afterwards only a major one.
local function check_version(path, library)
  local found = ffi.string(library.weave_version())
  local wanted = ("%d.%d."):format(ffi.C.WEAVE_VERSION_MAJOR, ffi.C.WEAVE_VERSION_MINOR)
  local alike = wanted:match("^0%.") and wanted or wanted:match("^%d+%.")
  if found:sub(1, #alike) ~= alike then
    error(("%s is version %s, and this package was written for %s%d; install the two together"):format(
      path, found, wanted, ffi.C.WEAVE_VERSION_PATCH), 0)
  end
end

local function open()
  local tried = {}
  for _, path in ipairs(candidates()) do
    local loaded, library = pcall(ffi.load, path)
    if not loaded then
      tried[#tried + 1] = ("%s (%s)"):format(path, library)
    elseif not pcall(function() return library.weave_version end) then
      tried[#tried + 1] = path .. " (another library of that name)"
    else
      check_version(path, library)
      return library
    end
  end
  error("the shared library of libweave cannot be loaded; build it and set WEAVE_LIBRARY to its path. Tried: "
    .. table.concat(tried, "; "), 0)
end

declare()
-- Whoever requires this module keeps the namespace, and with it the library, for as long as functions may be called.
return open()
