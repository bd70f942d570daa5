"""Everything public says what it does."""
import inspect

import libweave as weave
import pytest


def members():
    """(name, object) of every public function and class, and of their own methods and properties."""
    for name in weave.__all__:
        thing = getattr(weave, name)
        if not (inspect.isclass(thing) or inspect.isfunction(thing)):
            continue
        yield name, thing
        for base in thing.__mro__ if inspect.isclass(thing) else ():
            if base.__module__.startswith("libweave"):
                yield from ((f"{name}.{member}", getattr(base, member)) for member, value in vars(base).items()
                            if not member.startswith("_")
                            and isinstance(value, (type(members), property, classmethod, staticmethod)))


@pytest.mark.parametrize("name, thing", list(members()), ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_public_has_a_docstring(name, thing):
    assert inspect.getdoc(thing)
