#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains on one thread and on all, in turn, alone and beside a process of higher priority that keeps a core busy.

Usage: compare_threads.py BENCH_TRAIN [--model M] [--batch B] [--threads T] [--steps N] [--rounds R]
Prints how many times as fast several threads are as one. The higher priority (nice -10) is root's to give."""
import argparse
import contextlib
import json
import multiprocessing
import os
import statistics
import subprocess


def spin(core):
    os.sched_setaffinity(0, {core})
    os.nice(-10)
    while True:
        pass


@contextlib.contextmanager
def busy_core(wanted):
    process = multiprocessing.Process(target=spin, args=[max(os.sched_getaffinity(0))], daemon=True)
    if wanted:
        process.start()
    try:
        yield
    finally:
        if wanted:
            process.terminate()
            process.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench_train")
    parser.add_argument("--model", default="salunet_c20")
    parser.add_argument("--batch", default=128, type=int)
    parser.add_argument("--threads", default=2, type=int)
    parser.add_argument("--steps", default=5, type=int)
    parser.add_argument("--rounds", default=5, type=int)
    o = parser.parse_args()

    def milliseconds(threads):
        words = [o.bench_train, o.model, o.batch, threads, o.steps]
        done = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True)
        return statistics.median(json.loads(done.stdout)["ms"])

    for busy in (False, True):
        ratios = []
        for _ in range(o.rounds):
            with busy_core(busy):
                one, several = milliseconds(1), milliseconds(o.threads)
            ratios.append(one / several)
            print(f"{'a core busy' if busy else 'alone'}: {one:.1f} ms on one thread, {several:.1f} ms on {o.threads}", flush=True)
        print(f"{o.model}, batch {o.batch}, {'a core busy' if busy else 'alone'}: {statistics.median(ratios):.2f} times as fast "
              f"({min(ratios):.2f}..{max(ratios):.2f})", flush=True)


if __name__ == "__main__":
    main()
