"""The declarations against the header, finding the library, errors."""
import ctypes
import os
import re
import shutil
import threading

import libweave as weave
import pytest
from conftest import HERE, ROOT, script
from libweave import _native

HEADER = (ROOT / "include/weave.h").read_text()
C_TYPES = {
    "weave_status": ctypes.c_int32, "int32_t": ctypes.c_int32, "int64_t": ctypes.c_int64, "uint64_t": ctypes.c_uint64,
    "size_t": ctypes.c_size_t, "ptrdiff_t": ctypes.c_ssize_t, "double": ctypes.c_double, "bool": ctypes.c_bool,
    "void": None, "char*": ctypes.c_char_p, "void*": ctypes.c_void_p, "char**": ctypes.POINTER(ctypes.c_void_p),
    "size_t*": ctypes.POINTER(ctypes.c_size_t), "uint64_t*": ctypes.POINTER(ctypes.c_uint64),
    "weave_filter_fn": _native.FILTER, "weave_progress_fn": _native.PROGRESS, "weave_log_fn": _native.LOG,
}


def c_type(text):
    """The ctypes type of a declaration such as `const char *name` or `weave_client **client`."""
    text = re.sub(r"\bconst\b|\bWEAVE_NODISCARD\b", " ", text)
    stars = text.count("*")
    words = text.replace("*", " ").split()
    name = words[0] + "*" * stars
    if name in C_TYPES:
        return C_TYPES[name]
    return {1: ctypes.c_void_p, 2: ctypes.POINTER(ctypes.c_void_p)}[stars]


def declarations():
    code = re.sub(r"/\*.*?\*/|//[^\n]*|^#[^\n]*", "", HEADER, flags=re.DOTALL | re.MULTILINE)
    found = {}
    for answer, name, arguments in re.findall(r"([\w\s*]+?)\b(weave_\w+)\s*\(([^()]*)\)\s*;", code):
        arguments = [] if arguments.strip() in ("", "void") else arguments.split(",")
        found[name] = answer, arguments
    return found


def declared(name):
    answer, arguments = declarations()[name]
    return c_type(answer), [c_type(argument) for argument in arguments]


def test_the_header_is_read():
    assert declared("weave_status_text") == (ctypes.c_char_p, [ctypes.c_int32])
    assert len(declarations()) > 80


@pytest.mark.parametrize("name", _native.DECLARATIONS)
def test_declarations_are_the_headers(name):
    # A file's bytes go through c_char_p, which takes `bytes` and hands on their address; a text that has to be freed,
    # or may hold NUL, comes back as an address.
    alike = {ctypes.c_char_p: ctypes.c_void_p}
    own, header = _native.DECLARATIONS[name], declared(name)
    plain = lambda kind: alike.get(kind, kind)  # noqa: E731
    assert plain(own[0]) == plain(header[0])
    assert [plain(kind) for kind in own[1]] == [plain(kind) for kind in header[1]]


def test_the_struct_of_progress_is_the_headers():
    members = re.search(r"typedef struct \{(.*?)\} weave_progress;", HEADER, re.DOTALL).group(1)
    members = re.sub(r"/\*.*?\*/", "", members, flags=re.DOTALL)
    found = [(line.split()[-1].strip("*;"), c_type(line)) for line in members.split(";") if line.strip()]
    assert found == _native.Progress._fields_


def test_the_version_is_the_headers():
    assert weave.__version__ == re.search(r'#define WEAVE_VERSION "(.*)"', HEADER).group(1)


def test_the_second_package_has_the_same_version():
    told = (ROOT / "bindings/python-weave/pyproject.toml").read_text()
    assert f'version = "{weave.__version__}"' in told and f'"libweave=={weave.__version__}"' in told


def test_an_error_has_the_librarys_text_and_number(recorded):
    with pytest.raises(weave.InvalidError) as error:
        weave.log_call("x" * 129, {})
    assert "op_name" in str(error.value) and error.value.status == 4


def test_an_error_of_any_length_is_whole(tmp_path):
    name = "n" * 3000 + "/" + "m" * 3000 + "/z"
    with pytest.raises(weave.InvalidError) as error:
        weave.Client(name, offline=True, offline_dir=tmp_path)
    assert not str(error.value).endswith("n")


def test_errors_of_threads_are_their_own(recorded):
    wrong = []

    def fail(field):
        for _ in range(200):
            try:
                weave.require_client().create_call("op", {}, **{field: "no id"})
            except weave.InvalidError as error:
                if not str(error).startswith(field + ":"):
                    wrong.append(str(error))

    threads = [threading.Thread(target=fail, args=(field,)) for field in ("id", "trace_id")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("text, words, status", [("a\0b", "holds a NUL", 1), ("a\udcffb", "holds a lone surrogate", 2)])
@pytest.mark.parametrize("field, use", [
    ("name", lambda text: weave.publish({}, text)), ("op_name", lambda text: weave.log_call(text)),
    ("kind", lambda text: weave.log_call("f", kind=text)),
    ("note", lambda text: weave.add_note(weave.log_call("f"), text)),
    ("filename", lambda text: weave.log_call("f", {"file": weave.Content(b"x", text)})),
    ("message", lambda text: weave.log_call("f", exception=text))])
def test_a_text_that_c_cannot_be_given_is_refused_by_the_name_of_its_field(recorded, field, use, text, words, status):
    with pytest.raises(weave.InvalidError, match=f"^{field}: .*{words}|^{field}: {words}") as raised:
        use(text)
    assert raised.value.status == status


NOT_UTF8 = b"not-\xff-utf8"


@pytest.mark.parametrize("use", [
    lambda path: weave.Client("p", offline=True, offline_dir=path),
    lambda path: weave.Client("p", offline=True, offline_dir="offline", ca_file=path),
    lambda path: weave.sync_offline_data(path),
    lambda path: weave.list_rejected(path),
    lambda path: weave.export_rejected(path),
    lambda path: weave.directory_stats(path),
    lambda path: weave.OfflineDataSyncer(None, path).clean_synced_files(),
    lambda path: weave.OfflineDataSyncer(None, path).clean_preview()])
@pytest.mark.parametrize("path", [NOT_UTF8, os.fsdecode(NOT_UTF8)], ids=["bytes", "text"])
def test_a_path_that_is_not_utf8_is_refused_and_not_taken_for_another(tmp_path, monkeypatch, use, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(weave.InvalidError, match="is not UTF-8") as raised:
        use(path)
    assert raised.value.status == 2


def test_a_path_may_be_bytes(tmp_path):
    client = weave.Client("p", offline=True, offline_dir=os.fsencode(tmp_path / "bücher"))
    client.finish()
    assert client.offline_dir == str(tmp_path / "bücher")


OPEN = "import libweave as weave; weave.init('p', offline=True, offline_dir='offline'); print('open')"


def test_a_library_that_is_not_there_is_told_with_its_path(tmp_path):
    done = script(OPEN, tmp_path, WEAVE_LIBRARY=str(tmp_path / "no.so"))
    assert done.returncode and f"Tried: {tmp_path / 'no.so'}" in done.stderr and "WEAVE_LIBRARY" in done.stderr


def test_another_library_is_not_taken_for_it(tmp_path):
    done = script(OPEN, tmp_path, WEAVE_LIBRARY="libc.so.6")
    assert done.returncode and "another library" in done.stderr


def test_every_place_that_was_tried_is_told(tmp_path):
    done = script(OPEN, tmp_path, LD_LIBRARY_PATH="", WEAVE_LIBRARY="")
    assert done.returncode and str(HERE.parent / "libweave") in done.stderr and "libweave.so.0" in done.stderr


def test_the_library_may_lie_beside_the_package(tmp_path):
    shutil.copytree(HERE.parent / "libweave", tmp_path / "libweave")
    shutil.copy(os.environ["WEAVE_LIBRARY"], tmp_path / "libweave/libweave.so")
    assert script(OPEN, tmp_path, PYTHONPATH=str(tmp_path), WEAVE_LIBRARY="").stdout == "open\n"


def test_an_import_needs_no_library(tmp_path):
    done = script("import libweave as weave; print(weave.op(lambda: 'ran')())", tmp_path, WEAVE_LIBRARY="nowhere")
    assert done.stdout == "ran\n", done.stderr


def test_another_version_of_the_library_is_refused(monkeypatch):
    monkeypatch.setattr(_native, "__version__", "0.2.0")
    with pytest.raises(weave.WeaveError, match="is version 0.1.* written for 0.2.0"):
        _native._open()
