"""Fixtures: servers, official clients and what `make` builds. A missing part is a failure that names the command."""
import json
import re
import uuid

import pytest

import harness


@pytest.fixture
def server(tmp_path_factory):
    """server(*options) starts a local server of the test's own; it ends with the test."""
    started = []

    def start(*options):
        started.append(harness.LocalServer(tmp_path_factory.mktemp("server"), *options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory):
    """shared_server(*options) is one server for all tests with these options; each uses projects of its own."""
    started = {}

    def start(*options):
        if options not in started:
            started[options] = harness.LocalServer(tmp_path_factory.mktemp("server"), *options)
        return started[options]

    yield start
    for one in started.values():
        one.stop()


@pytest.fixture
def project(request):
    """A project name that no other test uses."""
    return re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:60] + "-" + uuid.uuid4().hex[:8]


@pytest.fixture
def official(tmp_path_factory):
    """official(version) is the official Python client of that version, with an empty home directory."""
    return lambda version: harness.OfficialClient(version, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def library():
    """The shared library that `make build` made."""
    if not harness.LIBRARY.exists():
        pytest.fail(f"{harness.LIBRARY} is missing: run `make build`")
    return harness.LIBRARY


@pytest.fixture
def compile_c(library, tmp_path):
    """compile_c(source, *flags) compiles as strict C11 against the library; the path of the program."""
    return lambda source, *flags: harness.compiled(source, tmp_path / "program", *flags)


@pytest.fixture
def compile_cpp(library, tmp_path):
    """compile_cpp(source, *flags) compiles as strict C++17 against the library; the path of the program."""
    return lambda source, *flags: harness.compiled(source, tmp_path / "program", *flags, language="c++")


@pytest.fixture(scope="session")
def sync(library, tmp_path_factory):
    """sync(offline_dir, server, status=0, destination=None) runs examples/sync.c; the results JSON, or None without any."""
    directory = tmp_path_factory.mktemp("sync")
    program = harness.compiled(harness.ROOT / "examples" / "sync.c", directory / "sync")

    def send(offline_dir, server, *, status=0, destination=None, **environment):
        to = {"WEAVE_DESTINATION": destination} if destination else {}
        done = harness.run([program, offline_dir], status=status,
                           environment={**harness.client_environment(directory, server), **to, **environment})
        return json.loads(done.stdout) if done.stdout else None

    return send


@pytest.fixture(scope="session")
def session(library, tmp_path_factory):
    """session(language) is (offline directory, id of the root call) of a session logged once; copy it to change it."""
    logged = {}

    def log(language):
        if language not in logged:
            directory = tmp_path_factory.mktemp("session")
            command = harness.agent(language, directory)
            root = harness.log_session(command, directory / "offline", f"agent-{language.replace('+', 'p')}")
            logged[language] = directory / "offline", root
        return logged[language]

    return log
