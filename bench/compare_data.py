#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prepares the same images here and with torchvision, in turn, on one core, and prints the ratios.

Usage: compare_data.py BUILD DIR [--rounds R] [--python P]
BUILD is the build folder, DIR holds class folders of JPEG files. Each round runs every way once on either side, in two
processes that stay; ratios are taken round by round. A pack and a folder in CIFAR's format (random pixels) are made in
a temporary folder. All files are in the page cache after the first round, which is not counted. Then our ways alone, with
one worker thread for each core."""
import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile

# Our way, torchvision's.
PAIRS = [("part-whole", "part"), ("part", "part"), ("part", "part-float"), ("rand-whole", "rand"), ("rand", "rand"),
         ("eval", "eval"), ("pack-part", "part"), ("pack-rand", "rand"), ("pack-eval", "eval"), ("cifar", "cifar")]


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rate(self, way, workers=0):
        """Images per second, and what it runs with."""
        self.process.stdin.write(f"{way} {workers}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"no answer to {way}")
        answer = json.loads(line)
        return answer["images"] / answer["seconds"], answer["with"]


def make_cifar(folder):
    folder.mkdir()
    pixels = random.Random(1)
    with open(folder / "test_batch.bin", "wb") as file:
        for _ in range(10000):
            file.write(bytes([pixels.randrange(10)]) + pixels.randbytes(3072))
    return folder


def compare(bench, peer, rounds):
    ours, theirs = Side(bench), Side(peer)
    rates = {(side, way): [] for pair in PAIRS for side, way in enumerate(pair)}
    versions = {}
    for number in range(-1, rounds):
        for side, way in rates:
            rate, versions[side] = (ours, theirs)[side].rate(way)
            if number >= 0:
                rates[side, way].append(rate)
    print(f"{versions[0]} against {versions[1]}; {rounds} rounds, img/s on one core, median (min..max)")
    for our_way, their_way in PAIRS:
        a, b = rates[0, our_way], rates[1, their_way]
        ratios = [x / y for x, y in zip(a, b)]
        print(f"{our_way:<11}{shown(a):<24} {their_way:<11}{shown(b):<22} {statistics.median(ratios):6.2f} x "
              f"({min(ratios):.2f}..{max(ratios):.2f})")


def print_scaling(bench, cores, rounds):
    os.sched_setaffinity(0, cores)
    ours = Side(bench)
    for way in ("part", "pack-part", "cifar"):
        counts = range(1, len(cores) + 1)
        rates = [[ours.rate(way, n)[0] for n in counts] for _ in range(rounds + 1)][1:]
        for n in counts:
            print(f"{way:<11}{n} worker(s) {shown([r[n - 1] for r in rates]):<24} "
                  f"{statistics.median(r[n - 1] / r[0] for r in rates):5.2f} x")


def shown(rates):
    return f"{statistics.median(rates):8.0f} ({min(rates):.0f}..{max(rates):.0f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("dir", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--python", default="/usr/bin/python3", help="the interpreter that has torchvision")
    o = parser.parse_args()
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})  # one core for both sides, who never run at once
    with tempfile.TemporaryDirectory() as temp:
        temp = pathlib.Path(temp)
        (temp / "root").mkdir()
        (temp / "root/train").symlink_to(o.dir.resolve())
        pack, cifar = temp / "x.pack", make_cifar(temp / "cifar")
        subprocess.run([o.build / "apps/salutrain", "pack", temp / "root", pack, "--size", "256"], check=True,
                       stdout=subprocess.DEVNULL)
        peer = pathlib.Path(__file__).parent / "peer/data_peer.py"
        bench = [o.build / "bench/bench_data", o.dir, pack, cifar]
        compare(bench, [o.python, peer, o.dir, cifar], o.rounds)
        print_scaling(bench, cores, o.rounds)


main()
