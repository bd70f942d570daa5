"""Opening a session, and naming the server for a sync."""
from libweave import finish, init, init_weave_get_server

__all__ = ["finish", "init", "init_weave_get_server"]
