rockspec_format = "3.0"
package = "weave"
version = "0.1.0-1"
source = { url = "git+https://github.com/libweave/libweave.git", tag = "v0.1.0", dir = "libweave/bindings/lua" }
description = {
  summary = "Offline tracing for W&B Weave: log without a network, sync later",
  detailed = "A LuaJIT package over the shared library of libweave, which it loads by the FFI. See docs/lua.md.",
  license = "Apache-2.0",
}
dependencies = { "lua == 5.1" } -- LuaJIT, which has the FFI
build = {
  type = "builtin",
  modules = {
    weave = "weave.lua",
    ["weave.aftercare"] = "weave/aftercare.lua",
    ["weave.answer"] = "weave/answer.lua",
    ["weave.call"] = "weave/call.lua",
    ["weave.client"] = "weave/client.lua",
    ["weave.current"] = "weave/current.lua",
    ["weave.failure"] = "weave/failure.lua",
    ["weave.library"] = "weave/library.lua",
    ["weave.options"] = "weave/options.lua",
    ["weave.reader"] = "weave/reader.lua",
    ["weave.run"] = "weave/run.lua",
    ["weave.shapes"] = "weave/shapes.lua",
    ["weave.values"] = "weave/values.lua",
  },
  install = { lua = { ["weave.weave"] = "weave/weave.cdef" } },
}
