#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The pixels of a pack against Pillow's: decoding every file of the fuzz corpus, and resizing.

Usage: pixels_test.py SALUTRAIN CORPUS"""
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peer"))
sys.dont_write_bytecode = True
import packages  # noqa: E402

packages.need("numpy", "PIL")
import numpy  # noqa: E402
import PIL  # noqa: E402
from PIL import Image, ImageOps  # noqa: E402

TRAIN, CORPUS = sys.argv[1], pathlib.Path(sys.argv[2])
# What Pillow cuts off at 255, smooths by its own libjpeg, refuses, or fills from the pixels.
OTHER = {"grey16.png", "dc_only.jpg", "masks16_4444.bmp", "beyond_palette.bmp"}
# What Pillow reads since some version after Debian's 9.4: BMP headers of 52 and 64 bytes, indices beyond a palette.
if int(PIL.__version__.split(".")[0]) < 11:
    OTHER |= {"V3_R5_G6_B5.bmp", "v2.bmp", "v3.bmp", "beyond_palette.png", "index_beyond_palette.png"}


def packed(folder, *flags):
    """The images of folder/train, in the order of their names."""
    out = folder / "out.pack"
    result = subprocess.run([TRAIN, "pack", folder, out, "--overwrite", "--quiet", *map(str, flags)],
                            capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    data = out.read_bytes()
    records, index = struct.unpack_from("<QQ", data, len(data) - 32)
    for at in range(records, index, 24):
        offset, height, width, _, _ = struct.unpack_from("<QIIII", data, at)
        yield numpy.frombuffer(data, numpy.uint8, 3 * height * width, offset).reshape(height, width, 3)


class Pixels(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="salunet-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        for name in ("a", "b"):
            (self.dir / "train" / name).mkdir(parents=True)
        Image.new("RGB", (3, 2)).save(self.dir / "train/b/b.png")

    def test_every_kind_of_file(self):
        files = sorted((f for kind in ("bmp", "jpeg", "png") for f in (CORPUS / kind).iterdir()), key=lambda f: f.name)
        for file in files:
            (self.dir / "train/a" / file.name).write_bytes(file.read_bytes())
        for flags in ((), ("--exif-orientation", "apply")):
            for file, ours in zip(files, packed(self.dir, "--size", 16384, *flags)):
                with self.subTest(file=file.name, flags=flags):
                    if file.name in OTHER:
                        continue
                    image = Image.open(file)
                    theirs = (ImageOps.exif_transpose(image) if flags else image).convert("RGB")
                    numpy.testing.assert_array_equal(ours, numpy.asarray(theirs))

    def test_resizing(self):
        """Across first, whichever order Pillow takes: of two calls each resizes one side alone."""
        rng = numpy.random.default_rng(5)
        images = []
        for width, height in ((90, 61), (61, 90), (40, 333), (127, 255), (333, 40), (64, 64)):
            images.append(Image.fromarray(rng.integers(0, 256, (height, width, 3)).astype(numpy.uint8)))
            images[-1].save(self.dir / f"train/a/{len(images)}.png")
        for image, ours in zip(images, packed(self.dir, "--size", 37)):
            height, width, _ = ours.shape
            with self.subTest(size=image.size):
                across = image.resize((width, image.height), Image.BICUBIC)
                numpy.testing.assert_array_equal(ours, numpy.asarray(across.resize((width, height), Image.BICUBIC)))
                if int(PIL.__version__.split(".")[0]) >= 13 and image.height > 2 * image.width:  # down first
                    across = image.resize((image.width, height), Image.BICUBIC)
                    ours = numpy.asarray(across.resize((width, height), Image.BICUBIC))
                numpy.testing.assert_array_equal(ours, numpy.asarray(image.resize((width, height), Image.BICUBIC)))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
