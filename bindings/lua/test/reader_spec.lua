local weave = require "weave"

local function same(expected, text) assert.same(expected, (assert(weave.decode(text)))) end

describe("JSON text as a value of Lua", function()
  it("has literals, null as weave.null", function()
    same({ true, false, weave.null }, "[true,false,null]")
    assert.equal(weave.null, weave.decode " null ")
  end)

  it("has objects and arrays, which stay what they are when they are encoded again", function()
    same({ a = { { b = {} } } }, ' { "a" :\r\n\t[ { "b" : { } } ] } ')
    assert.equal('{"a":[]}', weave.encode(weave.decode '{"a":[]}'))
    assert.equal('{"a":{}}', weave.encode(weave.decode '{"a":{}}'))
  end)

  it("is a failure for what is no text", function()
    assert.matches("text: a nil", select(2, weave.decode(nil)))
  end)

  it("takes the last of equal keys", function() same({ a = 2, [""] = 3 }, '{"a":1,"a":2,"":3}') end)

  it("has every form of a number", function()
    same({ 0, -1, 12.5, -0.5, 1e3, 2.5e-3, 1E+2, 5e-324 }, "[0,-1,12.5,-0.5,1e3,2.5e-3,1E+2,5e-324]")
  end)

  it("keeps whole numbers of 64 bits exact", function()
    same({ 2 ^ 53 - 1, 9007199254740993LL, 0x7fffffffffffffffLL, -0x7fffffffffffffffLL - 1, 0xffffffffffffffffULL },
      "[9007199254740991,9007199254740993,9223372036854775807,-9223372036854775808,18446744073709551615]")
    same({ 18446744073709551616, -9223372036854775809 }, "[18446744073709551616,-9223372036854775809]")
    assert.equal("9007199254740993", weave.encode(weave.decode "9007199254740993"))
  end)

  it("has every escape and every character", function()
    same('"\\/\b\f\n\r\t', [["\"\\\/\b\f\n\r\t"]])
    same("\0é東😀", [["\u0000\u00e9\u6771\ud83d\uDE00"]])
    same("ü東😀\127", '"ü東😀\127"')
  end)

  it("has U+FFFD for halves of a pair", function()
    same("\239\191\189x", [["\ud800x"]])
    same("\239\191\189", [["\udc00"]])
    same("\239\191\189\239\191\189", [["\ud800\ud800"]])
    same("\239\191\189A", [["\ud800\u0041"]])
  end)

  it("may be nested deep, but not without an end", function()
    assert.truthy(weave.decode(("["):rep(500) .. ("]"):rep(500)))
    assert.equal(3, select(3, weave.decode(("["):rep(100000))))
  end)
end)

describe("what is no JSON is refused with its place:", function()
  for _, text in ipairs { "", " ", "[", "]", "[1,]", "[,1]", "[1 2]", "{", "{}}", '{"a"}', '{"a":}', '{"a":1,}', 
    "{a:1}", '{1:2}', "01", "-", "+1", ".5", "1.", "1e", "0x10", "1_0", "nan", "NaN", "Infinity", "tru", "truee", "nil",
    "'a'", '"', '"a', '"\\', '"\\x"', '"\\u12"', '"\\u12g4"', '"a\nb"', '"\0"', "[1]x", "\239\187\191[]", "--1", "-01" } do
    it(("%q"):format(text), function()
      local value, message, status = weave.decode(text)
      assert.is_nil(value)
      assert.truthy(message:find("not JSON at byte %d+"))
      assert.equal(3, status)
    end)
  end
end)
