"""`import weave`, served by libweave. It never stands beside the official client, which owns the name."""
from importlib import metadata as _metadata

try:
    _official = _metadata.version("weave")
except _metadata.PackageNotFoundError:
    pass
else:
    raise ImportError(f"the official client (weave {_official}) is installed here, and weave-offline has the same "
                      "module name; uninstall one of them, or write `import libweave as weave`")

from libweave import *  # noqa: E402,F403
from libweave import __all__, __version__  # noqa: E402,F401
