"""The list of licences that an archive carries (scripts/licenses.py): whole, and refused where something is not right."""
import re

import pytest
from harness import ROOT, run

SCRIPT = ROOT / "scripts/licenses.py"


@pytest.fixture
def package(tmp_path):
    """package(license, text) is the manifest of a program with one dependency that has them, or has them not."""
    def make(license, text):
        for name, more in ("app", '[dependencies]\npart = { path = "../part" }\n'), ("part", license):
            (tmp_path / name / "src").mkdir(parents=True)
            (tmp_path / name / "src/lib.rs").touch()
            (tmp_path / name / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "1.2.3"\n{more}')
        if text:
            (tmp_path / "part/LICENSE").write_text(text)
        run(["cargo", "generate-lockfile", "--offline"], cwd=tmp_path / "app")
        return tmp_path / "app/Cargo.toml"
    return make


def test_every_linked_package_is_listed():
    tree = run(["cargo", "tree", "--locked", "--edges=normal,no-proc-macro", "--prefix=none", "--format={p}"],
               cwd=ROOT).stdout
    linked = set(re.findall(r"^(\S+) v(\S+)", tree, re.MULTILINE))
    listed = set(re.findall(r"^(\S+) (\S+): .", run([SCRIPT]).stdout, re.MULTILINE))
    assert len(linked) > 30 and {name for name in linked - listed if name[0] != "libweave"} == set()


def test_the_text_of_a_licence_is_printed(package):
    printed = run([SCRIPT, package('license = "MIT OR Apache-2.0"', "Do as you like.")]).stdout
    assert "part 1.2.3: MIT OR Apache-2.0\n" in printed and "part (LICENSE):\n\nDo as you like.\n" in printed


@pytest.mark.parametrize("license, text, told", [
    ("", "Do as you like.", "part 1.2.3 names no licence\n"),
    ('license = "MIT"', None, "part 1.2.3 has no file with its licence\n"),
    ('license = "MIT OR GPL-3.0-only"', "Share alike.",
     "part 1.2.3 is under GPL-3.0-only, which is not accepted (ACCEPTED in scripts/licenses.py)\n"),
], ids=["none", "no text", "not accepted"])
def test_a_package_without_an_accepted_licence_is_refused(package, license, text, told):
    assert run([SCRIPT, package(license, text)], status=1).stderr == told
