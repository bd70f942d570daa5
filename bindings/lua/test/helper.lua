--- What the tests stand on: directories of their own, sessions in them, what these left on the disk, and the local
--- server.
local weave = require "weave"

local M = {}

local function read(command)
  local pipe = assert(io.popen(command, "r"))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

--- A new directory, which is left to the system.
function M.directory() return (read("mktemp -d"):gsub("\n", "")) end

function M.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end

--- What a program of the text prints, standard error included; variables as in "NAME=value".
function M.program(text, variables)
  local path = M.directory() .. "/program.lua"
  M.write(path, text)
  return (read(("env LUA_PATH='./?.lua;;' %s luajit %s 2>&1"):format(variables or "", path)))
end

--- A session in a directory of its own, whose data files are plain.
function M.session(options)
  local settings = { offline = true, offline_dir = M.directory(), compress = false }
  for name, value in pairs(options or {}) do settings[name] = value end
  return assert(weave.init("team/project", settings))
end

--- The data of what lies in the folder of a kind, in the order it was written.
function M.records(directory, kind)
  local found = {}
  for line in read(("cat %s/*/*/%s/*.jsonl 2>/dev/null"):format(directory, kind)):gmatch("[^\n]+") do
    found[#found + 1] = assert(weave.decode(line)).data
  end
  return found
end

--- The calls of a session, which is finished, by the names of their ops.
function M.calls(client)
  assert(client:finish())
  local found = {}
  for _, data in ipairs(M.records(client.offline_dir, "calls")) do
    local call = data.start or data
    found[call.op_name] = call
  end
  return found
end

--- The settings of a sync to a local server, which runs as long as this process holds its standard input.
function M.server(options)
  local directory = M.directory()
  local address = directory .. "/address"
  assert(os.execute("mkfifo " .. address) == 0)
  M.input = assert(io.popen(("exec ../../.venv-server/bin/python ../../tests/suite/serve.py %s %s >%s"):format(
    directory, options or "", address), "w"))
  local url = assert(io.lines(address)(), "the local server does not start: run `make test-deps`")
  return { api_key = ("k"):rep(40), base_url = url, trace_server_url = url }
end

return M
