local ffi = require "ffi"
local helper = require "test.helper"

local OPEN = "print(require('weave').version())"

--- A copy of the package in a folder of its own.
local function package_copy()
  local directory = helper.directory()
  os.execute(("cp -r weave.lua weave %s"):format(directory))
  return directory
end

describe("the library", function()
  it("is the one that WEAVE_LIBRARY names, and no other", function()
    local told = helper.program(OPEN, "WEAVE_LIBRARY=/nowhere/libweave.so")
    assert.truthy(told:find("Tried: /nowhere/libweave.so", 1, true))
    assert.falsy(told:find("libweave.so.0", 1, true))
  end)

  it("is looked for beside the package and in the system, and each place is told", function()
    local told = helper.program(OPEN, "WEAVE_LIBRARY= LD_LIBRARY_PATH=")
    assert.truthy(told:find("./weave/libweave.so (", 1, true))
    assert.truthy(told:find("; libweave.so.0 (", 1, true))
    assert.truthy(told:find("set WEAVE_LIBRARY to its path", 1, true))
  end)

  it("may lie beside the package", function()
    local directory = package_copy()
    os.execute(("cp %s %s/weave/libweave.so"):format(os.getenv("WEAVE_LIBRARY"), directory))
    assert.equal("0.1.0\n", helper.program(OPEN, ("WEAVE_LIBRARY= LUA_PATH='%s/?.lua'"):format(directory)))
  end)

  it("is refused when it is another library of that name", function()
    local told = helper.program(OPEN, "WEAVE_LIBRARY=libc.so.6")
    assert.truthy(told:find("libc.so.6 (another library of that name)", 1, true))
  end)

  it("is refused when it is of another version than the package", function()
    local directory = package_copy()
    os.execute(("sed -i 's/WEAVE_VERSION_MINOR = 1/WEAVE_VERSION_MINOR = 2/' %s/weave/weave.cdef"):format(directory))
    local told = helper.program(OPEN, ("LUA_PATH='%s/?.lua'"):format(directory))
    assert.truthy(told:find("is version 0.1.0, and this package was written for 0.2.0; install", 1, true))
  end)

  it("can be required again", function()
    package.loaded["weave.library"] = nil
    assert.equal("0.1.0", ffi.string(require("weave.library").weave_version()))
  end)
end)

describe("the rock", function()
  local rock = setfenv(assert(loadfile("weave-0.1.0-1.rockspec")), {})
  local spec = getfenv(rock)
  rock()

  it("has every module", function()
    local listed = 0
    for name, path in pairs(spec.build.modules) do
      assert.equal(path, name:gsub("%.", "/") .. ".lua")
      listed = listed + 1
    end
    assert.equal(listed - 1, tonumber(io.popen("ls weave/*.lua | wc -l"):read("*a")))
  end)

  it("has the version of the library", function()
    assert.equal(ffi.string(require("weave.library").weave_version()), (spec.version:gsub("%-%d+$", "")))
  end)
end)
