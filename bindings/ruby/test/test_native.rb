# frozen_string_literal: true

require "helper"

class TestNative < WeaveTest
  OPEN = "puts Weave.version"

  def test_the_library_is_the_one_that_weave_library_names_and_no_other
    told, = program(OPEN, WEAVE_LIBRARY: "/nowhere/libweave.so")
    assert_includes told, "Tried: /nowhere/libweave.so ("
    refute_includes told, "libweave.so.0"
  end

  def test_every_place_that_was_tried_is_told
    told, = program(OPEN, WEAVE_LIBRARY: "", LD_LIBRARY_PATH: "")
    assert_includes told, "#{LIB}/libweave/libweave.so ("
    assert_includes told, "; libweave.so.0 ("
    assert_includes told, "set WEAVE_LIBRARY to its path"
  end

  def test_the_library_may_lie_beside_the_gem
    FileUtils.cp_r(LIB, @directory)
    FileUtils.cp(ENV["WEAVE_LIBRARY"], "#{@directory}/lib/libweave/libweave.so")
    assert_equal "0.1.0\n", program(OPEN, lib: "#{@directory}/lib", WEAVE_LIBRARY: "").first
  end

  def test_another_library_is_not_taken_for_it
    assert_includes program(OPEN, WEAVE_LIBRARY: "libc.so.6").first, "libc.so.6 (another library of that name)"
  end

  def test_another_version_of_the_library_is_refused
    told, = program("Weave.send(:remove_const, :VERSION); Weave::VERSION = '0.2.0'; #{OPEN}")
    assert_includes told, "is version 0.1.0, and this gem was written for 0.2.0; install the two together"
  end

  def test_an_op_without_a_session_needs_no_library
    assert_equal "ran\n", program("puts Weave.op('op') { 'ran' }", WEAVE_LIBRARY: "nowhere").first
  end

  def test_the_version_of_the_gem_is_that_of_the_header
    assert_includes File.read("#{ROOT}/include/weave.h"), "#define WEAVE_VERSION \"#{Weave::VERSION}\""
  end

  def test_every_function_is_declared_by_its_types
    functions = Weave::Declarations::FUNCTIONS
    assert_equal File.read("#{ROOT}/include/weave.cdef").scan(/ \*?weave_\w+\(/).size, functions.size
    assert_equal [[], Fiddle::TYPE_CONST_STRING], functions["weave_version"]
    assert_equal [[Fiddle::TYPE_UINTPTR_T, Fiddle::TYPE_DOUBLE], Fiddle::TYPE_INT32_T],
                 functions["weave_options_set_sample_rate"]
    assert_equal [[Fiddle::TYPE_UINTPTR_T, Fiddle::TYPE_CONST_STRING, Fiddle::TYPE_VOIDP, Fiddle::TYPE_PTRDIFF_T,
                   Fiddle::TYPE_UINTPTR_T], Fiddle::TYPE_INT32_T], functions["weave_file_create"]
    assert_equal [[Fiddle::TYPE_UINTPTR_T], Fiddle::TYPE_VOID], functions["weave_client_free"]
  end

  def test_the_statuses_have_their_names
    assert_equal [0, 10, 20], [Weave::Status::OK, Weave::Status::CLOSED, Weave::Status::PANIC]
  end

  def test_errors_of_threads_are_their_own
    session
    wrong = Queue.new
    %i[id trace_id].map do |field|
      Thread.new do
        200.times do
          Weave.client.start("op", nil, field => "no id")
        rescue Weave::Error => error
          wrong << error.message unless error.message.start_with?("#{field}:")
        end
      end
    end.each(&:join)
    assert_empty wrong
  end

  def test_an_error_of_any_length_is_whole
    error = refused(4) { Weave.init("#{"n" * 3000}/#{"m" * 3000}/z", offline: true, offline_dir: traces) }
    assert_operator error.message.size, :>, 3000
    assert_equal Encoding::UTF_8, error.message.encoding
  end
end
