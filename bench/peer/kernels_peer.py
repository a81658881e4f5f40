#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""PyTorch's attention and optimizer on a GPU, for the shapes of bench_kernels: a JSON object per line.

Usage: kernels_peer.py [--device cpu] [--small]"""
import argparse
import json
import statistics
import time

import torch
from torch.nn import functional as F


def median_us(body, device, repeats=30, rotate=1):
    """Median time of body(i), i = 0 .. rotate-1 in turn."""
    for i in range(rotate):
        body(i)
    if device == "cpu":
        times = []
        for i in range(repeats):
            start = time.perf_counter()
            body(i % rotate)
            times.append(1e6 * (time.perf_counter() - start))
        return statistics.median(times)
    marks = [torch.cuda.Event(enable_timing=True) for _ in range(repeats + 1)]
    marks[0].record()
    for i, mark in enumerate(marks[1:]):
        body(i % rotate)
        mark.record()
    torch.cuda.synchronize()
    return 1e3 * statistics.median(a.elapsed_time(b) for a, b in zip(marks, marks[1:]))


def backends():
    """name -> context in which scaled_dot_product_attention runs that way."""
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError:
        return {}
    names = ("FLASH_ATTENTION", "EFFICIENT_ATTENTION", "CUDNN_ATTENTION", "MATH")
    return {name: (lambda b=getattr(SDPBackend, name): sdpa_kernel(b)) for name in names if hasattr(SDPBackend, name)}


def attention(batch, tokens, heads, head, device):
    for name, context in backends().items():
        line = {"part": "kernels_peer", "family": "attention", "case": f"b={batch} {tokens} tokens, {heads} heads of {head}",
                "variant": name}
        try:
            sets = []
            for _ in range(3):
                q, k, v = (torch.randn(batch, heads, tokens, head, device=device, dtype=torch.bfloat16,
                                       requires_grad=True) for _ in range(3))
                sets.append((q, k, v, torch.randn_like(q)))

            def forward(i):
                with torch.no_grad(), context():
                    F.scaled_dot_product_attention(*sets[i][:3])

            def both(i):
                q, k, v, g = sets[i]
                with context():
                    y = F.scaled_dot_product_attention(q, k, v)
                torch.autograd.grad(y, (q, k, v), g)

            line["forward_us"], line["both_us"] = (median_us(f, device, rotate=3) for f in (forward, both))
        except RuntimeError as error:
            line["error"] = str(error).splitlines()[0]
        print(json.dumps(line), flush=True)


def optimizer(count, device):
    """One fused SGD step over `count` parameters in tensors like ResNet-50's."""
    sizes = [count // 160] * 160
    parameters = [torch.randn(n, device=device, requires_grad=True) for n in sizes]
    for p in parameters:
        p.grad = torch.randn_like(p)
    sgd = torch.optim.SGD(parameters, .01, momentum=.9, nesterov=True, weight_decay=5e-4,
                          **({"fused": True} if device == "cuda" else {}))
    print(json.dumps({"part": "kernels_peer", "family": "optimizer", "case": f"sgd, {sum(sizes)} parameters",
                      "variant": "fused", "both_us": median_us(lambda i: sgd.step(), device)}), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    o = parser.parse_args()
    for shape in [(1, 5, 2, 8)] if o.small else [(1024, 65, 12, 32), (128, 65, 12, 32), (8, 1024, 12, 64)]:
        attention(*shape, o.device)
    optimizer(16000 if o.small else 25_500_000, o.device)


main()
