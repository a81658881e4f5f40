#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains the same network here and in every mode of PyTorch, in turn, and prints a table with the ratios.

Usage: compare_train.py BENCH_TRAIN [--model M] [--batch B] [--img-size S] [--threads T] [--steps N] [--rounds R]
                        [--only WORD...] [--limit SECONDS] [--python PYTHON]
Each round runs ours and PyTorch's modes (eager or compile, f32 or bf16 autocast, contiguous or channels_last) in new
processes. `.ci/install --newest` brings the newest PyTorch. A mode that fails or takes longer than --limit for one
process is named with the reason and not tried again. Each mode has a new compile cache, so that the first round shows
how long a user waits for the first step."""
import argparse
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

PEER = pathlib.Path(__file__).parent / "peer/train_peer.py"


class Side:
    """A program and its rounds."""

    def __init__(self, name, command):
        self.name, self.command = name, [str(word) for word in command]
        self.rounds, self.failure = [], ""

    def run(self, caches, limit):
        environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": os.path.join(caches, self.name.replace(" ", "_"))}
        try:
            done = subprocess.run(self.command, capture_output=True, text=True, env=environment, timeout=limit)
        except subprocess.TimeoutExpired:
            self.failure = f"more than {limit} s"
            return
        if done.returncode:
            self.failure = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        else:
            self.rounds.append(json.loads(done.stdout))

    def medians(self):
        return [statistics.median(one["ms"]) for one in self.rounds]

    def complete(self):
        return self.rounds and not self.failure


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench_train", type=pathlib.Path)
    parser.add_argument("--model", default="salunet_c18")
    parser.add_argument("--batch", default=32, type=int)
    parser.add_argument("--img-size", default=32, type=int)
    parser.add_argument("--threads", default=1, type=int)
    parser.add_argument("--steps", default=5, type=int)
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--only", nargs="+", default=[""], help="only modes whose names have one of these words")
    parser.add_argument("--limit", default=600, type=float, help="seconds for one process")
    parser.add_argument("--python", type=pathlib.Path, help="has torch; BUILD/python_newest/bin/python3 if not given")
    o = parser.parse_args()
    o.python = o.python or o.bench_train.absolute().parents[1] / "python_newest/bin/python3"
    if not o.python.exists():
        sys.exit(f"compare_train: {o.python}: not found; expected a Python with torch. .ci/install --newest installs it")
    return o


def sides_of(o):
    ours = [Side(f"ours {precision}", [o.bench_train, o.model, o.batch, o.threads, o.steps, o.img_size, precision])
            for precision in ("f32", "bf16")]
    theirs = []
    for run, precision, layout in itertools.product(("eager", "compile"), ("f32", "bf16"), ("contiguous", "channels_last")):
        theirs.append(Side(f"{run} {precision} {layout}", [
            o.python, PEER, o.model, "--batch", o.batch, "--img-size", o.img_size, "--threads", o.threads, "--steps", o.steps,
            "--compile", "none" if run == "eager" else "default", "--precision", precision, "--layout", layout]))
    return [[side for side in group if any(word in side.name for word in o.only)] for group in (ours, theirs)]


def ratios(ours, side):
    """How many times as fast as `side` ours is, round by round."""
    return [theirs / mine for mine, theirs in zip(ours.medians(), side.medians())]


def span(values, digits):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}..{max(values):.{digits}f})"


def row(side, ours):
    if not side.complete():
        return f"| {side.name} | not measured: {side.failure} |" + " |" * (3 + len(ours))
    memory = max(one["peak_rss_mib"] for one in side.rounds)
    first = side.rounds[0]["first_s"]
    cells = [span([ms for one in side.rounds for ms in one["ms"]], 1), f"{memory:.0f}", f"{first:.1f}"]
    cells += ["" if side in ours else span(ratios(mine, side), 2) for mine in ours]
    return f"| {side.name} | {' | '.join(cells)} |"


def main():
    o = arguments()
    ours, theirs = sides_of(o)
    with tempfile.TemporaryDirectory() as caches:
        for turn in range(o.rounds):
            for side in ours + theirs:
                if not side.failure:
                    print(f"round {turn + 1}: {side.name}", file=sys.stderr)
                    side.run(caches, o.limit)
    versions = {one["torch"] for side in theirs for one in side.rounds}
    print(f"{o.model}, batch {o.batch}, {o.img_size} pixels, {o.threads} thread(s), {o.rounds} rounds of {o.steps} steps, "
          f"PyTorch {', '.join(sorted(versions))}\n")
    shown = [side for side in ours if side.complete()]
    heads = ["mode", "ms per step", "MiB", "first step, s", *(f"{side.name} is faster by" for side in shown)]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for side in ours + theirs:
        print(row(side, shown))
    measured = [side for side in theirs if side.complete()]
    if not shown or not measured:
        sys.exit("compare_train: nothing to compare")
    best = min(measured, key=lambda side: statistics.median(side.medians()))
    print()
    for side in shown:
        print(f"{side.name} against PyTorch's best, {best.name}: {span(ratios(side, best), 2)}")


main()
