"""Puts the shared library into the wheel, and what it is made of into the source distribution.

The library is the one that WEAVE_LIBRARY names, else the one that is built in the checkout, else cargo builds it. A
source distribution has the Rust code in `core`."""
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
CORE = HERE / "core" if (HERE / "core").exists() else HERE.parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or CORE / "target")
NAME = "libweave.dylib" if sys.platform == "darwin" else "libweave.so"


def cargo(*arguments):
    """Runs cargo on the Rust code."""
    if not (CORE / "Cargo.toml").exists():
        sys.exit(f"There is no Rust code in {CORE}: set WEAVE_LIBRARY to a library that is built.")
    if shutil.which("cargo") is None:
        sys.exit("cargo is missing: install Rust (https://rustup.rs), or set WEAVE_LIBRARY to a library that is built.")
    subprocess.run(["cargo", *arguments], cwd=CORE, check=True)


def library():
    """The shared library to be packed."""
    if os.environ.get("WEAVE_LIBRARY"):
        return pathlib.Path(os.environ["WEAVE_LIBRARY"])
    built = CORE / TARGET / "release" / NAME
    if not built.exists():
        cargo("rustc", "--release", "--lib", "--crate-type", "cdylib", "--locked")
    return built


class WithLibrary(build_py):
    """The package's files, and the library beside them."""

    def run(self):
        super().run()
        if not self.editable_mode:
            shutil.copyfile(library(), pathlib.Path(self.build_lib) / "libweave" / NAME)


class Binary(Distribution):
    """Not for every platform: a shared library is no extension module, but as much bound to one."""

    def has_ext_modules(self):
        return True


class ForPlatform(bdist_wheel):
    """A wheel for every Python 3 of one platform."""

    def get_tag(self):
        return "py3", "none", super().get_tag()[2]


class WithCore(sdist):
    """A source distribution with the Rust code, as cargo packs it."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        cargo("package", "--no-verify", "--allow-dirty", "--quiet")
        (crate,) = (CORE / TARGET / "package").glob("libweave-*.crate")
        with tarfile.open(crate) as packed:
            packed.extractall(base_dir)
        os.rename(pathlib.Path(base_dir) / crate.stem, pathlib.Path(base_dir) / "core")


setup(distclass=Binary, cmdclass={"build_py": WithLibrary, "bdist_wheel": ForPlatform, "sdist": WithCore})
