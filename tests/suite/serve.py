"""The local server for a test in another language: prints its address, and ends with its standard input.

    serve.py DIRECTORY [OPTION...]     the directory is the server's; options are those of tests/server/server.py
"""
import sys

from harness import LocalServer

server = LocalServer(sys.argv[1], *sys.argv[2:])
try:
    print(server.url, flush=True)
    sys.stdin.read()
finally:
    server.stop()
