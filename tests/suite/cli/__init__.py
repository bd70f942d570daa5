"""The life of a process that logs: forks, ends of every kind, signals, threads, clocks and disks.

Each program tells what was accepted; afterwards another process starts on the directory, and everything that was told
must be there once.
"""
