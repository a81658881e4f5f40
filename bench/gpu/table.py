#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns the JSON lines of a GPU run into one markdown table of ratios, each beside its bar and its prediction.

Usage: table.py FILE.json..."""
import json
import sys

from goals import CEILINGS, GOALS, RATES, Results


def read(paths):
    lines = []
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    line = json.loads(text)
                except json.JSONDecodeError:
                    print(f"{path}: line {number} is no JSON; left out", file=sys.stderr)  # a part was cut off
                    continue
                if isinstance(line, dict):
                    lines.append(line)
    return lines


def verdict(value, bar):
    if value is None:
        return "not measured"
    sign, limit = bar
    return "met" if (value >= limit if sign == ">=" else value <= limit) else "missed"


def number(value, digits=3):
    return "not measured" if value is None else f"{value:.{digits}g}" if value < 1000 else f"{value:.0f}"


def goal_rows(results):
    for name, what, bar, expected, value in GOALS:
        got = value(results)
        yield name, what, f"{bar[0]} {bar[1]:g}" if name else "", expected, number(got), verdict(got, bar) if name else ""


def rate_rows(results):
    for case, key, planned in CEILINGS:
        got = [line[key] for line in results.kernel("ceiling", case)]
        yield case, planned, "", number(got[0] if got else None, 4)
    for net, target, floor in RATES:
        line = next((line for line in results.lines if line.get("part") == "networks" and "a" in line and
                     line["pair"].startswith(net + " ")), None)
        yield f"{net}, images/s", target, floor, number(line["a"]["img_per_s"] if line else None)


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")
    print()


def main():
    if len(sys.argv) < 2:
        sys.exit("usage: table.py FILE.json...")
    results = Results(read(sys.argv[1:]))
    checks = results.of("correct")
    failed = [line["check"] for line in checks if line["ok"] is False]
    skipped = [line["check"] for line in checks if line["ok"] is None]
    unfinished = [line["check"] for line in checks if line["ok"] == "not finished"]
    print(f"Correctness: {sum(line['ok'] is True for line in checks)} of {len(checks)} checks passed"
          + (f"; skipped: {', '.join(skipped)}" if skipped else "")
          + (f"; not finished: {', '.join(unfinished)}" if unfinished else "")
          + (f"; FAILED: {', '.join(failed)}. No number below counts." if failed else "." if checks else
             ": none was run, so no number below counts.") + "\n")
    table(("goal", "ratio", "bar", "planned", "result", ""), goal_rows(results))
    table(("what", "planned", "floor", "result"), rate_rows(results))
    errors = [line for line in results.lines if "error" in line]
    if errors:
        print("Not run:")
        for line in errors:
            name = line.get("pair") or " ".join(str(line[k]) for k in ("family", "case", "variant") if k in line)
            print(f"- {name}: {line['error']}")
    return bool(failed)


sys.exit(main())
