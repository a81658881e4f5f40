#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains a network in f32 and in bf16 on the same batches and compares the loss curves.

Usage: compare_precision.py SALUTRAIN [--steps S] [--window W] FLAGS
FLAGS go to both runs: --dataset cifar10 --data-dir DIR --model salunet_c20. A row is the mean loss of W steps. The exit
code is 1 when the means of a row differ by more than 2 %."""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile


def losses(command, folder, steps):
    subprocess.run([*command, "--output", folder, "--max-steps", str(steps), "--log-interval", "1", "--report", "false",
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return [json.loads(line)["loss"] for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("salutrain")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--window", type=int, default=50)
    options, flags = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as folder:
        f32, bf16 = (losses([options.salutrain, *flags, "--precision", precision], pathlib.Path(folder) / precision, options.steps)
                     for precision in ("f32", "bf16"))
    print("steps     f32 loss  bf16 loss  difference")
    worst = 0.0
    for begin in range(0, len(f32), options.window):
        a, b = (statistics.fmean(curve[begin:begin + options.window]) for curve in (f32, bf16))
        worst = max(worst, abs(b / a - 1))
        print(f"{begin + 1:3}..{min(begin + options.window, len(f32)):3}  {a:9.4f}  {b:9.4f}  {100 * (b / a - 1):+9.3f} %")
    return int(worst > 0.02)


if __name__ == "__main__":
    sys.exit(main())
