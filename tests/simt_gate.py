#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The gate of the shim in cuda/host: kernels without a mistake pass in every variant, and every seeded bug is
caught by at least one of them.

Usage: simt_gate.py VARIANT=PROGRAM... (plain, asan, tsan; programs of tests/simt/gate.cc). Prints the table that
docs/cuda-on-host.md shows; exit code 1 when a bug slips through or a correct kernel is reported."""
import os
import re
import subprocess
import sys

TIMEOUT = 300
# Text in the output of a process -> the tool that reported it. A crash is luck, not a report.
REPORTS = [
    (r"SUMMARY: AddressSanitizer", "ASan"),
    (r"runtime error:", "UBSan"),
    (r"SUMMARY: ThreadSanitizer", "TSan"),
    (r"CAUGHT by (\w+)", None),
    (r"MISSED", "-"),
]
MISSES = ("-", "crash", "hangs")


def run(program, *args, leaks=False):
    env = dict(os.environ, TSAN_OPTIONS="halt_on_error=1", ASAN_OPTIONS=f"detect_leaks={int(leaks)}")
    try:
        done = subprocess.run([program, *args], env=env, capture_output=True, text=True, errors="replace",
                              timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


def verdict(program, bug):
    # A kernel that was given up never frees what its threads held: leaks are looked for in correct kernels only.
    code, output = run(program, bug)
    if code is None:
        return "hangs"
    for pattern, name in REPORTS:
        match = re.search(pattern, output)
        if match:
            return name or match[1]
    return "crash"


def main():
    programs = dict(argument.split("=", 1) for argument in sys.argv[1:])
    if "plain" not in programs:
        sys.exit("simt_gate.py: no plain=PROGRAM among the arguments; expected VARIANT=PROGRAM...")
    failures = []
    for variant, program in programs.items():
        code, output = run(program, leaks=True)
        if code != 0:
            failures.append(f"{variant}: a correct kernel is reported, or wrong:\n{output[-3000:]}")
    bugs = run(programs["plain"], "--list")[1].split()
    if len(bugs) < 30:
        failures.append(f"{len(bugs)} seeded bugs; expected at least 30")
    print(f"{'seeded bug':<26}" + "".join(f"{variant:<10}" for variant in programs).rstrip())
    caught = dict.fromkeys(programs, 0)
    together = 0
    for bug in bugs:
        found = {variant: verdict(program, bug) for variant, program in programs.items()}
        print(f"{bug:<26}" + "".join(f"{found[variant]:<10}" for variant in programs).rstrip(), flush=True)
        for variant in programs:
            caught[variant] += found[variant] not in MISSES
        together += any(how not in MISSES for how in found.values())
    total = len(bugs)
    counts = ", ".join(f"{variant} {number}" for variant, number in caught.items())
    print(f"caught of {total}: {counts}; together {together}")
    # Without the sanitizers of g++ the gate is what the plain variant alone can promise.
    if together < total and len(programs) == 3:
        failures.append(f"{total - together} seeded bugs slip through")
    print("\n".join(failures))
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
