#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of a network in PyTorch, the peer of `salutrain --benchmark` and of bench_train.

Prints a JSON object per round. With --rounds-on-stdin it prepares, prints {"ready": true}, and then runs one round
for each line on stdin, so that two programs can take turns without starting again. Images are on the device
before the clock starts, in the layout of the network."""
import argparse
import json
import resource
import statistics
import sys
import time

import torch
from torch.nn import functional as F

import nets


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="as salutrain names it: salunet_c18, resnet50, salunet_t, ...")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--img-size", type=int, default=32)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--steps", type=int, default=5, help="of a round")
    parser.add_argument("--warmup", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--layout", choices=("contiguous", "channels_last"), default="contiguous")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--form", choices=nets.FORMS, default="E")
    parser.add_argument("--precision", choices=("f32", "bf16"), default="f32")
    parser.add_argument("--compile", choices=("none", "default", "reduce-overhead", "max-autotune"), default="none")
    parser.add_argument("--rounds-on-stdin", action="store_true")
    return parser.parse_args()


class Training:
    def __init__(self, o):
        self.o, self.cuda = o, o.device == "cuda"
        torch.manual_seed(1)
        torch.set_num_threads(o.threads)
        torch.backends.cudnn.benchmark = True
        memory = torch.channels_last if o.layout == "channels_last" else torch.contiguous_format
        net = nets.make_net(o.model, o.img_size, o.classes, o.form).to(o.device, memory_format=memory)
        fused = {"fused": True} if self.cuda else {}
        self.optimizer = torch.optim.SGD(net.parameters(), .01, momentum=.9, nesterov=True, weight_decay=5e-4, **fused)
        self.net = net if o.compile == "none" else torch.compile(net, mode=o.compile)
        self.images = torch.randn(o.batch, 3, o.img_size, o.img_size, device=o.device).to(memory_format=memory)
        self.labels = torch.randint(o.classes, (o.batch,), device=o.device)
        self.loss = None

    def step(self):
        with torch.autocast(self.o.device, torch.bfloat16, enabled=self.o.precision == "bf16"):
            self.loss = F.cross_entropy(self.net(self.images), self.labels)
        self.optimizer.zero_grad(set_to_none=True)
        self.loss.backward()
        self.optimizer.step()

    def warm_up(self):
        """Seconds of the first step, which compiles."""
        start = time.perf_counter()
        self.step()
        self.wait()
        first = time.perf_counter() - start
        for _ in range(self.o.warmup - 1):
            self.step()
        self.wait()
        return first

    def wait(self):
        if self.cuda:
            torch.cuda.synchronize()

    def round(self):
        """Milliseconds of each step: by events on a GPU, where steps are queued, by the clock on a CPU."""
        if not self.cuda:
            ms = []
            for _ in range(self.o.steps):
                start = time.perf_counter()
                self.step()
                self.loss.item()
                ms.append(1e3 * (time.perf_counter() - start))
            return ms
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(self.o.steps + 1)]
        marks[0].record()
        for mark in marks[1:]:
            self.step()
            mark.record()
        self.wait()
        return [a.elapsed_time(b) for a, b in zip(marks, marks[1:])]

    def memory_mib(self):
        if self.cuda:
            return {"peak_mib": torch.cuda.max_memory_allocated() / 2**20,
                    "held_mib": torch.cuda.max_memory_reserved() / 2**20}
        return {"peak_rss_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main():
    o = arguments()
    training = Training(o)
    first = training.warm_up()
    if o.rounds_on_stdin:
        print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin if o.rounds_on_stdin else range(1):
        ms = training.round()
        median = statistics.median(ms)
        print(json.dumps({**{key: getattr(o, key) for key in ("model", "batch", "img_size", "threads", "layout", "device",
                                                             "form", "precision", "compile")},
                          "ms": ms, "ms_median": median, "first_s": first, "img_per_s": 1e3 * o.batch / median,
                          "loss": training.loss.item(), "torch": torch.__version__, **training.memory_mib()}), flush=True)


main()
