#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A training run that is killed or signalled at random points loses nothing: the newest complete checkpoint loads, and a
resumed run ends with the bytes of one that was left alone.

Usage: kill_test.py SALUTRAIN SALUEVALUATE [--kills N] [--signals N] [--seed N]"""
import argparse
import hashlib
import json
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background hands down an ignored one
EPOCHS, BATCHES = 3, 4
FLAGS = ["--dataset", "shapes", "--model", "salunet_c8", "--img-size", "16", "--train-num-samples", str(16 * BATCHES),
         "--val-num-samples", "160", "--validation-batch-size", "20", "--batch-size", "16", "--epochs", str(EPOCHS), "--opt",
         "adamw", "--model-ema", "--model-ema-decay", "0.9", "--drop", "0.1", "--recovery-interval", "1", "--log-interval", "1",
         "--threads", "1", "--workers", "1", "--progress", "none", "--report", "false"]
PHASES = ["start-up", "training", "evaluation", "saving", "twice"]
TRIES = 30  # to hit a phase; every try has to keep the promises
STOP_SECONDS = 10  # a step, a save and one second, on a busy machine


def require(condition, text):
    if not condition:
        raise AssertionError(text)


class Runs:
    """Starts, resumes and scores runs in folders of its own."""

    def __init__(self, train, evaluate):
        self.train, self.evaluate = train, evaluate
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.count = 0
        start = time.monotonic()
        whole = self.finish("whole", "--output", self.root / "whole")
        self.seconds = time.monotonic() - start
        self.whole = digest_of(whole)

    def start(self):
        self.count += 1
        folder = self.root / f"run{self.count}"
        process = subprocess.Popen([self.train, *FLAGS, "--output", str(folder)], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        return process, folder

    def finish(self, name, *flags):
        """Runs to the end; the folder."""
        given = FLAGS if "--output" in flags else ["--progress", "none", "--report", "false"]
        done = subprocess.run([self.train, *given, *map(str, flags)], capture_output=True, text=True, timeout=600)
        require(done.returncode == 0, f"{name}: exit code {done.returncode}: {done.stderr}")
        return flags[-1]

    def check(self, folder, before):
        """Checks that complete checkpoints load, that none of `before` is lost, and that a resumed run ends as the whole one."""
        complete = complete_steps(folder)
        if not complete:
            require(not before, f"{folder}: {before} are gone")
            self.finish("again", "--overwrite", "--output", folder)
        else:
            require(max(complete) >= max(before, default=0), f"{folder}: {before} became {complete}")
            scored = subprocess.run([self.evaluate, str(folder), "--num-samples", "1"], capture_output=True, text=True,
                                    timeout=600)
            require(scored.returncode == 0, f"{folder}: {scored.stderr}")
            self.finish("resume", "--resume", folder)
        require(digest_of(folder) == self.whole, f"{folder}: other weights than the run that was left alone")
        left = [p.name for p in (folder / "checkpoints").iterdir() if p.name.startswith(".")]
        require(not left, f"{folder}: {left} remain")
        shutil.rmtree(folder)


def digest_of(folder):
    files = ["model.safetensors", "state.safetensors"]
    return [hashlib.sha256((pathlib.Path(folder) / "last" / name).read_bytes()).hexdigest() for name in files]


def names_in(folder):
    try:
        return [p.name for p in (folder / "checkpoints").iterdir()]
    except FileNotFoundError:
        return []


def complete_steps(folder):
    """Steps of the checkpoints that have their names."""
    steps = []
    for name in names_in(folder):
        kind, _, number = name.partition("-")
        if kind in ("epoch", "step"):
            steps.append(int(number) * (BATCHES if kind == "epoch" else 1))
    return steps


def progress_of(folder):
    data = (folder / "last/state.safetensors").read_bytes()
    header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    return json.loads(header["__metadata__"]["salu.progress"])


def rows_in(folder):
    try:
        return (folder / "metrics.jsonl").read_text().count("\n")
    except FileNotFoundError:
        return 0


def is_saving(folder):
    return any(name.startswith(".tmp-") for name in names_in(folder))


def wait_for(condition, process):
    while process.poll() is None and not condition():
        time.sleep(0.0002)


def kill_at_random(runs, rng):
    """True when the run had not ended before."""
    process, folder = runs.start()
    time.sleep(rng.uniform(0, runs.seconds))
    before = complete_steps(folder)
    ended = process.poll() is not None
    process.kill()
    process.communicate()
    runs.check(folder, before)
    return not ended


def go_to(phase, process, folder, rng, runs):
    """Waits until the run is, or should be, in the phase."""
    if phase == "start-up":
        wait_for((folder / ".salunet").exists, process)
        time.sleep(rng.uniform(0, 0.005))
    elif phase == "training":
        row = rng.randrange(1, EPOCHS * BATCHES)
        wait_for(lambda: rows_in(folder) >= row, process)
    elif phase == "evaluation":
        row = BATCHES * rng.randrange(1, EPOCHS + 1)
        wait_for(lambda: rows_in(folder) >= row, process)
        time.sleep(rng.uniform(0, runs.seconds / 20))
    else:
        step = rng.randrange(0, EPOCHS * BATCHES - 1)
        wait_for(lambda: rows_in(folder) > step and is_saving(folder), process)


def phase_of(folder, was_saving):
    """The part of a run that the first signal interrupted."""
    if was_saving:
        return "saving"
    at = progress_of(folder)
    if at["step"] == 0:
        return "start-up"
    return "evaluation" if at["batch"] == BATCHES else "training"


def signal_in(phase, which, runs, rng):
    """One run, one signal (or two of them); the phase that it hit, and the seconds it took to stop."""
    process, folder = runs.start()
    go_to(phase, process, folder, rng, runs)
    before, saving = complete_steps(folder), is_saving(folder)
    if process.poll() is not None:
        runs.check(folder, before)
        return "none", 0
    process.send_signal(which)
    saving = saving and is_saving(folder)
    start = time.monotonic()
    if phase == "twice":
        time.sleep(rng.uniform(0, 0.003))
        process.send_signal(which)
    out, err = process.communicate(timeout=60)
    seconds = time.monotonic() - start
    require(seconds < STOP_SECONDS, f"{phase}: {seconds:.1f} s to stop")
    require(process.returncode == 128 + which, f"{phase}: exit code {process.returncode}: {err}")
    require(re.search("salutrain --resume|score it:", out), f"{phase}: {out}")
    hit = phase if phase == "twice" else phase_of(folder, saving)
    runs.check(folder, before)
    return hit, seconds


def signals(runs, rng, count):
    hits, slowest = dict.fromkeys(PHASES + ["none"], 0), 0
    for i in range(count):
        phase, which = PHASES[i % len(PHASES)], rng.choice([signal.SIGTERM, signal.SIGINT])
        for _ in range(TRIES):
            hit, seconds = signal_in(phase, which, runs, rng)
            hits[hit] += 1
            slowest = max(slowest, seconds)
            if hit == phase:
                break
        else:
            raise AssertionError(f"{phase}: not hit in {TRIES} tries: {hits}")
    missed = hits.pop("none")
    print(f"signals: {sum(hits.values())} runs stopped and resumed, "
          + ", ".join(f"{n} in {phase}" if phase != "twice" else f"{n} by a signal that came twice" for phase, n in hits.items())
          + f"; slowest stop {slowest:.2f} s; {missed} signals came after the end")


def check_second_signal(runs):
    """In the middle of a long step the first signal waits for its end, one that comes a second later does not."""
    folder = runs.root / "slow"
    flags = ["--dataset", "shapes", "--model", "salunet_c8", "--train-num-samples", "3000", "--batch-size", "3000",
             "--val-num-samples", "10", "--epochs", "2", "--threads", "1", "--workers", "2", "--progress", "none", "--report",
             "false"]
    process = subprocess.Popen([runs.train, *flags, "--output", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for((folder / "last").exists, process)
    process.send_signal(signal.SIGTERM)
    time.sleep(1.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    require(process.returncode == 143, f"second signal: exit code {process.returncode}")
    require(names_in(folder) == ["epoch-0001"], f"second signal: {names_in(folder)}")
    scored = subprocess.run([runs.evaluate, str(folder), "--num-samples", "1"], capture_output=True, text=True, timeout=60)
    require(scored.returncode == 0, scored.stderr)


def check_before_folder(runs, rng):
    """Before a run has a folder there is nothing to save: the signal just ends it."""
    process, folder = runs.start()
    time.sleep(rng.uniform(0, 0.01))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    if process.returncode == -signal.SIGTERM:
        require(not folder.exists(), f"{folder} was left behind")
    else:
        require(process.returncode == 143, f"exit code {process.returncode}")
        runs.check(folder, [])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("salutrain")
    parser.add_argument("saluevaluate")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--signals", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    rng = random.Random(options.seed)
    runs = Runs(options.salutrain, options.saluevaluate)
    try:
        killed = late = 0
        while killed < options.kills:
            if kill_at_random(runs, rng):
                killed += 1
            else:
                late += 1
        print(f"kill -9: {killed} runs killed at random points of {runs.seconds:.2f} s, 0 checkpoints lost, {killed} ended with "
              f"the same bytes; {late} kills came after the end", flush=True)
        signals(runs, rng, options.signals)
        check_second_signal(runs)
        for _ in range(max(1, options.signals // 10)):
            check_before_folder(runs, rng)
    finally:
        shutil.rmtree(runs.root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
