#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The networks of bench/peer/nets.py are those of salutrain: from its weights PyTorch computes the same loss, the same
gradients and the same running statistics.

Usage: peer_test.py SALUTRAIN PEER_FOLDER

Plain gradient descent shows the gradient: w2 = w1 - lr g, with w1 and w2 from the checkpoints of two epochs of one
step each, over all images."""
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

import packages

packages.need("torch")
import torch  # noqa: E402

TRAIN, PEERS = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
sys.path.insert(0, str(PEERS))
sys.dont_write_bytecode = True
import nets  # noqa: E402

IMAGES, CLASSES, LR = 4, 2, 0.1


def write_images(folder, size, seed):
    """Noise as PPM files, 2 classes; returns bytes (N,3,H,W) and labels in the order of the files."""
    draw = random.Random(seed)
    images, labels = [], []
    for index in range(IMAGES):
        label = index % CLASSES
        path = folder / f"class{label}"
        path.mkdir(parents=True, exist_ok=True)
        pixels = bytes(draw.randrange(256) for _ in range(size * size * 3))
        (path / f"{index}.ppm").write_bytes(b"P6 %d %d 255\n" % (size, size) + pixels)
        images.append(torch.tensor(list(pixels), dtype=torch.float32).reshape(size, size, 3).permute(2, 0, 1))
        labels.append(label)
    return torch.stack(images), torch.tensor(labels)


class Parity(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="salunet-"))
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def train(self, model, size, *flags):
        """(images as the network sees them, labels, weights before step 2, after it, its loss)"""
        data, run = self.dir / "data", self.dir / "run"
        images, labels = write_images(data / "train", size, 1)
        write_images(data / "val", size, 2)
        command = [TRAIN, "--device", "cpu", "--dataset", "folder", "--data-dir", data, "--img-size", size, "--model",
                   model, "--batch-size", IMAGES, "--epochs", 2, "--no-aug", "--crop-pct", 1, "--opt", "sgd", "--lr", LR,
                   "--momentum", 0, "--nesterov", "false", "--weight-decay", 0, "--coef-lr-scale", 1, "--coef-max-step",
                   0, "--sched", "constant", "--warmup-epochs", 0, "--log-interval", 1, "--progress", "none", "--quiet",
                   "--output", run, *flags]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        card = json.loads((run / "checkpoints/epoch-0001/config.json").read_text())
        mean, std = (torch.tensor(card["pretrained_cfg"][key]).reshape(1, 3, 1, 1) for key in ("mean", "std"))
        loss = json.loads((run / "metrics.jsonl").read_text().splitlines()[1])["loss"]
        before, after = (nets.load_safetensors(run / f"checkpoints/epoch-000{i}/model.safetensors") for i in (1, 2))
        return (images / 255 - mean) / std, labels, before, after, loss

    def check(self, net, run, gradients=True):
        images, labels, before, after, loss = run
        own = net.state_dict()
        self.assertEqual(set(own), set(before))
        with torch.no_grad():
            for name, value in before.items():
                own[name].copy_(value.reshape(own[name].shape))
        net.train()
        theirs = torch.nn.functional.cross_entropy(net(images), labels)
        theirs.backward()
        self.assertLess(abs(theirs.item() - loss), 2e-5 * abs(loss) + 1e-6)
        for name, parameter in net.named_parameters() if gradients else ():
            moved = ((before[name] - after[name]) / LR).reshape(parameter.shape)
            difference, size = (moved - parameter.grad).norm().item(), parameter.grad.norm().item()
            # The second term is the rounding of w2: half a unit in the last place of each weight, over lr.
            rounding = before[name].norm().item() * 2 ** -24 / LR
            self.assertLess(difference, 2e-3 * size + 4 * rounding + 1e-7, name)
        for name, buffer in net.named_buffers():
            if not name.endswith("num_batches_tracked"):
                self.assertLess((buffer - after[name]).norm().item(), 1e-4 * (1 + buffer.norm().item()), name)

    def compare(self, model, size=16, *flags, **options):
        run = self.train(model, size, *flags)
        for form in nets.FORMS if model.startswith("salunet_") else ("E",):
            with self.subTest(form=form):
                self.check(nets.make_net(model, size, CLASSES, form, **options), run)

    def test_salunet_c18(self):
        self.compare("salunet_c18")

    def test_salunet_c50_with_the_large_stem(self):
        self.compare("salunet_c50", 32, "--stem", "imagenet", imagenet_stem=True)

    def test_salunet_t(self):
        self.compare("salunet_t")

    def test_resnet18(self):
        self.compare("resnet18")

    def test_resnet50(self):
        """Near 0 the rounding of fifty layers flips ReLUs, here and in PyTorch: one of the 2048 channels of the last block is
        enough to move all gradients by a percent. So ReLU answers for the loss and the statistics, swish for the gradients."""
        self.check(nets.make_net("resnet50", 16, CLASSES), self.train("resnet50", 16), gradients=False)
        shutil.rmtree(self.dir)
        self.dir.mkdir()
        net = nets.make_net("resnet50", 16, CLASSES)
        for module in list(net.modules()):
            for name, child in module.named_children():
                if isinstance(child, torch.nn.ReLU):
                    setattr(module, name, torch.nn.SiLU())
        self.check(net, self.train("resnet50", 16, "--act", "swish"))

    def test_vit(self):
        self.compare("vit_cifar")

    def test_small_networks(self):
        for model in ("salunet_c8", "resnet8"):
            with self.subTest(model=model):
                shutil.rmtree(self.dir)
                self.dir.mkdir()
                self.compare(model)

    def test_both_take_turns(self):
        file = self.dir / "n.json"
        command = [sys.executable, PEERS.parent / "gpu/networks.py", "--salutrain", TRAIN, "--small", "--device", "cpu",
                   "--rounds", 2, "--steps", 3, "--warmup", 1, "--only", "peers", "--json", file]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        self.assertEqual([line["pair"] for line in lines], ["R8 b=4 vs E", "R8 b=4 vs E", "R8 b=4 vs Eprime"])
        for line in lines:
            self.assertNotIn("error", line)
            self.assertEqual((line["a"]["steps"], line["b"]["steps"]), (6, 6))

    def test_another_network_is_noticed(self):
        run = self.train("salunet_c8", 16)
        net = nets.make_net("salunet_c8", 16, CLASSES)
        net.act1 = nets.Galu("E", .5, .5)
        with self.assertRaises(AssertionError):
            self.check(net, run)


if __name__ == "__main__":
    torch.manual_seed(1)
    unittest.main(argv=[sys.argv[0]], verbosity=1)
