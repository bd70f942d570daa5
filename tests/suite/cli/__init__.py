"""The `weave` command, run as a process on directories that programs have logged to."""
