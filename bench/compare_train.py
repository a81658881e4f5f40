#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the same network here and in PyTorch, in turn, and prints the ratios.

Usage: compare_train.py BENCH_TRAIN [--model M] [--batch B] [--threads T] [--steps N] [--rounds R]
Each round runs ours, PyTorch contiguous, PyTorch channels_last, in new processes; the peer is its faster layout."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys


def run(*command):
    result = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if result.returncode:
        sys.exit(result.stderr)
    return json.loads(result.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench_train")
    parser.add_argument("--model", default="salunet_c18")
    parser.add_argument("--batch", default=32, type=int)
    parser.add_argument("--threads", default=1, type=int)
    parser.add_argument("--steps", default=5, type=int)
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--python", default="/usr/bin/python3", help="the interpreter that has torch")
    o = parser.parse_args()
    peer = pathlib.Path(__file__).parent / "peer/train_peer.py"
    what = [o.model, o.batch, o.threads, o.steps]
    theirs = [o.python, peer, o.model, "--batch", o.batch, "--threads", o.threads, "--steps", o.steps, "--layout"]
    sides = {"ours": [o.bench_train, *what], "contiguous": [*theirs, "contiguous"],
             "channels_last": [*theirs, "channels_last"]}
    ms, memory = {side: [] for side in sides}, {side: 0 for side in sides}
    per_round = {side: [] for side in sides}
    for _ in range(o.rounds):
        for side, command in sides.items():
            result = run(*command)
            ms[side] += result["ms"]
            per_round[side].append(statistics.median(result["ms"]))
            memory[side] = max(memory[side], result["peak_rss_mib"])
            torch_version = result.get("torch", "")
    print(f"{o.model}, batch {o.batch}, {o.threads} thread(s), {o.rounds} rounds of {o.steps} steps, "
          f"PyTorch {torch_version}")
    for side in sides:
        low, high = min(ms[side]), max(ms[side])
        median = statistics.median(ms[side])
        print(f"{side:<14} {median:9.1f} ms/step ({low:.1f}..{high:.1f})  {1e3 * o.batch / median:8.1f} img/s  "
              f"{memory[side]:7.0f} MiB")
    faster = min(("contiguous", "channels_last"), key=lambda side: statistics.median(ms[side]))
    ratios = [slow / fast for fast, slow in zip(per_round["ours"], per_round[faster])]
    print(f"ours against {faster}: {statistics.median(ratios):.2f} x by the medians of the rounds "
          f"({min(ratios):.2f}..{max(ratios):.2f}), memory {memory['ours'] / memory[faster]:.2f}")


main()
