#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Flips every sign in the gradients of the SALU family, and between its stored parameters and its curve, one at a time;
the gradient checks must catch each one.

Usage: mutate_salu.py SOURCE_DIR WORK_DIR. Builds a copy of the source in WORK_DIR. Exit code 1 when a mutant survives."""
import pathlib
import re
import shutil
import subprocess
import sys

FILE = "core/ops/salu_math.h"
FUNCTIONS = ["add(T upstream_times_s", "salu_gradient(", "swalu_gradient(", "galu_gradient(",
             "member_gradient(", "curve_of(", "coefficient_gradients("]


def gradient_lines(text):
    """Numbers of the lines inside the gradient functions."""
    lines, inside, depth = [], False, 0
    for number, line in enumerate(text.splitlines()):
        if not inside and any(name in line for name in FUNCTIONS):
            inside, depth = True, 0
        if inside:
            lines.append(number)
            depth += line.count("{") - line.count("}")
            if depth == 0 and "}" in line:
                inside = False
    return lines


def replacements(code):
    """(position, old, new, description): flipped operators, negated results, negated upstream gradients."""
    for match in re.finditer(r"(?<= )[+-](?= )|(?<=[=(,{?:] )-(?=\w)|(?<=[({])-(?=\w)", code):
        yield match.start(), match[0], {"+": "-", "-": "+"}[match[0]], "sign flipped"
    for match in re.finditer(r"return (?=dy|half)|sums\.add\((?=dy|half)|T\(0\.5\)(?= \* dy)", code):
        new = {"return ": "return T(-1) * ", "sums.add(": "sums.add(T(-1) * ", "T(0.5)": "T(-0.5)"}[match[0]]
        yield match.start(), match[0], new, "factor negated"


def mutants(text):
    """(description, mutated text) for each sign."""
    lines = text.splitlines()
    for number in gradient_lines(text):
        code = lines[number].split("//")[0]
        for at, old, new, what in replacements(code):
            line = lines[number][:at] + new + lines[number][at + len(old):]
            yield (f"{FILE}:{number + 1}: {what}: {line.strip()}",
                   "\n".join(lines[:number] + [line] + lines[number + 1:]) + "\n")


def run(command, folder):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def gradient_checks_fail(folder):
    build = run(["ninja", "-C", "build", "tests/test_op"], folder)
    if build.returncode:
        sys.exit(f"the mutant does not compile:\n{build.stdout[-2000:]}")
    return run(["build/tests/test_op", "gradients*"], folder).returncode != 0


def main():
    source, work = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(source, work, ignore=shutil.ignore_patterns("build*", ".git", "runs"))
    if (setup := run(["meson", "setup", "build", "-Doptimization=0", "-Dcuda=disabled"], work)).returncode:
        sys.exit(setup.stdout)
    if gradient_checks_fail(work):
        sys.exit("the gradient checks fail without a mutation")
    original = (work / FILE).read_text()
    survivors = total = 0
    for description, text in mutants(original):
        (work / FILE).write_text(text)
        caught = gradient_checks_fail(work)
        print(f"{'caught  ' if caught else 'SURVIVED'} {description}", flush=True)
        survivors, total = survivors + (not caught), total + 1
    print(f"{total} sign flips, {total - survivors} caught")
    return survivors > 0 or total < 20


sys.exit(main())
