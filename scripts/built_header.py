#!/usr/bin/env python3
"""Prints the path of the header that build.rs generates, as cargo itself reports it."""
import json
import os
import subprocess
import sys

built = subprocess.run(["cargo", "check", "--message-format=json-render-diagnostics"],
                       stdout=subprocess.PIPE, text=True)
if built.returncode:
    sys.exit(built.returncode)
package = json.loads(subprocess.run(["cargo", "metadata", "--format-version=1", "--no-deps"], check=True, text=True,
                                    stdout=subprocess.PIPE).stdout)["packages"][0]["id"]
for message in map(json.loads, built.stdout.splitlines()):
    if message["reason"] == "build-script-executed" and message["package_id"] == package:
        header = os.path.join(message["out_dir"], "weave.h")
        if os.path.exists(header):
            print(header)
            sys.exit()
sys.exit("build.rs did not write weave.h into its output directory")
