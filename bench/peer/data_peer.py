#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images per second that torchvision with Pillow prepares in one process: the peer of bench_data.

Usage: data_peer.py DIR CIFAR. For each line "WAY 0" on stdin, one pass on the clock and a line of JSON. Each pass ends
in batches of bytes, so that neither side's time has the conversion to float and the normalisation in it, but for the
way part-float, which has both, as torchvision's recipes do."""
import json
import pathlib
import sys
import time

import numpy
import PIL
import torch
import torchvision
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms as T


class Cifar(Dataset):
    """As torchvision.datasets.CIFAR10, which wants the pickled files."""

    def __init__(self, folder, transform):
        records = numpy.fromfile(pathlib.Path(folder) / "test_batch.bin", numpy.uint8).reshape(-1, 3073)
        self.labels = records[:, 0].tolist()
        self.data = numpy.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
        self.transform = transform

    def __len__(self):
        return len(self.data)

    def __getitem__(self, index):
        return self.transform(Image.fromarray(self.data[index])), self.labels[index]


def ways(folder, cifar):
    part = [T.RandomResizedCrop(224), T.RandomHorizontalFlip()]
    augment = T.RandAugment(2, 9, interpolation=T.InterpolationMode.BILINEAR)
    floats = [T.ToTensor(), T.Normalize((.485, .456, .406), (.229, .224, .225))]
    steps = {"part": part, "rand": [*part, augment], "eval": [T.Resize(256), T.CenterCrop(224)]}
    out = {name: torchvision.datasets.ImageFolder(folder, T.Compose([*some, T.PILToTensor()]))
           for name, some in steps.items()}
    out["part-float"] = torchvision.datasets.ImageFolder(folder, T.Compose([*part, *floats]))
    out["cifar"] = Cifar(cifar, T.Compose([T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(), T.PILToTensor()]))
    return out


def main():
    torch.set_num_threads(1)
    datasets = ways(*sys.argv[1:])
    versions = f"torchvision {torchvision.__version__}, Pillow {PIL.__version__}"
    for line in sys.stdin:
        loader = DataLoader(datasets[line.split()[0]], batch_size=50, shuffle=True)
        start, images = time.perf_counter(), 0
        for _, labels in loader:
            images += len(labels)
        seconds = time.perf_counter() - start
        print(json.dumps({"images": images, "seconds": seconds, "with": versions}), flush=True)


main()
