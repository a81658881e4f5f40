#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sums the test cases of all test programs of one `meson test` run and prints `N passed, N failed` last.

A program that ends without the summary of Catch2 or unittest (a crash, a script) counts as one test case."""
import json
import re
import sys


def cases(stdout, ok):
    """(passed, failed) of one program."""
    if match := re.search(r"All tests passed \(\d+ assertions? in (\d+) test cases?\)", stdout):
        return int(match[1]), 0
    if match := re.search(r"test cases:\s+(\d+) \|(.*)", stdout):
        failed = re.search(r"(\d+) failed", match[2])
        failed = int(failed[1]) if failed else 0
        return int(match[1]) - failed, failed
    if match := re.search(r"Ran (\d+) tests? in", stdout):  # Python's unittest
        failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", stdout))
        skipped = sum(int(n) for n in re.findall(r"skipped=(\d+)", stdout))
        return int(match[1]) - failed - skipped, failed
    return (1, 0) if ok else (0, 1)


def main():
    passed = failed = skipped = 0
    for line in open(sys.argv[1], encoding="utf-8"):
        run = json.loads(line)
        if run["result"] == "SKIP":
            skipped += 1
            said = (run.get("stdout") or "").strip().splitlines()
            print(f"skipped: {run['name']}" + (f" ({said[-1].removeprefix('skipped: ')})" if said else ""))
            continue
        good, bad = cases((run.get("stdout") or "") + (run.get("stderr") or ""), run["result"] == "OK")
        if run["result"] != "OK" and bad == 0:
            bad = 1  # crashed after its last summary, or timed out
        passed, failed = passed + good, failed + bad
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed > 0 or passed == 0


sys.exit(main())
