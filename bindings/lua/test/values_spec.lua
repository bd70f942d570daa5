local ffi = require "ffi"
local weave = require "weave"

local function fails(value) return select(2, weave.encode(value)), select(3, weave.encode(value)) end

describe("a value of Lua as JSON", function()
  it("is an array when its keys are 1 to n", function()
    assert.equal("[1,2,3]", weave.encode { 1, 2, 3 })
    assert.equal('[["a"],[]]', weave.encode { { "a" }, weave.array {} })
  end)

  it("is an object otherwise, the empty table included", function()
    assert.equal("{}", weave.encode {})
    assert.equal('{"a":{}}', weave.encode { a = {} })
    assert.same({ ["1"] = 1, ["3"] = 3 }, weave.decode(weave.encode { [1] = 1, [3] = 3 }))
    assert.same({ ["1"] = "x", name = "y" }, weave.decode(weave.encode { "x", name = "y" }))
    assert.same({ ["1"] = "x", name = "y" }, weave.decode(weave.encode(weave.array { "x", name = "y" })))
  end)

  it("keeps numbers apart that are keys", function()
    assert.same({ ["1700000000000001"] = "a", ["1700000000000002"] = "b", ["0.3"] = "c", ["0.30000000000000004"] = "d" },
      weave.decode(weave.encode { [1700000000000001] = "a", [1700000000000002] = "b", [0.3] = "c", [0.1 + 0.2] = "d" }))
  end)

  it("is no array with a gap where it is said to be one", function()
    local text = fails(weave.array { 1, nil, 3 })
    assert.matches("a gap", text)
  end)

  it("is what its metatable says, as in dkjson", function()
    assert.equal('{"1":"x"}', weave.encode(setmetatable({ "x" }, { __jsontype = "object" })))
    assert.equal("[]", weave.encode(setmetatable({}, { __jsontype = "array" })))
  end)

  it("is a whole number without a fraction, as far as doubles are exact", function()
    assert.equal("[0,-1,9007199254740992,-9007199254740992]", weave.encode { 0, -1, 2 ^ 53, -2 ^ 53 })
    assert.equal("[0.5,1e+300,5e-324]", weave.encode { 0.5, 1e300, 5e-324 })
  end)

  it("is exact for 64 bits of the FFI", function()
    assert.equal("[9223372036854775807,-9223372036854775808,18446744073709551615]",
      weave.encode { 0x7fffffffffffffffLL, -0x7fffffffffffffffLL - 1, 0xffffffffffffffffULL })
  end)

  it("is null for NaN, the infinities, weave.null and null pointers", function()
    assert.equal("[null,null,null,null,null]",
      weave.encode { 0 / 0, 1 / 0, -1 / 0, weave.null, ffi.cast("void *", nil) })
    assert.equal("null", weave.encode(nil))
  end)

  it("is null for the null of lua-cjson, where that is there", function()
    local found, cjson = pcall(require, "cjson")
    if not found then return pending("lua-cjson is not installed") end
    assert.equal("[null]", weave.encode { cjson.null })
  end)

  it("keeps every byte of a text, NUL included", function()
    assert.equal([["\u0000\u0001\t\"\\/]] .. "\127ü東😀" .. '"', weave.encode "\0\1\t\"\\/\127ü東😀")
    assert.equal(1000002, #weave.encode(("x"):rep(1000000)))
  end)

  it("is the text itself for JSON that is text already", function()
    assert.equal('{"a":{"b": [1.0]}}', weave.encode { a = weave.json '{"b": [1.0]}' })
  end)

  it("is what tostring shows where JSON has nothing", function()
    assert.truthy(weave.encode(print):find('^"function: '))
  end)

  it("may be nested deep", function()
    local deep = "bottom"
    for _ = 1, 100 do deep = { deep } end
    assert.equal(("["):rep(100) .. '"bottom"' .. ("]"):rep(100), weave.encode(deep))
  end)
end)

describe("a value that cannot be JSON is told with its place:", function()
  it("a table that contains itself", function()
    local circle = { list = {} }
    circle.list[1] = circle
    local message, status = fails(circle)
    assert.equal("value.list[1]: contains itself; cut the circle", message)
    assert.equal(3, status)
  end)

  it("a table that stands in two places is no circle", function()
    local shared = { 1 }
    assert.equal("[[1],[1]]", weave.encode { shared, shared })
  end)

  it("nesting without an end", function()
    local deep = {}
    for _ = 1, 100000 do deep = { deep } end
    local message, status = fails(deep)
    assert.truthy(message:find("nested too deep", 1, true))
    assert.equal(6, status)
  end)

  it("a text that is not UTF-8", function()
    local message, status = fails { a = { "fine", "\255" } }
    assert.truthy(message:find("value.a[2]: not UTF-8", 1, true))
    assert.equal(2, status)
    assert.equal(2, select(2, fails { ["\255"] = 1 }))
  end)

  it("JSON that is none", function()
    local message, status = fails { a = weave.json "{" }
    assert.truthy(message:find("value.a: not JSON", 1, true))
    assert.equal(3, status)
  end)

  it("keys that would fall together, hold a NUL or are no texts", function()
    assert.truthy(fails { [10] = 1, ["10"] = 2 }:find("has 10 as a number and as a string", 1, true))
    assert.truthy(fails { ["a\0b"] = 1 }:find("NUL", 1, true))
    assert.truthy(fails { [true] = 1 }:find("a boolean as a key", 1, true))
  end)
end)
