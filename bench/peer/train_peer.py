#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The peer of bench_train: the same network in PyTorch, its activations written in tensor ops.

Usage: train_peer.py MODEL BATCH THREADS STEPS [contiguous|channels_last]. Prints the same JSON object."""
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Salu(nn.Module):
    """a x / sqrt(1 + a b x^2), a = e^alpha, b = e^beta."""

    def __init__(self, a, b):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(a)).log())
        self.beta = nn.Parameter(torch.tensor(float(b)).log())

    def forward(self, x):
        a, b = self.alpha.exp(), self.beta.exp()
        return a * x / torch.sqrt(1 + a * b * x * x)


class Swalu(Salu):
    def forward(self, x):
        return x / 2 * (1 + super().forward(x))


class Block(nn.Module):
    def __init__(self, c_in, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(c_in, width, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = Salu(1.316, .76), Salu(1.316, .76)
        self.act1, self.act2 = Swalu(.5, .5), Swalu(.5, .5)
        self.shortcut = nn.Identity()
        if stride != 1 or c_in != width:
            self.shortcut = nn.Sequential(nn.Conv2d(c_in, width, 1, stride, bias=False), Salu(1.316, .76))

    def forward(self, x):
        y = self.act1(self.norm1(self.conv1(x)))
        return self.act2(self.norm2(self.conv2(y)) + self.shortcut(x))


class Net(nn.Module):
    def __init__(self, depths, widths):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), Salu(1.316, .76), Swalu(.5, .5))
        blocks, c = [], widths[0]
        for stage, (depth, width) in enumerate(zip(depths, widths)):
            for i in range(depth):
                blocks.append(Block(c, width, 2 if stage and not i else 1))
                c = width
        self.blocks, self.fc = nn.Sequential(*blocks), nn.Linear(c, 10)

    def forward(self, x):
        return self.fc(self.blocks(self.stem(x)).mean((2, 3)))


NETS = {"salunet_c8": ([1, 1, 1], [16, 32, 64]), "salunet_c20": ([3, 3, 3], [16, 32, 64]),
        "salunet_c18": ([2, 2, 2, 2], [64, 128, 256, 512])}


def main():
    name, batch, threads, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    layout = sys.argv[5] if len(sys.argv) > 5 else "contiguous"
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    memory = torch.channels_last if layout == "channels_last" else torch.contiguous_format
    net = Net(*NETS[name]).to(memory_format=memory)
    optimizer = torch.optim.SGD(net.parameters(), .01, momentum=.9, nesterov=True, weight_decay=5e-4)
    images = torch.randn(batch, 3, 32, 32).to(memory_format=memory)
    labels = torch.randint(10, (batch,))
    ms = []
    for step in range(-1, steps):
        start = time.perf_counter()
        loss = F.cross_entropy(net(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        value = loss.item()
        if step >= 0:
            ms.append(1e3 * (time.perf_counter() - start))
    median = sorted(ms)[len(ms) // 2]
    print(json.dumps({"model": name, "batch": batch, "threads": threads, "layout": layout, "ms": ms,
                      "img_per_s": 1e3 * batch / median, "loss": value, "torch": torch.__version__,
                      "peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main()
