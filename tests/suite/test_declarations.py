"""weave.cdef, the declarations of the header for foreign function interfaces, and those that load it."""
import re
import runpy

import pytest
from harness import INCLUDE, LIBRARY, ROOT, has, run
from interface import functions

CDEF = INCLUDE / "weave.cdef"
SCRIPT = ROOT / "scripts/declarations.py"


def test_it_is_what_the_script_makes_of_the_header_in_every_place():
    script = runpy.run_path(str(SCRIPT))
    made = script["declarations"]((INCLUDE / "weave.h").read_text())
    stale = [str(place.relative_to(ROOT)) for place in script["PLACES"] if place.read_text() != made]
    assert stale == [], f"run {SCRIPT.relative_to(ROOT)} and commit what it makes"


def test_it_has_every_function_of_the_header():

    lines = re.findall(r"^((?!typedef)[^(]*?(weave_\w+)\([^()]*\);)$", CDEF.read_text(), re.MULTILINE)
    declared = {name: line for line, name in lines}
    assert len(declared) > 100
    for function in functions():
        inside = ", ".join(f"{kind} {name}".replace("* ", "*") for kind, name in function.parameters) or "void"
        assert declared.pop(function.name) == f"{function.result} {function.name}({inside});".replace("* ", "*")
    assert declared == {}


def test_it_has_every_number_of_the_header():
    header = (INCLUDE / "weave.h").read_text()
    numbers = re.findall(r"^ +(WEAVE_\w+) = (\d+),", header, re.MULTILINE)
    numbers += re.findall(r"^#define (WEAVE_\w+) (\d+)$", header, re.MULTILINE)
    assert len(numbers) > 25
    assert sorted(re.findall(r"(WEAVE_\w+) = (\d+)", CDEF.read_text())) == sorted(numbers)


def test_it_is_free_of_what_readers_of_declarations_do_not_know():
    text = CDEF.read_text()
    assert [word for word in ("#", "__", "extern", "//", "NODISCARD") if word in text] == []


@pytest.mark.skipif(not has("lua"), reason="no LuaJIT here")
def test_luajit_loads_it(library):
    program = f"""
        local ffi = require "ffi"
        ffi.cdef(io.open("{CDEF}"):read("*a"))
        local library = ffi.load("{library}")
        io.write(ffi.string(library.weave_version()), " ", ffi.C.WEAVE_ID_SIZE, " ", ffi.sizeof("weave_progress"))"""
    assert run(["luajit", "-e", program]).stdout == f"{version()} 40 40"


def test_cffi_loads_it(library):
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    ffi.cdef(CDEF.read_text())
    opened = ffi.dlopen(str(LIBRARY))
    assert ffi.string(opened.weave_version()).decode() == version()
    assert (opened.WEAVE_ID_SIZE, ffi.sizeof("weave_progress")) == (40, 40)
    assert [function.name for function in functions() if not hasattr(opened, function.name)] == []


def version():
    return re.search('WEAVE_VERSION "(.*)"', (INCLUDE / "weave.h").read_text())[1]
