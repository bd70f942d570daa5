"""Fixtures: the command of each language, built once, and its processes."""
import shutil

import pytest

from commands import driver


@pytest.fixture(scope="session")
def started(library, tmp_path_factory):
    """started(language) is what starts the command of that language."""
    made = {}

    def build(language):
        if language not in made:
            made[language] = driver.built(language, tmp_path_factory.mktemp(language))
        return made[language]

    return build


@pytest.fixture(params=driver.LANGUAGES)
def language(request):
    """Each language in turn."""
    return request.param


@pytest.fixture
def command(started, language, tmp_path):
    """command(server=None, **variables) is a process of the language's command; a context manager."""
    return lambda server=None, **variables: driver.Command(started(language), tmp_path, server, **variables)


@pytest.fixture
def c(started, tmp_path):
    """The same of C's command, whose answers are those of the library itself."""
    return lambda server=None, **variables: driver.Command(started("c"), tmp_path, server, **variables)


@pytest.fixture
def traces(tmp_path):
    """The offline directory of the test."""
    return tmp_path / "traces"


@pytest.fixture
def opened(command, traces):
    """opened(*settings) is a process that has a session open, `team/project`; its data files are not compressed."""
    def start(*settings):
        process = command()
        process.ask("init", "team/project", f"offline_dir={traces}", "compress=false", *settings)
        return process

    return start


@pytest.fixture(scope="module")
def sessions(started, tmp_path_factory):
    """sessions(language) is what a session (session.py) of the language left: (its ids by their names, its directory).
    It is logged once; what it lies in is a copy."""
    from commands import session
    logged = {}

    def log(language):
        if language not in logged:
            home = tmp_path_factory.mktemp("session")
            with driver.Command(started(language), home) as process:
                logged[language] = session.log(process, home / "traces"), home / "traces"
        ids, traces = logged[language]
        copy = tmp_path_factory.mktemp("copy") / "traces"
        shutil.copytree(traces, copy)
        return ids, copy

    return log
