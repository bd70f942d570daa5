"""What `make install` and `make dist` give to others: the tree itself, and programs in C, C++ and Go that are built
against it, and against a checkout, in every way that docs/install.md names."""
import json
import os
import re
import shutil
import stat
import tarfile

import pytest
from harness import COMMAND, INCLUDE, RELEASE, ROOT, STRICT, TARGET, client_environment, lines, run

VERSION = re.search(r'#define WEAVE_VERSION "(.*)"', (INCLUDE / "weave.h").read_text())[1]
LIBRARIES = {"libweave.a", "libweave.so", "libweave.so.0", f"libweave.so.{VERSION}"}
PACKAGE_FILES = {"pkgconfig/weave.pc", *(f"cmake/weave/weave-{part}.cmake"
                                         for part in ("config", "config-version", "targets"))}
HEADERS = {str(path.relative_to(folder)) for folder in [INCLUDE, *ROOT.glob("bindings/c*/include")]
           for path in folder.rglob("*") if path.is_file()}
LINKED = pytest.mark.parametrize("linked", ["shared", "static"])


def make(target, prefix, *settings, command="none"):
    run(["make", "-C", ROOT, target, f"PREFIX={prefix}", *settings],
        environment={**os.environ, "CARGO_TARGET_DIR": str(TARGET), "COMMAND": str(command)})


def tree(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_symlink() or path.is_file()}


@pytest.fixture(scope="module")
def installed(library, tmp_path_factory):
    """A prefix into which `make install` put everything."""
    prefix = tmp_path_factory.mktemp("installed")
    make("install", prefix)
    return prefix


@pytest.fixture
def prefix(installed, linked, tmp_path):
    """A copy of that prefix in another place, in which there is only the library that is to be linked: a linker that
    finds both takes the shared one."""
    copy = tmp_path / "prefix"
    shutil.copytree(installed, copy, symlinks=True)
    pc = copy / "lib/pkgconfig/weave.pc"
    pc.write_text(pc.read_text().replace(str(installed), str(copy)))
    for path in copy.glob("lib/libweave.so*" if linked == "static" else "lib/libweave.a"):
        path.unlink()
    return copy


def environment_with(prefix, home):
    """What someone has who installed to a prefix that neither compiler nor loader knows."""
    return {**client_environment(home), "PKG_CONFIG_PATH": f"{prefix}/lib/pkgconfig"}


def assert_it_logs(program, linked, directory, **environment):
    """The program logs a call named `greet` to the disk, and takes the library from where it was told to."""
    needed = re.findall(r"NEEDED.*\[(libweave.*)\]", run(["readelf", "-d", program]).stdout)
    assert needed == (["libweave.so.0"] if linked == "shared" else [])
    run([program], environment={**client_environment(directory), "WEAVE_OFFLINE_DIR": str(directory / "traces"),
                                **environment})
    calls = lines(directory / "traces", "*/*/calls/*.jsonl.gz")
    assert "greet" in [json.loads(line)["data"]["op_name"] for line in calls]


def test_installing_puts_these_files_and_no_others(installed):
    assert tree(installed) == {*(f"lib/{name}" for name in LIBRARIES | PACKAGE_FILES),
                               *(f"include/{name}" for name in HEADERS)}


def test_the_command_is_installed_with_its_manual_and_completions_and_is_uninstalled(library, tmp_path):
    make("install", tmp_path, command=COMMAND)
    there = tree(tmp_path)
    completions = {"share/bash-completion/completions/weave", "share/zsh/site-functions/_weave",
                   "share/fish/vendor_completions.d/weave.fish"}
    assert {"bin/weave", "share/man/man1/weave.1", "share/man/man1/weave-sync.1", *completions} <= there
    assert "weave" in run([tmp_path / "bin/weave", "--version"]).stdout
    assert "_weave" in (tmp_path / "share/bash-completion/completions/weave").read_text()
    make("uninstall", tmp_path, command=COMMAND)
    assert tree(tmp_path) == set()


def test_the_names_of_the_shared_library_lead_to_the_file_with_its_version(installed):
    links = {name: os.readlink(installed / "lib" / name) for name in ("libweave.so", "libweave.so.0")}
    assert links == {"libweave.so": "libweave.so.0", "libweave.so.0": f"libweave.so.{VERSION}"}


def test_everybody_may_read_what_is_installed_whatever_the_umask(library, tmp_path):
    run(["bash", "-c", f"umask 077; COMMAND=none '{ROOT}/scripts/install.sh' '{RELEASE}' '{tmp_path}/prefix'"])
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "prefix").rglob("*")}
    assert all(mode == (0o755 if path.is_dir() or ".so" in path.name else 0o644) for path, mode in modes.items())


def test_a_staged_tree_works_where_it_is_moved_to(library, tmp_path):
    prefix, stage = tmp_path / "usr", tmp_path / "stage"
    make("install", prefix, f"DESTDIR={stage}", "LIBDIR=lib/x86_64-linux-gnu", f"INCLUDEDIR={prefix}/headers")
    assert not prefix.exists()
    (stage / prefix.relative_to("/")).rename(prefix)
    libdir = prefix / "lib/x86_64-linux-gnu"
    assert str(stage) not in (libdir / "pkgconfig/weave.pc").read_text()
    flags = run(["pkg-config", "--cflags", "--libs", "weave"],
                environment={**os.environ, "PKG_CONFIG_PATH": str(libdir / "pkgconfig")}).stdout.split()
    assert flags == [f"-I{prefix}/headers", f"-L{libdir}", "-lweave"]
    build = built(tmp_path, project("find_package(weave REQUIRED)"), libdir / "cmake", "c_shared")
    assert_it_logs(build / "c_shared", "shared", tmp_path)


def test_a_prefix_may_have_spaces(library, tmp_path):
    prefix = tmp_path / "my prefix"
    make("install", prefix)
    environment = {**environment_with(prefix, tmp_path), "EXAMPLE": str(ROOT / "examples/quickstart.c")}
    run(["bash", "-c", 'eval cc "$EXAMPLE" -o program $(pkg-config --cflags --libs weave)'], environment=environment,
        cwd=tmp_path)
    assert_it_logs(tmp_path / "program", "shared", tmp_path, LD_LIBRARY_PATH=f"{prefix}/lib")


def test_a_prefix_that_is_no_absolute_path_is_refused(library, tmp_path):
    refused = run([ROOT / "scripts/install.sh", RELEASE, "here"], cwd=tmp_path, status=1)
    assert refused.stderr == "PREFIX is here, and is to be an absolute path\n"


def test_uninstalling_leaves_only_what_others_have_put_there(library, tmp_path):
    others = tmp_path / "lib/cmake/weave/mine.cmake"
    others.parent.mkdir(parents=True)
    others.touch()
    make("install", tmp_path, "INCLUDEDIR=headers")
    make("uninstall", tmp_path, "INCLUDEDIR=headers")
    assert tree(tmp_path) == {"lib/cmake/weave/mine.cmake"}
    assert not (tmp_path / "headers/weave").exists()


@LINKED
@pytest.mark.parametrize("compiler, standard, source", [("cc", "c11", "quickstart.c"), ("c++", "c++17", "quickstart.cpp")])
def test_programs_are_built_by_pkg_config(prefix, linked, tmp_path, compiler, standard, source):
    static = ["--static"] if linked == "static" else []
    flags = run(["pkg-config", "--cflags", "--libs", *static, "weave"],
                environment=environment_with(prefix, tmp_path)).stdout.split()
    run([compiler, f"-std={standard}", *STRICT, ROOT / "examples" / source, "-o", tmp_path / "program", *flags])
    assert_it_logs(tmp_path / "program", linked, tmp_path, LD_LIBRARY_PATH=f"{prefix}/lib")


@LINKED
def test_a_go_program_is_built_by_pkg_config(prefix, linked, tmp_path):
    module = tmp_path / "module"
    module.mkdir()
    flag = "--static weave" if linked == "static" else "weave"
    source = (ROOT / "tests/suite/programs/greet.go").read_text()
    (module / "main.go").write_text(source.replace("#cgo pkg-config: weave", f"#cgo pkg-config: {flag}"))
    (module / "go.mod").write_text("module example.com/greet\n\ngo 1.24\n")
    run(["go", "build", "-o", tmp_path / "program"], cwd=module, timeout=600,
        environment={**environment_with(prefix, tmp_path), "HOME": os.environ["HOME"]})  # Go's caches
    assert_it_logs(tmp_path / "program", linked, tmp_path, LD_LIBRARY_PATH=f"{prefix}/lib")


def project(way):
    """A CMake project that gets the library in this way and links it in every way."""
    return f"""cmake_minimum_required(VERSION 3.16)
project(app LANGUAGES C CXX)
{way}
add_executable(c_shared "{ROOT}/examples/quickstart.c")
target_link_libraries(c_shared PRIVATE weave::weave)
add_executable(c_static "{ROOT}/examples/quickstart.c")
target_link_libraries(c_static PRIVATE weave::static)
add_executable(cpp_shared "{ROOT}/examples/quickstart.cpp")
target_link_libraries(cpp_shared PRIVATE weave::cpp)
add_executable(cpp_static "{ROOT}/examples/quickstart.cpp")
target_link_libraries(cpp_static PRIVATE weave::cpp_static)
"""


def built(directory, text, search, *targets):
    """Builds targets, or all, of a project with this text, for which packages are searched for in a folder. For a
    checkout, cargo finds what `make build` made."""
    (directory / "CMakeLists.txt").write_text(text)
    environment = {**client_environment(directory), "HOME": os.environ["HOME"], "CARGO_TARGET_DIR": str(TARGET)}
    run(["cmake", "-S", directory, "-B", directory / "build", f"-DCMAKE_PREFIX_PATH={search}"], environment=environment)
    run(["cmake", "--build", directory / "build", "--target", *(targets or ["all"])], environment=environment, timeout=600)
    return directory / "build"


def on_the_page(function):
    """The CMake block of docs/install.md that calls this function. Its `libweave` is a checkout beside the project."""
    blocks = re.findall(r"^```cmake\n(.*?)^```$", (ROOT / "docs/install.md").read_text(), re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if f"{function}(" in block)


@pytest.fixture(scope="module")
def cmake_project(installed, tmp_path_factory):
    """cmake_project(way) is the build folder of such a project, built once for all tests."""
    made = {}

    def make_project(way):
        if way not in made:
            directory = tmp_path_factory.mktemp(way)
            (directory / "libweave").symlink_to(ROOT)
            text = f"find_package(weave {VERSION} REQUIRED)" if way == "find_package" else on_the_page(way)
            made[way] = built(directory, project(text), installed)
        return made[way]

    return make_project


@LINKED
@pytest.mark.parametrize("language", ["c", "cpp"])
@pytest.mark.parametrize("way", ["find_package", "add_subdirectory", "FetchContent_Declare"])
def test_programs_are_built_by_cmake(cmake_project, way, language, linked, tmp_path):
    assert_it_logs(cmake_project(way) / f"{language}_{linked}", linked, tmp_path)


def test_a_project_of_cmake_installs_nothing_of_the_library_unless_it_asks(cmake_project, tmp_path):
    run(["cmake", "--install", cmake_project("add_subdirectory"), "--prefix", tmp_path / "prefix"])
    assert not (tmp_path / "prefix").exists()


def test_a_project_of_cmake_can_install_the_library_beside_its_program(installed, tmp_path):
    text = project("find_package(weave REQUIRED)") + """
set_target_properties(c_shared PROPERTIES INSTALL_RPATH "$ORIGIN/../lib")
install(TARGETS c_shared)
install(IMPORTED_RUNTIME_ARTIFACTS weave::weave)
"""
    build = built(tmp_path, text.replace("3.16", "3.21"), installed, "c_shared")
    run(["cmake", "--install", build, "--prefix", tmp_path / "app"])
    assert_it_logs(tmp_path / "app/bin/c_shared", "shared", tmp_path)


def test_cmake_installs_a_checkout_as_make_does(installed, tmp_path):
    run(["cmake", "-S", ROOT, "-B", tmp_path / "build"], environment={**os.environ, "CARGO_TARGET_DIR": str(TARGET)})
    run(["cmake", "--build", tmp_path / "build"], timeout=600)
    run(["cmake", "--install", tmp_path / "build", "--prefix", "/prefix"],
        environment={**os.environ, "DESTDIR": str(tmp_path / "stage"), "COMMAND": "none"})
    assert tree(tmp_path / "stage/prefix") == tree(installed)


@pytest.mark.parametrize("asked, found", [("", True), ("0.1", True), ("0.1.0", True), ("0.1.0 EXACT", True),
                                          ("0.0.9", False), ("0.1.999", False), ("0.2", False), ("1.0", False)])
def test_cmake_finds_the_versions_that_serve(installed, tmp_path, asked, found):
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(app LANGUAGES NONE)\n"
        f'find_package(weave {asked} QUIET)\nmessage("found ${{weave_FOUND}}")\n')
    told = run(["cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={installed}"]).stderr
    assert told.startswith("found 1" if found else "found 0")


@pytest.fixture(scope="module")
def archive(library, tmp_path_factory):
    """What `make dist` packs, without its building."""
    return run([ROOT / "scripts/dist.sh", RELEASE, tmp_path_factory.mktemp("dist")], timeout=300).stdout.strip()


@pytest.fixture
def unpacked(archive, tmp_path):
    with tarfile.open(archive) as file:
        file.extractall(tmp_path / "somewhere", filter="tar")
    return next((tmp_path / "somewhere").iterdir())


def test_the_archive_has_what_is_installed_and_the_pages_and_licences(unpacked, installed):
    pages = {str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*") if path.is_file()}
    assert tree(unpacked) == tree(installed) | pages | {
        "README.md", "CHANGELOG.md", "LICENSE", "licenses/dependencies.txt", "licenses/rust-standard-library.html"}


@LINKED
def test_programs_are_built_against_the_unpacked_archive(unpacked, linked, tmp_path):
    if linked == "static":
        for path in unpacked.glob("lib/libweave.so*"):
            path.unlink()
    flags = run(["pkg-config", "--cflags", "--libs", "--static", "weave"],
                environment=environment_with(unpacked, tmp_path)).stdout.split()
    run(["cc", "-std=c11", *STRICT, ROOT / "examples/quickstart.c", "-o", tmp_path / "program", *flags])
    assert_it_logs(tmp_path / "program", linked, tmp_path, LD_LIBRARY_PATH=f"{unpacked}/lib")


def test_cmake_finds_the_unpacked_archive(unpacked, tmp_path):
    build = built(tmp_path, project("find_package(weave REQUIRED)"), unpacked, "cpp_static")
    assert_it_logs(build / "cpp_static", "static", tmp_path)


def test_the_same_files_give_the_same_archive(archive, tmp_path):
    again = run([ROOT / "scripts/dist.sh", RELEASE, tmp_path], timeout=300).stdout.strip()
    with open(archive, "rb") as first, open(again, "rb") as second:
        assert first.read() == second.read()
