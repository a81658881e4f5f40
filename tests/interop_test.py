#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Weights to and from PyTorch: the same image files give the same logits and the same top-1 on both sides.

Usage: interop_test.py SALUTRAIN SALUEVALUATE [full]
`full` adds the networks in the sizes in which they are published, with 1000 classes. Where SALU_DATA_DIR names a folder
with the unpacked real images (cifar10/ and imagenet-sample/), those are scored too."""
import json
import math
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parent.parent
sys.path[:0] = [str(pathlib.Path(__file__).parent / "peer"), str(ROOT / "bench/peer")]
sys.dont_write_bytecode = True
import packages  # noqa: E402

packages.need("numpy", "PIL", "torch", "torchvision")
import nets  # noqa: E402
import numpy  # noqa: E402
import tensors  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torchvision import models, transforms  # noqa: E402

TRAIN, EVALUATE = sys.argv[1:3]
FULL = sys.argv[3:] == ["full"]
TOLERANCE = 1e-4
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
HALF = {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}
CLASSES = 37
# torchvision's names of a ViT's parts, and timm's
VIT_NAMES = ((r"encoder\.layers\.encoder_layer_(\d+)", r"blocks.\1"), ("ln_1", "norm1"), ("ln_2", "norm2"),
             (r"self_attention\.in_proj_", "attn.qkv."), (r"self_attention\.out_proj", "attn.proj"),
             (r"mlp\.0", "mlp.fc1"), (r"mlp\.3", "mlp.fc2"), ("class_token", "cls_token"),
             (r"encoder\.pos_embedding", "pos_embed"), ("conv_proj", "patch_embed.proj"), (r"encoder\.ln", "norm"),
             (r"heads\.head", "head"))


def run(*command):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300)


def smooth_image(height, width, seed):
    """Waves and noise, so that resizing and chroma subsampling matter."""
    rng = numpy.random.default_rng(seed)
    y, x = numpy.mgrid[:height, :width]
    waves = [numpy.sin(x / rng.uniform(3, 30) + rng.uniform(0, 6)) * numpy.cos(y / rng.uniform(3, 30)) for _ in "rgb"]
    values = 127 + 90 * numpy.stack(waves, 2) + rng.normal(0, 12, (height, width, 3))
    return Image.fromarray(values.clip(0, 255).astype(numpy.uint8))


def fitted(image, size, crop, interpolation, mode, mean):
    """By Pillow: all of the image, squeezed into a square or with a border, and of that the middle."""
    scale, (width, height) = math.floor(size / crop), image.size
    ratio = max(width, height) / scale
    width, height = (scale, scale) if mode == "squash" else (round(width / ratio), round(height / ratio))
    image = image.resize((width, height), getattr(Image, interpolation.upper()))
    out = Image.new("RGB", (size, size), tuple(round(255 * m) for m in mean))
    out.paste(image, [(size - n) // 2 if n < size else -round((n - size) / 2) for n in (width, height)])
    return out


def preprocessed(path, size, crop, interpolation, mean, std, mode="center"):
    steps = [transforms.Resize(math.floor(size / crop), transforms.InterpolationMode(interpolation)),
             transforms.CenterCrop(size)]
    if mode != "center":
        steps = [lambda image: fitted(image, size, crop, interpolation, mode, mean)]
    steps += [transforms.ToTensor(), transforms.Normalize(mean, std)]
    return transforms.Compose(steps)(Image.open(path).convert("RGB"))


def timm_name(name):
    for theirs, timms in VIT_NAMES:
        name = re.sub(theirs, timms, name)
    return name


def vit(width, img_size=224, classes=CLASSES):
    return models.VisionTransformer(img_size, 16, 12, width // 64, width, 4 * width, num_classes=classes)


def at_size(net, width, img_size):
    """The same ViT for images of another size: its positions interpolated as timm does it."""
    state, name = net.state_dict(), "encoder.pos_embedding"
    own, side = int((state[name].shape[1] - 1) ** 0.5), img_size // 16
    grid = state[name][:, 1:].reshape(1, own, own, -1).permute(0, 3, 1, 2)
    grid = torch.nn.functional.interpolate(grid, (side, side), mode="bicubic", antialias=True)
    state[name] = torch.cat([state[name][:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)
    other = vit(width, img_size)
    other.load_state_dict(state)
    return other.eval()


@torch.no_grad()
def randomise(net, seed):
    """Weights that keep the signal and give every parameter and statistic a part in the logits."""
    init = torch.nn.init
    torch.manual_seed(seed)
    for name, p in net.named_parameters():
        if re.search("class_token|pos_embedding|conv_proj", name):
            # Small, so that the first LayerNorm sees a variance near its eps.
            init.normal_(p, std=0.02 if p.dim() < 4 else 0.02 / p[0].numel() ** 0.5)
        elif p.dim() > 1:
            init.normal_(p, std=(1.5 / p[0].numel()) ** 0.5 * (0.3 if name == "fc.weight" else 1))
        else:
            init.normal_(p, mean=float(name.endswith("weight")), std=0.2)
    for name, b in net.named_buffers():
        if name.endswith("running_mean"):
            init.normal_(b, std=0.3)
        elif name.endswith("running_var"):
            init.uniform_(b, 0.5, 2)
    return net.eval()


def real_images(count):
    """Every so many-th image of the sample folders, `count` of each; [] where there are none."""
    root = os.environ.get("SALU_DATA_DIR")
    out = []
    for folder in ("imagenet-sample/val", "cifar10/test"):
        files = sorted(pathlib.Path(root, folder).glob("*/*")) if root else []
        out += files[::max(1, len(files) // count)][:count]
    return out


class SameImages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        cls.addClassCleanup(shutil.rmtree, cls.dir, ignore_errors=True)
        smooth_image(300, 401, 1).save(cls.dir / "wide.png")
        smooth_image(517, 260, 2).convert("L").save(cls.dir / "grey.png")
        smooth_image(231, 224, 3).save(cls.dir / "near.ppm")
        cls.images = ["wide.png", "grey.png", "near.ppm"]
        smooth_image(375, 499, 4).save(cls.dir / "half.jpg", quality=80)
        smooth_image(333, 250, 5).save(cls.dir / "full.jpg", quality=93, subsampling=0, progressive=True)
        smooth_image(401, 333, 6).convert("L").save(cls.dir / "grey.jpg", quality=70)
        cls.images += ["half.jpg", "full.jpg", "grey.jpg"]
        cls.images = [cls.dir / name for name in cls.images]
        # Debian's PyTorch takes seconds for a large network: without `full` two images, a PNG and a JPEG, or a wide one and
        # a tall one, must do.
        cls.few, cls.shapes = (cls.images,) * 2 if FULL else (cls.images[::3], cls.images[:2])

    def folder(self, name, net, config=None, renamed=timm_name, dtype=None):
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

    def logits(self, folder, classes, images, flags):
        result = run(EVALUATE, "predict", folder, *images, "--topk", classes, "--output-type", "logit", "--json",
                     *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = []
        for image in json.loads(result.stdout):
            self.assertEqual(len(image["top"]), classes)
            row = {c["index"]: c["logit"] for c in image["top"]}
            rows.append([row[k] for k in range(classes)])
            self.assertEqual(image["top"][0]["index"], max(row, key=row.get))
        return torch.tensor(rows, dtype=torch.float64)

    def assert_same(self, folder, net, size, crop, interpolation, statistics, flags=(), images=None):
        images = images or self.images
        x = torch.stack([preprocessed(p, size, crop, interpolation, **statistics) for p in images])
        with torch.no_grad():
            theirs = torch.cat([net(part) for part in x.split(16)]).double()
        ours = self.logits(folder, theirs.shape[1], images, flags)
        self.assertGreater(theirs.std(0).max().item(), 0.01, "the logits must depend on the image")
        worst = (ours - theirs).abs().max().item()
        self.assertLess(worst, TOLERANCE, f"{folder.name}: worst logit off by {worst:.2e}")
        self.assertEqual(ours.argmax(1).tolist(), theirs.argmax(1).tolist(), f"{folder.name}: top-1")
        print(f"{folder.name}: {len(images)} images, largest difference {worst:.1e}, "
              f"largest logit {theirs.abs().max():.2f}, same top-1")

    def config(self, architecture, classes=CLASSES, **cfg):
        return {"architecture": architecture, "num_classes": classes, "num_features": 512,
                "pretrained_cfg": {"tag": "x_in1k", "input_size": [3, 224, 224], "crop_mode": "center", **cfg}}


class Interop(SameImages):
    def test_resnet18(self):
        net = randomise(models.resnet18(num_classes=CLASSES), 1)
        config = self.config("resnet18", crop_pct=0.875, interpolation="bilinear", **IMAGENET)
        self.assert_same(self.folder("resnet18", net, config), net, 224, 0.875, "bilinear", IMAGENET)

    def test_crop_modes(self):
        net = randomise(models.resnet18(num_classes=CLASSES), 9)
        logits = {}
        for mode, crop in (("squash", 0.875), ("border", 1.0)):
            config = self.config("resnet18", crop_pct=crop, interpolation="bicubic", **{**IMAGENET, "crop_mode": mode})
            folder = self.folder(mode, net, config)
            self.assert_same(folder, net, 224, crop, "bicubic", {**IMAGENET, "mode": mode}, images=self.shapes)
            self.assert_same(folder, net, 161, 0.7, "bilinear", {**HALF, "mode": "border"},
                             ["--img-size", 161, "--crop-pct", 0.7, "--interpolation", "bilinear", "--crop-mode",
                              "border", "--mean", 0.5, 0.5, 0.5, "--std", 0.5, 0.5, 0.5], self.shapes)
            self.assert_same(folder, net, 224, crop, "bicubic", IMAGENET, ["--crop-mode", "center"], self.shapes)
            logits[mode] = self.logits(folder, CLASSES, self.images[:1], ["--crop-pct", 1])
        self.assertGreater((logits["squash"] - logits["border"]).abs().max().item(), 0.01)

    def test_resnet50_at_its_test_size(self):
        net = randomise(models.resnet50(num_classes=CLASSES), 2)
        config = self.config("resnet50.a1_in1k", crop_pct=0.95, interpolation="bicubic",
                             test_input_size=[3, 288, 288], test_crop_pct=1.0, **IMAGENET)
        folder = self.folder("resnet50", net, config, lambda n: "module." + n)
        self.assert_same(folder, net, 288, 1.0, "bicubic", IMAGENET, images=self.few)
        self.assert_same(folder, net, 224, 0.95, "bicubic", IMAGENET, ["--use-train-size"], self.few)
        self.assert_same(folder, net, 160, 0.9, "bilinear", HALF,
                         ["--img-size", 160, "--crop-pct", 0.9, "--interpolation", "bilinear", "--mean", 0.5, 0.5,
                          0.5, "--std", 0.5, 0.5, 0.5], self.few)

    def test_vit(self):
        net = randomise(vit(192), 3)
        config = self.config("vit_tiny_patch16_224", crop_pct=0.9, interpolation="bicubic", **HALF)
        folder = self.folder("vit_tiny", net, config)
        self.assert_same(folder, net, 224, 0.9, "bicubic", HALF, images=self.few)
        for size in (96, 288):  # another grid of positions, coarser and finer
            self.assert_same(folder, at_size(net, 192, size), size, 0.9, "bicubic", HALF, ["--img-size", size],
                             self.few)
        small = randomise(vit(384), 4)
        config = self.config("deit_small_patch16_224", crop_pct=0.9, interpolation="bicubic", **IMAGENET)
        folder = self.folder("deit_small", small, config)
        self.assert_same(folder, small, 224, 0.9, "bicubic", IMAGENET, images=self.few)

    def test_vit_under_torchvision_names(self):
        net = randomise(vit(192), 5)
        folder = self.folder("torchvision_vit", net, None, lambda n: n)
        refused = run(EVALUATE, "predict", folder, self.images[0])
        self.assertEqual(refused.returncode, 4)
        self.assertIn("--model NAME", refused.stderr)
        flags = ["--model", "vit_tiny_patch16_224", "--crop-pct", 0.9]
        self.assert_same(folder, net, 224, 0.9, "bicubic", IMAGENET, flags, self.few)
        self.assert_same(folder / "model.safetensors", net, 224, 0.9, "bicubic", IMAGENET, flags, self.few)

    def test_half_precision_files(self):
        for dtype in (torch.float16, torch.bfloat16):
            net = randomise(models.resnet18(num_classes=CLASSES), 6).to(dtype).float()  # values that both can hold
            config = self.config("resnet18", crop_pct=0.875, interpolation="bilinear", **IMAGENET)
            folder = self.folder(str(dtype), net, config, dtype=dtype)
            self.assert_same(folder, net, 224, 0.875, "bilinear", IMAGENET, images=self.few)

    def test_real_images(self):
        images = real_images(6)
        if not images:
            self.skipTest("SALU_DATA_DIR does not name a folder with real images")
        for number, (name, net) in enumerate((("resnet18", models.resnet18(num_classes=CLASSES)),
                                              ("vit_tiny_patch16_224", vit(192)))):
            randomise(net, 8 + number)
            config = self.config(name, crop_pct=0.875, interpolation="bicubic", **IMAGENET)
            folder = self.folder("real_" + name, net, config)
            self.assert_same(folder, net, 224, 0.875, "bicubic", IMAGENET, images=images)

    @unittest.skipUnless(FULL, "only with `full`")
    def test_published_sizes(self):
        for name, net, count in (("resnet18", models.resnet18(), 200), ("resnet50", models.resnet50(), 25),
                                 ("vit_base_patch16_224", models.vit_b_16(), 10)):
            images = self.images + real_images(count)
            randomise(net, 20)
            config = self.config(name, 1000, crop_pct=0.875, interpolation="bilinear", **IMAGENET)
            folder = self.folder("full_" + name, net, config)
            self.assert_same(folder, net, 224, 0.875, "bilinear", IMAGENET, images=images)
            shutil.rmtree(folder)

    def test_refused(self):
        net = randomise(models.resnet18(num_classes=CLASSES), 7)
        folder = self.folder("refused", net, {})
        for change, message in (
                ({"architecture": "efficientnet_b0"}, "architecture 'efficientnet_b0'; expected one of"),
                ({"architecture": "resnet50"}, "its tensors do not fit the model"),
                ({"architecture": 7}, "config.json is neither salutrain's nor timm's"),
                ({"num_classes": 10}, "fc.bias is (37), expected (10)"),
                ({"num_classes": 10**12}, "num_classes is 1000000000000; expected a whole number in 0..1000000"),
                ({"pretrained_cfg": {"crop_mode": "stretch"}}, "crop_mode 'stretch'; expected center, squash or border"),
                ({"pretrained_cfg": {"crop_pct": 1.5}}, "crop_pct 1.5"),
                ({"pretrained_cfg": {"interpolation": "lanczos"}}, "interpolation 'lanczos'"),
                ({"pretrained_cfg": {"input_size": [3, 224, 225]}}, "input size [3,224,225]; expected [3, S, S]"),
                ({"label_names": ["a", "b"]}, "2 class names; expected 37")):
            with self.subTest(change=change):
                config = {**self.config("resnet18"), **change}
                (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
                result = run(EVALUATE, "predict", folder, self.images[0])
                self.assertEqual(result.returncode, 4, result.stderr)
                self.assertIn(message, result.stderr)


class BackToPyTorch(SameImages):
    """The weights of salutrain, loaded by PyTorch, against our own logits."""

    def trained(self, model, size, *flags):
        """A run folder and its config.json."""
        out = self.dir / model
        result = run(TRAIN, "--dataset", "shapes", "--model", model, "--img-size", size, "--epochs", 1,
                     "--train-num-samples", 16, "--val-num-samples", 8, "--batch-size", 8, "--output", out, "--quiet",
                     *flags)
        self.assertEqual(result.returncode, 0, result.stderr)
        return out

    def assert_back(self, out, net, size):
        config = json.loads((out / "last/config.json").read_text(encoding="utf-8"))["pretrained_cfg"]
        self.assert_same(out, net.eval(), size, 1.0, "bicubic", {k: config[k] for k in ("mean", "std")})

    def test_example(self):
        """docs/pytorch.md, run as it stands."""
        out = self.trained("resnet18", 64, "--stem", "imagenet")
        example = re.search(r"```python\n(.*?)```", (ROOT / "docs/pytorch.md").read_text(encoding="utf-8"), re.S)[1]
        self.assertLessEqual(len([line for line in example.splitlines() if line.strip()]), 14)
        names = {}
        exec(example.replace("runs/first/last", str(out / "last")), names)  # pylint: disable=exec-used
        self.assert_back(out, names["net"], 64)

    def test_vit(self):
        out = self.trained("vit_tiny_patch16_224", 32)
        net = vit(192, 32, 10)
        state = nets.load_safetensors(out / "last/model.safetensors")
        net.load_state_dict({name: state.pop(timm_name(name)) for name in net.state_dict()})
        self.assertEqual(state, {})
        self.assert_back(out, net, 32)

    def test_salunets(self):
        for name in ("salunet_c8", "salunet_c18", "salunet_t"):
            out = self.trained(name, 32)
            net = nets.make_net(name, form="E1")
            net.load_state_dict(nets.load_safetensors(out / "last/model.safetensors"))
            self.assert_back(out, net, 32)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=1)
