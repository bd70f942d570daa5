"""The `weave` command, as somebody at a terminal starts it, on directories that programs logged to."""
