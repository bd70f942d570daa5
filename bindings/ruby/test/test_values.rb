# frozen_string_literal: true

require "helper"

class TestValues < WeaveTest
  def json(value)
    Weave::Values.encode("value", value).first
  end

  # What is stored of a value.
  def stored(value)
    session.log_call("op", { value: value })
    calls["op"]["inputs"]["value"]
  end

  def test_plain_values_are_those_of_the_standard_library
    assert_equal '{"a":[1,2.5,"x",true,false,null]}', json({ "a" => [1, 2.5, "x", true, false, nil] })
    assert_nil json(nil)
  end

  def test_symbols_and_other_keys_are_texts
    assert_equal '{"key":"value","1":2,"":3}', json({ key: :value, 1 => 2, nil => 3 })
  end

  def test_whole_numbers_of_any_size_are_exact
    assert_equal "[9007199254740993,18446744073709551615,-170141183460469231731687303715884105728]",
                 json([2**53 + 1, 2**64 - 1, -2**127])
  end

  def test_what_json_has_no_numbers_for_is_null
    assert_equal [nil, nil, nil, 5e-324], stored([Float::NAN, Float::INFINITY, -Float::INFINITY, 5e-324])
  end

  def test_times_are_iso_8601_with_their_fraction_and_zone
    fraction = Rational(123_456_789, 10**9)
    assert_equal '"2026-01-31T12:00:00.123456+02:00"', json(Time.new(2026, 1, 31, 12, 0, fraction, "+02:00"))
    assert_equal '"1970-01-01T00:00:00.000000+00:00"', json(Time.at(0).utc)
  end

  def test_structs_are_objects
    assert_equal '{"x":1,"y":[{"x":2,"y":null}]}', json(Struct.new(:x, :y).new(1, [Struct.new(:x, :y).new(2)]))
  end

  def test_a_class_of_structs_or_hashes_with_a_form_of_its_own_has_that
    hidden = '"HIDDEN"'
    struct = Struct.new(:secret) { define_method(:to_json) { |*| hidden } }
    hash = Class.new(Hash) { define_method(:to_json) { |*| hidden } }
    assert_equal "[#{hidden},#{hidden}]", json([struct.new("pw"), hash.new])
  end

  def test_json_that_is_text_already_stays_as_it_stands
    assert_equal '{"a":{"b": 1.0}}', json({ a: Weave.json('{"b": 1.0}') })
    assert_equal '{"b": 1.0}', json(Weave.json('{"b": 1.0}'))
  end

  def test_a_class_with_a_form_of_its_own_has_that
    own = Class.new { def to_json(*) = '{"own":true}' }
    assert_equal '[{"own":true}]', json([own.new])
  end

  def test_other_values_are_what_they_show_as
    shown = Class.new { def to_s = "shown" }
    assert_equal '["shown","1/3"]', json([shown.new, Rational(1, 3)])
  end

  def test_texts_hold_every_character
    text = "a\0b Zürich 東京 😀 \"quoted\" \\ /\t\u0001\u007f"
    assert_equal text, stored(text)
  end

  def test_texts_of_other_encodings_are_those_of_utf8
    assert_equal '["Köln","Köln","Köln"]', json(["Köln".encode("ISO-8859-1"), "Köln".encode("UTF-16LE"), "Köln".b])
  end

  def test_a_text_that_is_not_utf8_is_told_with_its_field
    for text in ["\xff", "\xff".b, "Stra\xdfe".dup.force_encoding("UTF-8")]
      error = refused(2) { session.log_call("op", { text: [text] }) }
      assert_match(/\Ainputs: not UTF-8: "/, error.message)
    end
    assert_match(/\Aoutput: /, refused(2) { session.log_call("op", {}, "\xff") }.message)
    assert_match(/\Ainputs: /, refused(2) { session.log_call("op", { "\xff" => 1 }) }.message)
    refused(2) { session.log_call("op", { text: "\xff".dup.force_encoding("UTF-16LE") }) }
  end

  def test_a_value_may_be_nested_deep_but_not_without_an_end
    deep = 100.times.inject("bottom") { |inner, _| [inner] }
    assert_equal deep, stored(deep)
    circle = {}
    circle[:circle] = [circle]
    error = refused(6) { session.log_call("op", circle) }
    assert_equal "inputs: is nested too deep, or contains itself; make it flatter", error.message
    assert_equal "1", json(1), "a failure leaves nothing behind"
  end

  def test_a_class_whose_form_has_no_end_is_refused
    endless = Class.new { def to_json(*state) = to_json(*state) }
    refused(6) { json(endless.new) }
  end

  def test_json_with_a_nul_byte_is_refused
    assert_match(/\Ainputs: not JSON/, refused(3) { session.log_call("op", Weave.json("{}\0")) }.message)
  end

  def test_a_text_of_c_is_whole_or_refused
    client = session
    assert_match(/op_name: holds a NUL/, refused(1) { client.log_call("a\0b") }.message)
    assert_match(/op_name: a Integer; give a String/, refused(1) { client.log_call(5) }.message)
    assert_match(/op_name/, refused(2) { client.log_call("\xff") }.message)
    client.log_call(:symbol)
    assert_includes calls, "symbol"
  end
end
