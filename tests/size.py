#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Measures the product: files and lines by folder, the median and the longest file, the longest function.

Usage: size.py SOURCE_DIR [--limits]
With --limits the exit code is 1 when the product is larger than it may be."""
import pathlib
import re
import statistics
import sys

FOLDERS = ["core", "autograd", "layers", "models", "data", "train", "run", "score", "apps", "cuda"]
SUFFIXES = {".h", ".cc", ".cu", ".cuh"}
MAX_LINES, MAX_FILES, MIN_MEDIAN = 38_500, 400, 70
MAX_FILE, MAX_FUNCTION = 400, 60
NO_FUNCTION = "namespace|class|struct|enum|union|extern|else|do|switch|for|while|if|try|catch|return"


def functions(lines):
    """(length, number of the first line) of every function. clang-format begins the last line of a function with the
    closing brace, at the indentation of the line where the function begins."""
    opened, before = {}, ";"
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0].strip()
        indent = len(line) - len(line.lstrip())
        if code in ("}", "};", "});", "},") and indent in opened:
            start = opened.pop(indent)
            yield number - start + 1, start
        elif before.endswith((";", "{", "}", ":")) and begins_function(lines[number - 1 :]):
            opened[indent] = number
        before = code if code and not code.startswith("#") else ";"


def begins_function(lines):
    """Whether the first of these lines begins a statement `name(...) ... {` that is neither control flow nor a scope."""
    if re.match(rf" *(\W|$|({NO_FUNCTION})\b)", lines[0]):
        return False
    head = ""
    for line in lines[:16]:
        head += line.split("//")[0].strip() + " "
        if head.endswith(("{ ", "; ", "} ")):
            break
    return "(" in head and head.count("(") == head.count(")") and head.endswith("{ ")


def row(name, files):
    lengths = sorted(len(lines) for _, lines in files)
    longest = max(files, key=lambda file: len(file[1]))
    function = max(((*found, path) for path, lines in files for found in functions(lines)), default=(0, 0, ""))
    print(f"{name:<10} {len(files):5} {sum(lengths):7,} {statistics.median(lengths):7.0f} "
          f"{len(longest[1]):5} {str(longest[0]):<38} {function[0]:5} {function[2]}:{function[1]}")
    return function[0]


def main():
    root, limits = pathlib.Path(sys.argv[1]), sys.argv[2:] == ["--limits"]
    product = {}
    for folder in FOLDERS:
        paths = sorted(path for path in (root / folder).rglob("*") if path.suffix in SUFFIXES)
        product[folder] = [(path.relative_to(root), path.read_text(encoding="utf-8").splitlines()) for path in paths]
    every = [file for files in product.values() for file in files]
    print(f"{'folder':<10} {'files':>5} {'lines':>7} {'median':>7} {'longest file':<44} {'longest function'}")
    for folder, files in product.items():
        row(folder, files)
    function = row("product", every)
    lengths = [len(lines) for _, lines in every]
    breaches = [text for text, breached in (
        (f"{sum(lengths):,} lines; expected at most {MAX_LINES:,}", sum(lengths) > MAX_LINES),
        (f"{len(every)} files; expected at most {MAX_FILES}", len(every) > MAX_FILES),
        (f"a median file of {statistics.median(lengths):.0f} lines; expected at least {MIN_MEDIAN}",
         statistics.median(lengths) < MIN_MEDIAN),
        (f"a file of {max(lengths)} lines; expected at most {MAX_FILE}", max(lengths) > MAX_FILE),
        (f"a function of {function} lines; expected at most {MAX_FUNCTION}", function > MAX_FUNCTION)) if breached]
    if limits and breaches:
        sys.exit("\n".join(breaches))


main()
