"""What docs/platforms.md says of systems, and what the library asks of them."""
import re

from harness import ROOT, run


def test_the_library_asks_for_no_later_glibc_than_the_page_says(library):
    said = re.search(r"no later version of glibc than (\d+)\.(\d+)", (ROOT / "docs/platforms.md").read_text())
    symbols = run(["objdump", "-T", library]).stdout
    # A weak symbol (w) is done without where it is missing.
    asked = re.findall(r"^\S+ (?!\s*w).*\bGLIBC_(\d+)\.(\d+)", symbols, re.MULTILINE)
    assert asked and max((int(major), int(minor)) for major, minor in asked) <= (int(said[1]), int(said[2]))
