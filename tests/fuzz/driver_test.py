#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The fuzzing loop finds planted bugs, saves the input that shows each, and finds it again in that file.

Usage: driver_test.py FUZZ"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

FUZZ = sys.argv[1]


def fuzz(*arguments):
    return subprocess.run([FUZZ, *map(str, arguments)], capture_output=True, text=True, timeout=300)


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="salunet-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def test_bugs_are_found_and_found_again(self):
        for name, message in (("overflow", "heap-buffer-overflow"), ("undefined", "signed integer overflow"),
                              ("endless", "more than 1 s of CPU time"), ("hungry", "bytes of memory; limit"),
                              ("code", "error with exit code 1: a bug"), ("exception", "another exception: at"),
                              ("result", "a wrong result")):
            with self.subTest(bug=name):
                found = fuzz(f"planted-{name}", "--count", 20000, "--save", self.dir)
                self.assertEqual(found.returncode, 1, found.stderr)
                self.assertIn(message, found.stderr)
                (saved,) = self.dir.glob(f"fuzz-planted-{name}-*")
                self.assertTrue(saved.read_bytes().startswith(b"AB"))
                again = fuzz(f"planted-{name}", saved, "--save", self.dir / "again")
                self.assertEqual(again.returncode, 1, again.stderr)
                self.assertIn(message, again.stderr)

    def test_memory_that_is_kept(self):
        found = fuzz("planted-leak", "--count", 2000, "--save", self.dir)
        self.assertEqual(found.returncode, 1, found.stderr)
        self.assertIn("bytes are kept by 1000 inputs", found.stderr)
        self.assertNotIn("AddressSanitizer", found.stderr)  # the last input is gone by then

    def test_memory_that_is_lost(self):
        found = fuzz("planted-lost", "--count", 200, "--save", self.dir)
        self.assertNotEqual(found.returncode, 0, found.stderr)
        self.assertIn("LeakSanitizer", found.stderr)

    def test_a_reader_that_looks_at_nothing(self):
        found = fuzz("planted-deaf", "--count", 1000, "--save", self.dir)
        self.assertEqual(found.returncode, 1, found.stderr)
        self.assertIn("nothing is tested", found.stderr)

    def test_the_same_seed_gives_the_same_inputs(self):
        runs = [fuzz("pnm", "--count", 2000, "--seed", seed).stdout for seed in (1, 1, 2)]
        counted = [text.split(" inputs/s")[0].rsplit(",", 1)[0] for text in runs]
        self.assertIn("accepted", counted[0])
        self.assertEqual(counted[0], counted[1])
        self.assertNotEqual(counted[0], counted[2])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
