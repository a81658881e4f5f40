# SPDX-License-Identifier: MIT
"""The shim is tested by kernels that are wrong on purpose: every one must be caught by some variant, and no variant may
report a correct kernel.

usage: simt_gate.py VARIANT=PROGRAM...
"""
import os
import subprocess
import sys

SIGNS = [
    ("SUMMARY: AddressSanitizer", "asan"),
    ("SUMMARY: ThreadSanitizer", "race"),
    ("runtime error:", "ubsan"),
]
# Seeded bugs leave memory behind, and a failed launch leaves fibers.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", "TSAN_OPTIONS": "halt_on_error=1"}


def run(program, *arguments, environment=ENVIRONMENT):
    return subprocess.run([program, *arguments], env=environment, capture_output=True, text=True, errors="replace",
                          timeout=120)


def verdict(program, bug):
    """How the variant caught the bug, or "-". A crash is luck, not a report."""
    result = run(program, bug)
    text = result.stdout + result.stderr
    for sign, name in SIGNS:
        if sign in text:
            return name
    return result.stdout.split(":")[0].strip() if result.returncode == 0 else "-"


def main():
    programs = dict(argument.split("=", 1) for argument in sys.argv[1:])
    failures = 0
    for variant, program in programs.items():
        result = run(program, environment={**ENVIRONMENT, "ASAN_OPTIONS": ""})
        if result.returncode != 0:
            print(f"{variant}: a correct kernel was reported\n{result.stdout}{result.stderr}")
            failures += 1
    bugs = run(next(iter(programs.values())), "--list").stdout.split()
    caught = dict.fromkeys(programs, 0)
    together = 0
    print(f"{'seeded bug':<22}" + "".join(f"{variant:<10}" for variant in programs))
    for bug in bugs:
        verdicts = {variant: verdict(program, bug) for variant, program in programs.items()}
        for variant, how in verdicts.items():
            caught[variant] += how != "-"
        together += any(how != "-" for how in verdicts.values())
        print(f"{bug:<22}" + "".join(f"{verdicts[variant]:<10}" for variant in programs))
    counts = ", ".join(f"{variant} {count}" for variant, count in caught.items())
    print(f"caught of {len(bugs)}: {counts}, together {together}")
    sys.exit(failures > 0 or together != len(bugs) or len(bugs) < 21)


if __name__ == "__main__":
    main()
