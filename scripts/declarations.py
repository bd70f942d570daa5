#!/usr/bin/env python3
"""Makes weave.cdef of include/weave.h: its declarations without comments, attributes and preprocessor, one a line, as
LuaJIT's ffi.cdef, Python's cffi and their like take them. Packages that load it carry a copy."""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[1]
HEADER = ROOT / "include/weave.h"
PLACES = [ROOT / "include/weave.cdef", ROOT / "bindings/lua/weave/weave.cdef",
          ROOT / "bindings/ruby/lib/libweave/weave.cdef"]
HEAD = "/* Made by scripts/declarations.py from include/weave.h: do not edit. After a change there, run it. */\n"


def declarations(header):
    """The text of weave.cdef. What a function answers as an enum is a plain int32_t, which is how it is passed."""
    constants = re.findall(r"^#define (WEAVE_\w+) (\d+)$", header, re.MULTILINE)
    code = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    code = re.sub(r"^#ifdef __cplusplus\n.*?^#endif[^\n]*\n", "", code, flags=re.DOTALL | re.MULTILINE)
    code = re.sub(r"^#[^\n]*\n", "", code, flags=re.MULTILINE).replace("WEAVE_NODISCARD", "")
    code = re.sub(r"typedef (enum \{[^}]*\}) (\w+);", r"typedef int32_t \2; \1;", code)
    found = re.findall(r"[^;{]+(?:\{[^}]*\}[^;]*)?;", code)
    enums = [f"enum {{ {', '.join(f'{name} = {value}' for name, value in constants)} }};"]
    return HEAD + "\n".join(enums + [tidy(one) for one in found]) + "\n"


def tidy(declaration):
    """One declaration on one line."""
    line = " ".join(declaration.split())
    return re.sub(r",? \}", " }", line)


if __name__ == "__main__":
    text = declarations(HEADER.read_text())
    for place in PLACES:
        place.write_text(text)
