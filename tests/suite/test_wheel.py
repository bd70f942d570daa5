"""What `pip` makes of bindings/python: a wheel that carries the library, and a source distribution that can make it."""
import json
import os
import platform
import re
import shutil
import sys
import tarfile
import zipfile

import pytest
from harness import LIBRARY, RELEASE, ROOT, client_environment, lines, run

PACKAGE = ROOT / "bindings/python"
VERSION = re.search('"(.*)"', (PACKAGE / "libweave/_version.py").read_text().splitlines()[-1])[1]
FILES = {f"libweave/{path.name}" for path in (PACKAGE / "libweave").iterdir() if path.suffix in (".py", ".pyi", ".typed")}
#: What the Rust code is made of.
CORE = ["Cargo.toml", "Cargo.lock", "build.rs", "cbindgen.toml", "README.md", "src", "include", "benches/suite", "cli"]


def copied(name, directory):
    """Copies a file or folder of the checkout to its place in another."""
    (directory / name).parent.mkdir(parents=True, exist_ok=True)
    if (ROOT / name).is_dir():
        shutil.copytree(ROOT / name, directory / name, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    else:
        shutil.copy(ROOT / name, directory / name)


def pip(*arguments, python=sys.executable, home, status=0, **variables):
    """Runs pip without a network; what is built lies where cargo puts it by itself."""
    environment = {**client_environment(home), "PIP_NO_INDEX": "1", "CARGO_TARGET_DIR": "", **variables}
    return run([python, "-m", "pip", "--disable-pip-version-check", *arguments], status=status, cwd=home, timeout=300,
               environment=environment)


def wheel_of(source, home, **variables):
    """The wheel that pip makes of a source."""
    pip("wheel", "--no-build-isolation", "--no-deps", "-w", home / "wheels", source, home=home, **variables)
    (wheel,) = (home / "wheels").iterdir()
    return wheel


@pytest.fixture
def checkout(tmp_path):
    """A checkout with the package alone."""
    for name in ("LICENSE", "bindings/python"):
        copied(name, tmp_path / "checkout")
    return tmp_path / "checkout"


@pytest.fixture(scope="module")
def wheel(library, tmp_path_factory):
    """The wheel of a checkout whose library is built."""
    home = tmp_path_factory.mktemp("wheel")
    for name in ("LICENSE", "bindings/python"):
        copied(name, home / "checkout")
    (home / "checkout/target").mkdir()
    (home / "checkout/target/release").symlink_to(RELEASE)
    return wheel_of(home / "checkout/bindings/python", home)


def test_a_wheel_is_for_every_python_3_of_its_platform(wheel):
    assert wheel.name == f"libweave-{VERSION}-py3-none-{sys.platform}_{platform.machine()}.whl"


def test_a_wheel_holds_the_package_the_library_and_the_licence(wheel):
    with zipfile.ZipFile(wheel) as packed:
        told = {name for name in packed.namelist() if ".dist-info/" not in name}
        assert told == {*FILES, "libweave/libweave.so"}
        assert packed.read("libweave/libweave.so") == LIBRARY.read_bytes()
        assert packed.read(f"libweave-{VERSION}.dist-info/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        metadata = packed.read(f"libweave-{VERSION}.dist-info/METADATA").decode()
    assert "\nRequires-Python: >=3.9\n" in metadata and "\nRequires-Dist:" not in metadata


def test_the_first_trace_runs_where_nothing_but_the_wheel_is_installed(wheel, tmp_path):
    python = tmp_path / "venv/bin/python"
    run([os.path.realpath(sys.executable), "-m", "venv", tmp_path / "venv"], timeout=300)
    pip("install", wheel, python=python, home=tmp_path)
    (tmp_path / "elsewhere").mkdir()
    code = ("import libweave as weave\n"
            "@weave.op\ndef greet(name):\n    return f'Hello, {name}'\n"
            "with weave.init('first', offline=True, offline_dir='traces'):\n    print(greet('Ada'))\n")
    done = run([python, "-c", code], cwd=tmp_path / "elsewhere", environment=client_environment(tmp_path))
    assert done.stdout == "Hello, Ada\n"
    (line,) = lines(tmp_path / "elsewhere/traces", "offline/first/calls/*.jsonl.gz")
    assert json.loads(line)["data"]["output"] == "Hello, Ada"


def test_the_library_that_is_named_is_packed(checkout, tmp_path):
    (tmp_path / "own.so").write_bytes(b"another library")
    with zipfile.ZipFile(wheel_of(checkout / "bindings/python", tmp_path, WEAVE_LIBRARY=f"{tmp_path}/own.so")) as packed:
        assert packed.read("libweave/libweave.so") == b"another library"


def test_without_a_library_and_the_rust_code_it_is_told_what_to_do(checkout, tmp_path):
    done = pip("wheel", "--no-build-isolation", "--no-deps", checkout / "bindings/python", home=tmp_path, status=1)
    assert "set WEAVE_LIBRARY to a library that is built" in done.stdout + done.stderr


@pytest.fixture
def source_distribution(checkout, tmp_path):
    """The source distribution of a whole checkout."""
    for name in CORE:
        copied(name, checkout)
    run([sys.executable, "-c", "import setuptools.build_meta; setuptools.build_meta.build_sdist('../..')"],
        cwd=checkout / "bindings/python",
        environment={**client_environment(tmp_path), "HOME": os.environ["HOME"], "CARGO_NET_OFFLINE": "true",
                     "CARGO_TARGET_DIR": str(tmp_path / "target")})
    return checkout / f"libweave-{VERSION}.tar.gz"


def test_a_source_distribution_has_the_rust_code_as_cargo_wants_it(source_distribution, tmp_path):
    with tarfile.open(source_distribution) as packed:
        packed.extractall(tmp_path)
    core = tmp_path / f"libweave-{VERSION}/core"
    told = run(["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"], cwd=core).stdout
    targets = {kind for target in json.loads(told)["packages"][0]["targets"] for kind in target["kind"]}
    assert targets == {"cdylib", "staticlib", "rlib", "custom-build"}


def test_a_source_distribution_makes_the_same_wheel(source_distribution, wheel, tmp_path):
    made = wheel_of(source_distribution, tmp_path, WEAVE_LIBRARY=str(LIBRARY))
    with zipfile.ZipFile(made) as own, zipfile.ZipFile(wheel) as other:
        assert {info.filename: info.CRC for info in own.infolist()} == {
            info.filename: info.CRC for info in other.infolist()}
