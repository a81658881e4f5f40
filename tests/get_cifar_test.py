#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""data/get_cifar.sh on archives in a folder: no network.

Usage: get_cifar_test.py GET_CIFAR"""
import hashlib
import io
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

SCRIPT = sys.argv[1]
MISSING = [tool for tool in ("curl", "md5sum", "tar", "gzip") if not shutil.which(tool)]


def archive(names, seed=1):
    """A .tar.gz with files of random bytes, so that it does not get much smaller than they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 5000
            tar.addfile(info, io.BytesIO(random.Random(seed).randbytes(info.size)))
    return buffer.getvalue()


TEN = archive(["cifar-10-batches-bin/data_batch_1.bin", "cifar-10-batches-bin/test_batch.bin"])
HUNDRED = archive(["cifar-100-binary/train.bin", "cifar-100-binary/test.bin"])


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class GetCifar(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.out = self.dir / "data sets"  # with a blank
        self.part = self.out / "cifar-10-binary.tar.gz.part"
        self.ready = self.out / "cifar-10-batches-bin/test_batch.bin"

    def mirror(self, data, name="mirror.tar.gz"):
        (self.dir / name).write_bytes(data)
        return f"file://{self.dir / name}"

    def get(self, *arguments, code=0, message=""):
        result = subprocess.run([SCRIPT, *map(str, arguments)], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, code, result.stderr + result.stdout)
        self.assertIn(message, result.stderr if code else result.stdout)
        return result

    def ten(self, *urls, data=TEN, **expected):
        flags = [word for url in urls for word in ("--url", url)]
        return self.get(*flags, "--md5", hashlib.md5(data).hexdigest(), 10, self.out, **expected)

    def test_downloads_and_unpacks(self):
        self.ten(self.mirror(TEN), message="is ready: salutrain --dataset cifar10")
        self.assertEqual(self.ready.read_bytes(), random.Random(1).randbytes(5000))
        self.assertEqual([p.name for p in self.out.iterdir()], ["cifar-10-batches-bin"])  # nothing is left behind
        self.ten("file:///nowhere", message="is already there")

    def test_hundred(self):
        self.get(100, self.out, "--url", self.mirror(HUNDRED), "--md5", hashlib.md5(HUNDRED).hexdigest())
        self.assertTrue((self.out / "cifar-100-binary/test.bin").exists())

    def test_continues_what_was_downloaded(self):
        half = len(TEN) // 2
        self.out.mkdir()
        self.part.write_bytes(TEN[:half])
        self.ten(self.mirror(bytes(half) + TEN[half:]))  # only its second half is of use
        self.assertTrue(self.ready.exists())

    def test_unpacks_what_is_complete_without_a_connection(self):
        self.out.mkdir()
        self.part.write_bytes(TEN)
        self.ten("file:///nowhere")
        self.assertTrue(self.ready.exists())

    def test_a_wrong_start_is_thrown_away(self):
        for start in (b"wrong", TEN + b"too long", bytes(len(TEN))):
            self.out.mkdir()
            self.part.write_bytes(start)
            self.ten(self.mirror(TEN))
            self.assertTrue(self.ready.exists())
            shutil.rmtree(self.out)

    def test_the_next_mirror_is_tried(self):
        bad = self.mirror(TEN[:-1] + b"x", "bad.tar.gz")
        result = self.ten("file:///nowhere", bad, self.mirror(TEN))
        self.assertTrue(self.ready.exists())
        self.assertIn("expected " + hashlib.md5(TEN).hexdigest(), result.stderr)

    def test_a_wrong_archive_is_not_unpacked(self):
        self.ten(self.mirror(TEN[:-1] + b"x"), code=3, message="no URL gave the archive with MD5")
        self.assertFalse(self.ready.exists())
        self.ten("file:///nowhere", code=3, message="Run it again to continue")
        self.get("--url", self.mirror(TEN), self.out, code=3, message="expected c32a1d4ab5d03f1284b67883e8d87530")
        self.ten(self.mirror(HUNDRED), data=HUNDRED, code=3, message="holds no cifar-10-batches-bin/test_batch.bin")

    def test_an_interrupted_download_is_kept(self):
        self.out.mkdir()
        self.part.write_bytes(TEN[:100])
        self.ten("file:///nowhere", code=3)
        self.assertEqual(self.part.read_bytes(), TEN[:100])

    def test_usage(self):
        for arguments, message in (([], "no DIR"), (["10"], "no DIR"), (["10", "a", "b"], "'b': one argument too many"),
                                   (["--urls", "x", "a"], "--urls: unknown option"), (["a", "--url"], "--url: no value"),
                                   (["a", "--url", "x y"], "'x y' is empty or holds a blank")):
            with self.subTest(arguments=arguments):
                self.get(*arguments, code=2, message=message)
        self.get("--help", message="usage:")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
