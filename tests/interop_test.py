#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weights to and from PyTorch: the same picture files give the same logits on both sides.

Usage: interop_test.py SALUTRAIN SALUEVALUATE HAS_LIBJPEG(yes|no)
Exits with 77, Meson's code for a skipped test, when no interpreter at hand has torch and Pillow."""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peer"))
try:
    import numpy
    import torch
    from PIL import Image

    import nets
    import tensors
except ImportError as error:
    other = "/usr/bin/python3"  # where distributions install PyTorch
    if sys.executable != other and os.path.exists(other) and not os.environ.get("SALU_INTEROP"):
        os.environ["SALU_INTEROP"] = "asked"
        os.execv(other, [other, *sys.argv])
    print(f"skipped: {error}; the packages python3-torch and python3-pil have what this test needs")
    sys.exit(77)

TRAIN, EVALUATE, HAS_LIBJPEG = sys.argv[1:4]
ROOT = pathlib.Path(__file__).parent.parent
TOLERANCE = 1e-4
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
CLASSES = 37


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


def smooth_picture(height, width, seed):
    """Waves and noise, so that resizing and chroma subsampling matter."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[:height, :width]
    waves = [numpy.sin(x / rng.uniform(3, 30) + rng.uniform(0, 6)) * numpy.cos(y / rng.uniform(3, 30)) for _ in "rgb"]
    values = 127 + 90 * numpy.stack(waves, 2) + rng.normal(0, 12, (height, width, 3))
    return Image.fromarray(values.clip(0, 255).astype(numpy.uint8))


def preprocessed(path, size, crop, interpolation, mean, std):
    """What torchvision does: Resize(floor(size / crop)), CenterCrop(size), ToTensor, Normalize."""
    picture = Image.open(path).convert("RGB")
    side = math.floor(size / crop)
    w, h = picture.size
    w, h = (side, int(side * h / w)) if w <= h else (int(side * w / h), side)
    picture = picture.resize((w, h), {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC}[interpolation])
    left, top = round((w - size) / 2), round((h - size) / 2)
    picture = picture.crop((left, top, left + size, top + size))
    x = torch.from_numpy(numpy.array(picture)).permute(2, 0, 1).float() / 255
    return (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


class SamePictures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        smooth_picture(300, 401, 1).save(cls.dir / "wide.png")
        smooth_picture(517, 260, 2).convert("L").save(cls.dir / "grey.png")
        smooth_picture(231, 224, 3).save(cls.dir / "near.ppm")
        cls.pictures = ["wide.png", "grey.png", "near.ppm"]
        if HAS_LIBJPEG == "yes":  # stb_image's pixels differ by up to some steps
            smooth_picture(375, 499, 4).save(cls.dir / "half.jpg", quality=80)
            smooth_picture(333, 250, 5).save(cls.dir / "full.jpg", quality=93, subsampling=0, progressive=True)
            smooth_picture(401, 333, 6).convert("L").save(cls.dir / "grey.jpg", quality=70)
            cls.pictures += ["half.jpg", "full.jpg", "grey.jpg"]
        cls.pictures = [cls.dir / name for name in cls.pictures]
        cls.pictures += sorted(pathlib.Path(p) for p in os.environ.get("SALU_SAMPLE_PICTURES", "").split(":") if p)

    def folder(self, name, net, config=None, renamed=lambda n: n, dtype=None):
        """A folder as timm publishes it."""
        folder = self.dir / name
        folder.mkdir()
        state = net.state_dict()
        if dtype:
            state = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}
        tensors.save(folder / "model.safetensors", {renamed(n): t for n, t in state.items()})
        if config is not None:
            (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    def logits(self, folder, *flags):
        result = run(EVALUATE, "predict", folder, *self.pictures, "--topk", CLASSES, "--output-type", "logit",
                     "--json", *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = []
        for picture in json.loads(result.stdout):
            self.assertEqual(len(picture["top"]), CLASSES)
            row = {c["index"]: c["logit"] for c in picture["top"]}
            rows.append([row[k] for k in range(CLASSES)])
        return torch.tensor(rows, dtype=torch.float64)

    def assert_same(self, folder, net, size, crop, interpolation, statistics, flags=()):
        ours = self.logits(folder, *flags)
        x = torch.stack([preprocessed(p, size, crop, interpolation, **statistics) for p in self.pictures])
        with torch.no_grad():
            theirs = net(x).double()
        self.assertGreater(theirs.std(0).max().item(), 0.01, "the logits must depend on the picture")
        worst = (ours - theirs).abs().max().item()
        self.assertLess(worst, TOLERANCE, f"{folder.name}: worst logit off by {worst:.2e}")
        print(f"{folder.name}: {len(self.pictures)} pictures, largest difference {worst:.1e}, "
              f"largest logit {theirs.abs().max():.2f}")

    def config(self, architecture, **cfg):
        return {"architecture": architecture, "num_classes": CLASSES, "num_features": 512,
                "pretrained_cfg": {"tag": "x_in1k", "input_size": [3, 224, 224], "crop_mode": "center", **cfg}}


class Interop(SamePictures):
    def test_resnet18(self):
        net = nets.randomise(nets.resnet18(CLASSES), 1)
        config = self.config("resnet18", crop_pct=0.875, interpolation="bilinear", **IMAGENET)
        self.assert_same(self.folder("resnet18", net, config), net, 224, 0.875, "bilinear", IMAGENET)

    def test_resnet50_at_its_test_size(self):
        net = nets.randomise(nets.resnet50(CLASSES), 2)
        config = self.config("resnet50.a1_in1k", crop_pct=0.95, interpolation="bicubic",
                             test_input_size=[3, 288, 288], test_crop_pct=1.0, **IMAGENET)
        folder = self.folder("resnet50", net, config, lambda n: "module." + n)
        self.assert_same(folder, net, 288, 1.0, "bicubic", IMAGENET)
        self.assert_same(folder, net, 224, 0.95, "bicubic", IMAGENET, ["--use-train-size"])
        self.assert_same(folder, net, 160, 0.9, "bilinear", HALF,
                         ["--img-size", 160, "--crop-pct", 0.9, "--interpolation", "bilinear", "--mean", 0.5, 0.5,
                          0.5, "--std", 0.5, 0.5, 0.5])

    def test_vit(self):
        net = nets.randomise(nets.vit_tiny_patch16_224(CLASSES), 3)
        config = self.config("vit_tiny_patch16_224", crop_pct=0.9, interpolation="bicubic", **HALF)
        folder = self.folder("vit_tiny", net, config)
        self.assert_same(folder, net, 224, 0.9, "bicubic", HALF)
        for size in (96, 288):  # another grid of positions, coarser and finer
            self.assert_same(folder, net, size, 0.9, "bicubic", HALF, ["--img-size", size])
        small = nets.randomise(nets.vit_small_patch16_224(CLASSES), 4)
        config = self.config("deit_small_patch16_224", crop_pct=0.9, interpolation="bicubic", **IMAGENET)
        self.assert_same(self.folder("deit_small", small, config), small, 224, 0.9, "bicubic", IMAGENET)

    def test_vit_under_torchvision_names(self):
        def renamed(name):
            name = re.sub(r"^blocks\.(\d+)\.", r"encoder.layers.encoder_layer_\1.", name)
            for ours, theirs in (("norm1", "ln_1"), ("norm2", "ln_2"), ("attn.qkv.", "self_attention.in_proj_"),
                                 ("attn.proj", "self_attention.out_proj"), ("mlp.fc1", "mlp.0"), ("mlp.fc2", "mlp.3"),
                                 ("cls_token", "class_token"), ("pos_embed", "encoder.pos_embedding"),
                                 ("patch_embed.proj", "conv_proj")):
                name = name.replace(ours, theirs)
            return re.sub(r"^norm\.", "encoder.ln.", re.sub(r"^head\.", "heads.head.", name))

        net = nets.randomise(nets.vit_tiny_patch16_224(CLASSES), 5)
        folder = self.folder("torchvision_vit", net, None, renamed)
        refused = run(EVALUATE, "predict", folder, self.pictures[0])
        self.assertEqual(refused.returncode, 4)
        self.assertIn("--model NAME", refused.stderr)
        flags = ["--model", "vit_tiny_patch16_224", "--crop-pct", 0.9]
        self.assert_same(folder, net, 224, 0.9, "bicubic", IMAGENET, flags)
        self.assert_same(folder / "model.safetensors", net, 224, 0.9, "bicubic", IMAGENET, flags)

    def test_half_precision_files(self):
        for dtype in (torch.float16, torch.bfloat16):
            net = nets.randomise(nets.resnet18(CLASSES), 6).to(dtype).float()  # values that both can hold
            config = self.config("resnet18", crop_pct=0.875, interpolation="bilinear", **IMAGENET)
            folder = self.folder(str(dtype), net, config, dtype=dtype)
            self.assert_same(folder, net, 224, 0.875, "bilinear", IMAGENET)

    def test_refused(self):
        net = nets.randomise(nets.resnet18(CLASSES), 7)
        for number, (change, message) in enumerate((
                ({"architecture": "efficientnet_b0"}, "architecture 'efficientnet_b0'; expected one of"),
                ({"architecture": "resnet50"}, "its tensors do not fit the model"),
                ({"architecture": 7}, "config.json is neither salutrain's nor timm's"),
                ({"num_classes": 10}, "fc.bias is (37), expected (10)"),
                ({"num_classes": 10**12}, "num_classes 1000000000000"),
                ({"pretrained_cfg": {"crop_mode": "squash"}}, "crop_mode 'squash'"),
                ({"pretrained_cfg": {"crop_pct": 1.5}}, "crop_pct 1.5"),
                ({"pretrained_cfg": {"interpolation": "lanczos"}}, "interpolation 'lanczos'"),
                ({"pretrained_cfg": {"input_size": [3, 224, 225]}}, "input size [3, 224, 225]"),
                ({"label_names": ["a", "b"]}, "2 class names; expected 37"))):
            with self.subTest(change=change):
                folder = self.folder(f"refused{number}", net, {**self.config("resnet18"), **change})
                result = run(EVALUATE, "predict", folder, self.pictures[0])
                self.assertEqual(result.returncode, 4, result.stderr)
                self.assertIn(message, result.stderr)
                shutil.rmtree(folder)


class BackToPyTorch(SamePictures):
    """The example of docs/pytorch.md, run as it stands, against our own logits."""

    def test_example(self):
        out = self.dir / "run"
        result = run(TRAIN, "--dataset", "shapes", "--model", "resnet18", "--stem", "imagenet", "--img-size", 64,
                     "--epochs", 1, "--train-num-samples", 64, "--val-num-samples", 20, "--batch-size", 16,
                     "--output", out, "--quiet")
        self.assertEqual(result.returncode, 0, result.stderr)
        example = re.search(r"```python\n(.*?)```", (ROOT / "docs/pytorch.md").read_text(encoding="utf-8"), re.S)[1]
        self.assertLessEqual(len([line for line in example.splitlines() if line.strip()]), 14)
        module = types.ModuleType("torchvision.models")
        module.resnet18 = nets.resnet18
        sys.modules["torchvision"] = types.ModuleType("torchvision")
        sys.modules["torchvision.models"] = module
        names = {}
        exec(example.replace("runs/first/last", str(out / "last")), names)  # pylint: disable=exec-used
        statistics = json.loads((out / "last/config.json").read_text(encoding="utf-8"))["pretrained_cfg"]
        net = names["net"].eval()
        global CLASSES  # pylint: disable=global-statement
        before, CLASSES = CLASSES, 10
        self.assert_same(out, net, 64, 1.0, "bicubic", {k: statistics[k] for k in ("mean", "std")})
        CLASSES = before


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
