#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""saluevaluate export: another runtime gets the same logits from the file as saluevaluate predict from the checkpoint.

Usage: onnx_test.py SALUTRAIN SALUEVALUATE HAS_ONNX(yes|no) [full]
`full` adds the large networks."""
import contextlib
import io
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import packages

packages.need("numpy", "onnx", "onnxruntime")
import numpy  # noqa: E402
import onnx.checker  # noqa: E402
import onnx.numpy_helper  # noqa: E402
import onnxruntime  # noqa: E402

TRAIN, EVALUATE, HAS_ONNX = sys.argv[1:4]
FULL = sys.argv[4:] == ["full"]
TOLERANCE = 1e-4
CLASSES, IMAGES = 10, 3
# Every network family, norm and activation, and every form in which coefficients are stored.
NETS = {
    "c8": ["--model", "salunet_c8"],
    "c18": ["--model", "salunet_c18", "--img-size", 72],  # 7x7 stem, max pooling, odd sizes
    "t": ["--model", "salunet_t"],
    "resnet18": ["--model", "resnet18"],
    "vit": ["--model", "vit_tiny_patch16_224", "--img-size", 48],
    "softplus": ["--model", "salunet_c8", "--positive", "softplus", "--act", "galu"],
    "log_sw": ["--model", "salunet_c8", "--positive", "log_sw"],
    "layernorm": ["--model", "resnet8", "--norm", "layernorm", "--act", "gelu"],
    "groupnorm": ["--model", "resnet8", "--norm", "groupnorm", "--act", "gelu_tanh"],
    "dyt": ["--model", "resnet8", "--norm", "dyt", "--act", "swish"],
    "derf": ["--model", "resnet8", "--norm", "derf", "--act", "swalu"],
    "none": ["--model", "resnet8", "--norm", "none", "--act", "prelu"],
    "salu_relu": ["--model", "resnet8", "--norm", "salu", "--act", "relu"],
    "cnn4_batchnorm": ["--model", "cnn4", "--norm", "batchnorm"],
    "cnn4_groupnorm": ["--model", "cnn4", "--norm", "groupnorm"],
    "vit_batchnorm": ["--model", "vit_cifar", "--norm", "batchnorm", "--act", "swish"],
    "vit_groupnorm": ["--model", "vit_cifar", "--norm", "groupnorm", "--act", "relu"],
    "hardswish": ["--model", "resnet8", "--norm", "batchnorm", "--act", "hardswish"],
    "vit_derf": ["--model", "vit_cifar", "--norm", "derf", "--act", "gelu_tanh"],
}
if FULL:
    NETS = {name: ["--model", name, "--img-size", size] for name, size in (
        ("salunet_c20", 32), ("salunet_c50", 96), ("resnet50", 96), ("vit_small_patch16_224", 224))}


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=1200)


def shake(path, seed):
    """Changes every number of a .safetensors file, so that no coefficient, shift or statistic is at its start."""
    rng, data = numpy.random.default_rng(seed), bytearray(path.read_bytes())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:start])
    header.pop("__metadata__", None)  # the checksums
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            continue
        begin, end = (start + offset for offset in entry["data_offsets"])
        values = numpy.frombuffer(data[begin:end], "<f4")
        values = values * rng.normal(1, 0.2, values.shape) + rng.normal(0, 0.02 if len(values) > 999 else 0.1,
                                                                        values.shape)
        if name.endswith("running_var"):
            values = abs(values) + 0.3
        data[begin:end] = values.astype("<f4").tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[start:])


@unittest.skipUnless(HAS_ONNX == "yes", "this build has no ONNX")
class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)

    def checkpoint(self, name, *flags):
        """A folder with a network that has been trained for a step, then shaken."""
        out, folder = self.dir / f"{name}_run", self.dir / name
        result = run(TRAIN, "--dataset", "shapes", "--epochs", 1, "--train-num-samples", 8, "--val-num-samples", 8,
                     "--batch-size", 8, "--output", out, "--quiet", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        folder.mkdir()
        for file in ("model.safetensors", "config.json"):
            shutil.copyfile(out / "last" / file, folder / file)
        shutil.rmtree(out)
        shake(folder / "model.safetensors", len(name))
        return folder

    def export(self, folder, *flags, code=0):
        file = self.dir / "model.onnx"
        result = run(EVALUATE, "export", folder, "--output", file, "--crop-pct", 1, *flags)
        self.assertEqual(result.returncode, code, result.stderr)
        if code:
            return result.stderr
        onnx.checker.check_model(str(file), full_check=True)
        return onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    def images(self, side):
        """Files and pixels (N,side,side,3)."""
        rng = numpy.random.default_rng(side)
        y, x = numpy.mgrid[:side, :side] / side
        pixels = numpy.stack([[numpy.sin(x * rng.uniform(2, 30)) * numpy.cos(y * rng.uniform(2, 30)) for _ in "rgb"]
                              for _ in range(IMAGES)])
        pixels = (127 + 100 * pixels + rng.normal(0, 9, pixels.shape)).clip(0, 255).astype(numpy.uint8)
        pixels = pixels.transpose(0, 2, 3, 1)
        files = []
        for i, image in enumerate(pixels):
            files.append(self.dir / f"{side}_{i}.ppm")
            files[-1].write_bytes(b"P6 %d %d 255\n" % (side, side) + image.tobytes())
        return files, pixels

    def predicted(self, folder, files, *flags):
        result = run(EVALUATE, "predict", folder, *files, "--crop-pct", 1, "--topk", CLASSES, "--output-type", "logit",
                     "--json", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        return numpy.array([[c["logit"] for c in sorted(image["top"], key=lambda c: c["index"])]
                            for image in json.loads(result.stdout)])

    def assert_same(self, name, folder, session, *flags):
        """By the metadata of the file alone."""
        meta = {key: json.loads(value) for key, value in session.get_modelmeta().custom_metadata_map.items()}
        side = meta["input_size"][1]
        self.assertEqual(session.get_inputs()[0].shape[1:], [3, side, side])
        self.assertEqual((meta["crop_pct"], len(meta["class_names"])), (1, CLASSES))
        self.assertEqual(meta["interpolation"], "bicubic")
        files, pixels = self.images(side)
        x = (pixels / numpy.float32(255) - numpy.array(meta["mean"])) / numpy.array(meta["std"])
        x = x.transpose(0, 3, 1, 2).astype(numpy.float32)
        ours = self.predicted(folder, files, *flags)
        batch = session.get_inputs()[0].shape[0]
        spread = ours.std(0).max()
        self.assertGreater(spread, 1e-4, "the logits must depend on the image")
        for size in (1, IMAGES) if batch == "batch" else (batch,):
            parts = [session.run(["logits"], {"input": x[i:i + size]})[0] for i in range(0, IMAGES, size)]
            theirs = numpy.concatenate(parts)
            self.assertEqual(theirs.shape, (IMAGES, CLASSES))
            worst = abs(ours - theirs).max()
            tolerance = min(TOLERANCE, spread / 10)
            self.assertLess(worst, tolerance, f"{name}, batches of {size}: worst logit off by {worst:.2e}")
            self.assertEqual(ours.argmax(1).tolist(), theirs.argmax(1).tolist())
        print(f"{name}: largest difference {worst:.1e}, spread over the images {spread:.1e}")
        return ours

    def test_every_net_norm_and_activation(self):
        for name, flags in NETS.items():
            with self.subTest(name):
                folder = self.checkpoint(name, *flags)
                self.assert_same(name, folder, self.export(folder))
                shutil.rmtree(folder)

    def test_flags(self):
        out = self.dir / "averaged"
        result = run(TRAIN, "--dataset", "shapes", "--model", "salunet_c8", "--epochs", 2, "--train-num-samples", 64,
                     "--val-num-samples", 8, "--batch-size", 16, "--model-ema", "--model-ema-decay", 0.9, "--output",
                     out, "--quiet")
        self.assertEqual(result.returncode, 0, result.stderr)
        session = self.export(out)
        raw = self.assert_same("raw", out, session)
        first = (self.dir / "model.onnx").read_bytes()
        self.export(out)
        self.assertEqual((self.dir / "model.onnx").read_bytes(), first, "the same file each time")
        ema = self.assert_same("ema", out, self.export(out, "--use-ema"), "--use-ema")
        self.assertGreater(abs(raw - ema).max(), 1e-3)
        flags = ["--img-size", 40, "--mean", 0.4, 0.5, 0.6, "--std", 0.2, 0.3, 0.4]
        session = self.export(out, "--batch-size", IMAGES, *flags)
        self.assertEqual(session.get_inputs()[0].shape, [IMAGES, 3, 40, 40])
        self.assertEqual(session.get_outputs()[0].shape, [IMAGES, CLASSES])
        self.assert_same("other size", out, session, *flags)

    def test_example(self):
        """docs/onnx.md, run as it stands."""
        folder = self.checkpoint("example", "--model", "salunet_c8")
        self.export(folder)
        files, pixels = self.images(32)
        text = (pathlib.Path(__file__).parent.parent / "docs/onnx.md").read_text(encoding="utf-8")
        example = re.search(r"```python\n(.*?)```", text, re.S)[1].replace("model.onnx", str(self.dir / "model.onnx"))
        top = json.loads(run(EVALUATE, "predict", folder, *files, "--json").stdout)
        for image, prediction in zip(pixels, top):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(example, {"image": image})  # pylint: disable=exec-used
            self.assertEqual(printed.getvalue().strip(), prediction["top"][0]["class"])

    def test_weights_keep_their_names_and_layouts(self):
        folder = self.checkpoint("names", "--model", "vit_tiny_patch16_224", "--img-size", 32)
        self.export(folder)
        data = (folder / "model.safetensors").read_bytes()
        start = 8 + struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:start])
        written = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(self.dir / "model.onnx").graph.initializer}
        for name, entry in header.items():
            begin, end = (start + offset for offset in entry["data_offsets"])
            self.assertEqual(list(written[name].shape), entry["shape"], name)
            self.assertEqual(written[name].tobytes(), data[begin:end], name)

    def test_refused(self):
        folder = self.checkpoint("refused", "--model", "salunet_c8")
        self.assertIn("nowhere", self.export(self.dir / "nowhere", code=4))
        result = run(EVALUATE, "export", folder)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--output: not given", result.stderr)
        self.assertIn("--batch-size", self.export(folder, "--batch-size", 0, code=2))
        self.assertIn("averaged weights", self.export(folder, "--use-ema", code=4))
        result = run(EVALUATE, "export", folder, "--output", self.dir / "no" / "such" / "model.onnx")
        self.assertEqual(result.returncode, 5)
        self.assertIn("No such file or directory", result.stderr)
        self.assertFalse((self.dir / "no").exists())
        file = folder / "model.safetensors"
        data = file.read_bytes()
        file.write_bytes(data[:-4] + struct.pack("<f", float("nan")))
        self.assertIn("holds NaN or Inf", self.export(folder, code=4))


@unittest.skipUnless(HAS_ONNX == "no", "this build has ONNX")
class WithoutOnnx(unittest.TestCase):
    def test_says_so(self):
        with tempfile.TemporaryDirectory(prefix="salunet-") as folder:
            result = run(TRAIN, "--dataset", "shapes", "--train-num-samples", 8, "--val-num-samples", 8, "--epochs", 1,
                         "--output", f"{folder}/run", "--quiet")
            self.assertEqual(result.returncode, 0, result.stderr)
            result = run(EVALUATE, "export", f"{folder}/run", "--output", f"{folder}/model.onnx")
            self.assertEqual(result.returncode, 5)
            self.assertIn("this build has no ONNX", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
