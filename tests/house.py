#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The rules of the house that a machine can check: format, lengths, contracts, twins, layers.

Usage: house.py SOURCE_DIR. Prints each breach; exit code 1 when there is one."""
import pathlib
import re
import shutil
import subprocess
import sys

MAX_FILE, MAX_FUNCTION = 400, 60
FLOORS = ["core", "autograd", "layers", "data", "models", "train", "apps"]
MAY_INCLUDE = {
    "core": {"core"},
    "autograd": {"core", "autograd"},
    "layers": {"core", "autograd", "layers"},
    "data": {"core", "data"},
    "models": {"core", "autograd", "layers", "models"},
    "train": {"core", "autograd", "layers", "models", "data", "train"},
    "apps": {"core", "cuda", "autograd", "layers", "models", "data", "train", "apps"},
}
LABELS = ["Forward:", "Backward:", "Shapes:", "Saved:", "Grad:", "Ref:"]
breaches = []


def breach(path, text):
    breaches.append(f"{path}: {text}")


def check_lengths(path, lines):
    if len(lines) > MAX_FILE:
        breach(path, f"{len(lines)} lines, limit {MAX_FILE}")
    start = None
    for number, line in enumerate(lines, 1):
        if re.match(r"[A-Za-z_~].*\)( const| override| noexcept)* \{$|^[^/ ].*\) : .*\{$", line):
            start = number
        if line == "}" and start:
            if number - start + 1 > MAX_FUNCTION:
                breach(path, f"function of {number - start + 1} lines at {start}, limit {MAX_FUNCTION}")
            start = None


def check_includes(root, path, lines):
    floor = path.relative_to(root).parts[0]
    for line in lines:
        match = re.match(r'#include "(\w+)/', line)
        if match and floor in MAY_INCLUDE and match[1] not in MAY_INCLUDE[floor]:
            breach(path, f"{floor} may not include {match[1]}: {line}")


def check_op_headers(root):
    build = (root / "core/meson.build").read_text()
    ops = re.findall(r"'(\w+)'", build[build.index("ops = [") : build.index("]\nforeach")])
    for op in ops:
        header = root / f"core/ops/{op}.h"
        text = header.read_text()
        for label in LABELS:
            if f"\n/// {label} " not in text:
                breach(header, f"the contract lacks a line that begins with '/// {label}'")


def check_text(path, lines):
    if "SPDX-License-Identifier: MIT" not in lines[0]:
        breach(path, "the first line must be the SPDX line")
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
            breach(path, f"left behind at {number}: {line.strip()}")


def check_format(files):
    tool = shutil.which("clang-format")
    version = subprocess.run([tool, "--version"], capture_output=True, text=True).stdout if tool else ""
    if "version 14." not in version:
        print("format not checked: it needs clang-format 14")
        return
    run = subprocess.run([tool, "--dry-run", "-Werror", *map(str, files)], capture_output=True, text=True)
    for line in run.stderr.splitlines():
        if "error:" in line:
            breaches.append(line)


def main():
    root = pathlib.Path(sys.argv[1])
    files = [p for floor in FLOORS + ["tests", "bench", "cuda"] for p in sorted((root / floor).rglob("*"))
             if p.suffix in {".h", ".cc", ".cu", ".cuh"}]
    for path in files:
        lines = path.read_text().splitlines()
        check_lengths(path, lines)
        check_includes(root, path, lines)
        check_text(path, lines)
    check_op_headers(root)
    check_format(files)
    print("\n".join(breaches) or f"{len(files)} files keep the rules")
    return bool(breaches)


sys.exit(main())
