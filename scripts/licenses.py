#!/usr/bin/env python3
"""Prints the licences of what is linked into the library: licenses.py [Cargo.toml]. First each dependency with its
licence, then the texts out of their sources, each once. A dependency without a licence or its text, or with a licence
that is not accepted here, is an error. The Rust standard library tells its own (scripts/dist.sh)."""
import json
import pathlib
import re
import subprocess
import sys

ACCEPTED = {"0BSD", "Apache-2.0", "BSD-3-Clause", "CDLA-Permissive-2.0", "ISC", "MIT", "Unicode-3.0", "Unlicense", "Zlib"}
TEXT = re.compile(r"(licen[cs]e|unlicense|copying|copyright|notice)([-.].*)?", re.IGNORECASE)


def metadata(manifest):
    host = re.search(r"^host: (.*)$", subprocess.check_output(["rustc", "-vV"], text=True), re.MULTILINE)[1]
    return json.loads(subprocess.check_output(
        ["cargo", "metadata", "--format-version=1", "--locked", "--filter-platform", host, "--manifest-path", manifest]))


def linked(about):
    """The package itself, and those whose code is in what it builds: normal dependencies, without macros that run in
    the compiler."""
    packages = {package["id"]: package for package in about["packages"]}
    nodes = {node["id"]: node for node in about["resolve"]["nodes"]}
    root = about["resolve"]["root"]
    found, waiting = {}, [root]
    while waiting:
        package = packages[waiting.pop()]
        if package["id"] in found or any("proc-macro" in target["kind"] for target in package["targets"]):
            continue
        found[package["id"]] = package
        waiting += [dependency["pkg"] for dependency in nodes[package["id"]]["deps"]
                    if any(kind["kind"] is None for kind in dependency["dep_kinds"])]
    return found.pop(root), sorted(found.values(), key=lambda package: (package["name"], package["version"]))


def unaccepted(expression):
    """Those of the licences in an SPDX expression that are not accepted, be they only one choice of several."""
    return [name for name in re.findall(r"[\w.+-]+", expression) if name not in {*ACCEPTED, "OR", "AND"}]


def texts(package):
    """Every file in the package's sources that is named like a licence, also of code that it carries in folders."""
    folder = pathlib.Path(package["manifest_path"]).parent
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and TEXT.fullmatch(path.name)]


def complaints(packages):
    for package in packages:
        name = f"{package['name']} {package['version']}"
        if not package["license"]:
            yield f"{name} names no licence"
        elif wrong := unaccepted(package["license"]):
            yield f"{name} is under {', '.join(wrong)}, which is not accepted (ACCEPTED in scripts/licenses.py)"
        if not texts(package):
            yield f"{name} has no file with its licence"


def main(manifest):
    root, packages = linked(metadata(manifest))
    wrong = list(complaints(packages))
    if wrong:
        sys.exit("\n".join(wrong))

    print(f"{root['name']} {root['version']} contains the following packages, under these licences.\n")
    owners = {}  # a licence's text, however its lines are broken → (text, who has it)
    for package in packages:
        print(f"{package['name']} {package['version']}: {package['license']}")
        for path in texts(package):
            text = path.read_text(encoding="utf-8")
            owners.setdefault(" ".join(text.split()), (text, []))[1].append(f"{package['name']} ({path.name})")
    for text, names in owners.values():
        print("\n" + "=" * 80 + f"\n{', '.join(names)}:\n\n{text.strip()}")


main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[1] / "Cargo.toml")
