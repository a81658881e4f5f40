# SPDX-License-Identifier: MIT
"""The networks of salunet in PyTorch, with the same names of tensors, for speed and for parity.

The stabilizer and the gates come in three forms:
  E       tensor operations; a and b have no dimension, so bf16 activations stay bf16 (what a user would write)
  E1      the same with parameters of shape (1), which promote bf16 activations to f32
  Eprime  an autograd.Function that saves its input only, and recomputes in a hand-written backward pass"""
import json
import math
import pathlib
import struct

import torch
from torch import nn
from torch.nn import functional as F

FORMS = ("E", "E1", "Eprime")
DTYPES = {"F32": torch.float32, "I64": torch.int64}


def load_safetensors(path):
    """name -> tensor of a .safetensors file that salutrain wrote."""
    data = pathlib.Path(path).read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        flat = torch.frombuffer(bytearray(data[8 + size + begin:8 + size + end]), dtype=DTYPES[entry["dtype"]])
        tensors[name] = flat.reshape(entry["shape"]).clone()
    return tensors


def inverse_root(x, a, b):
    """1 / sqrt(1 + a b x^2), in operations that autocast leaves in bf16."""
    return 1 / torch.sqrt(1 + a * b * x * x)


class SaluFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, a, b):
        ctx.save_for_backward(x, a, b)
        return a * x * inverse_root(x, a, b)

    @staticmethod
    def backward(ctx, g):
        x, a, b = ctx.saved_tensors
        r = inverse_root(x, a, b)
        return salu_gradients(g * (r * r * r), x, a, b)


def salu_gradients(g, x, a, b):
    """(dx, da, db), g = dy r^3; the sums over all elements are f32."""
    gx = g * x
    first, third = gx.sum(dtype=torch.float32), (gx * (x * x)).sum(dtype=torch.float32)
    return g * a, first + a * b / 2 * third, -a * a / 2 * third


class SwaluFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, a, b):
        ctx.save_for_backward(x, a, b)
        return x / 2 * (1 + a * x * inverse_root(x, a, b))

    @staticmethod
    def backward(ctx, g):
        x, a, b = ctx.saved_tensors
        r = inverse_root(x, a, b)
        inner, da, db = salu_gradients(g * x / 2 * (r * r * r), x, a, b)
        return g / 2 * (1 + a * x * r) + inner, da, db


K = 0.044715
ROOT = math.sqrt(2 / math.pi)


def psi(x):
    return ROOT * x * (1 + K * x * x)


class GaluFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, a, b):
        ctx.save_for_backward(x, a, b)
        inner = psi(x)
        return x / 2 * (1 + a * inner * inverse_root(inner, a, b))

    @staticmethod
    def backward(ctx, g):
        x, a, b = ctx.saved_tensors
        inner = psi(x)
        r = inverse_root(inner, a, b)
        through, da, db = salu_gradients(g * x / 2 * (r * r * r), inner, a, b)
        return g / 2 * (1 + a * inner * r) + through * (ROOT * (1 + 3 * K * x * x)), da, db


class Curve(nn.Module):
    """SALU: a x / sqrt(1 + a b x^2), a = e^alpha, b = e^beta."""
    function = SaluFunction

    def __init__(self, form, a, b):
        super().__init__()
        self.form = form
        shape = (1,) if form == "E1" else ()
        self.alpha = nn.Parameter(torch.full(shape, math.log(a)))
        self.beta = nn.Parameter(torch.full(shape, math.log(b)))

    def forward(self, x):
        a, b = self.alpha.exp(), self.beta.exp()
        return self.function.apply(x, a, b) if self.form == "Eprime" else self.composed(x, a, b)

    def composed(self, x, a, b):
        return a * x / torch.sqrt(1 + a * b * x * x)


class Swalu(Curve):
    function = SwaluFunction

    def composed(self, x, a, b):
        return x / 2 * (1 + super().composed(x, a, b))


class Galu(Curve):
    function = GaluFunction

    def composed(self, x, a, b):
        return x / 2 * (1 + super().composed(psi(x), a, b))


class Kind:
    """Makes norms and activations: SaluNet's of one form, or the baseline's (form None)."""

    def __init__(self, form, stabilizer=(1.316, .76)):
        self.form, self.stabilizer = form, stabilizer
        self.norm_name = "norm" if form else "bn"

    def norm(self, channels):
        return Curve(self.form, *self.stabilizer) if self.form else nn.BatchNorm2d(channels)

    def act(self):
        return Swalu(self.form, .5, .5) if self.form else nn.ReLU()

    def token_norm(self, width):
        return Curve(self.form, *self.stabilizer) if self.form else nn.LayerNorm(width)

    def token_act(self):
        return Galu(self.form, 1, 1) if self.form else nn.GELU()


def convolution(c_in, c_out, kernel, stride):
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    return conv


class Block(nn.Module):
    """Basic (two 3x3) or bottleneck (1x1, 3x3, 1x1 to four times the width)."""

    def __init__(self, kind, bottleneck, c_in, width, stride):
        super().__init__()
        self.out = 4 * width if bottleneck else width
        steps = ([(c_in, width, 1, 1), (width, width, 3, stride), (width, self.out, 1, 1)] if bottleneck else
                 [(c_in, width, 3, stride), (width, width, 3, 1)])
        self.parts = []
        for i, step in enumerate(steps, 1):
            parts = (convolution(*step), kind.norm(step[1]), kind.act())
            for name, part in zip((f"conv{i}", f"{kind.norm_name}{i}", f"act{i}"), parts):
                setattr(self, name, part)
            self.parts.append((f"conv{i}", f"{kind.norm_name}{i}", f"act{i}"))
        self.downsample = None
        if stride != 1 or c_in != self.out:
            self.downsample = nn.Sequential(convolution(c_in, self.out, 1, stride), kind.norm(self.out))

    def forward(self, x):
        skip = self.downsample(x) if self.downsample is not None else x
        y = x
        for i, (conv, norm, act) in enumerate(self.parts):
            y = getattr(self, norm)(getattr(self, conv)(y))
            y = getattr(self, act)(y + skip if i + 1 == len(self.parts) else y)
        return y


class Resnet(nn.Module):
    def __init__(self, kind, bottleneck, depths, widths, imagenet_stem, classes):
        super().__init__()
        self.conv1 = convolution(3, widths[0], 7, 2) if imagenet_stem else convolution(3, widths[0], 3, 1)
        self.norm_name = f"{kind.norm_name}1"
        setattr(self, self.norm_name, kind.norm(widths[0]))
        self.act1 = kind.act()
        self.maxpool = nn.MaxPool2d(3, 2, 1) if imagenet_stem else nn.Identity()
        self.stages, channels = len(depths), widths[0]
        for stage, (depth, width) in enumerate(zip(depths, widths)):
            blocks = []
            for i in range(depth):
                blocks.append(Block(kind, bottleneck, channels, width, 2 if stage and not i else 1))
                channels = blocks[-1].out
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(self.act1(getattr(self, self.norm_name)(self.conv1(x))))
        for stage in range(self.stages):
            x = getattr(self, f"layer{stage + 1}")(x)
        return self.fc(x.mean((2, 3)))


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.scale = heads, width ** -.5  # of the whole width, as in ViT-CIFAR
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        if hasattr(F, "scaled_dot_product_attention"):
            y = F.scaled_dot_product_attention(q, k, v, scale=self.scale)
        else:
            y = (q @ k.transpose(-2, -1) * self.scale).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, t, d))


class Mlp(nn.Module):
    def __init__(self, kind, width, hidden):
        super().__init__()
        self.fc1, self.act1 = nn.Linear(width, hidden), kind.token_act()
        self.fc2, self.act2 = nn.Linear(hidden, width), kind.token_act()

    def forward(self, x):
        return self.act2(self.fc2(self.act1(self.fc1(x))))


class TokenBlock(nn.Module):
    def __init__(self, kind, width, heads, hidden):
        super().__init__()
        self.norm1, self.attn = kind.token_norm(width), Attention(width, heads)
        self.norm2, self.mlp = kind.token_norm(width), Mlp(kind, width, hidden)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    def __init__(self, kind, img_size, classes, patches=8, depth=7, width=384, heads=12, hidden=384):
        super().__init__()
        patch = img_size // patches
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 1 + patches * patches, width))
        self.blocks = nn.Sequential(*(TokenBlock(kind, width, heads, hidden) for _ in range(depth)))
        self.norm, self.head = kind.token_norm(width), nn.Linear(width, classes)

    def forward(self, x):
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        return self.head(self.norm(self.blocks(x)[:, 0]))


SMALL, LARGE = [16, 32, 64], [64, 128, 256, 512]
RESNETS = {"c8": (False, [1, 1, 1], SMALL), "c20": (False, [3, 3, 3], SMALL), "c56": (False, [9, 9, 9], SMALL),
           "c18": (False, [2, 2, 2, 2], LARGE), "c50": (True, [3, 4, 6, 3], LARGE)}


def make_net(name, img_size=32, classes=10, form="E", imagenet_stem=None):
    """salunet_c18, salunet_t, ... or resnet18, vit_cifar, ... as `salutrain --list-models` names them."""
    baseline = not name.startswith("salunet_")
    if name in ("salunet_t", "vit_cifar"):
        return Vit(Kind(None if baseline else form), img_size, classes)
    key = name.replace("resnet", "c") if baseline else name[len("salunet_"):]
    bottleneck, depths, widths = RESNETS[key]
    stem = img_size > 64 if imagenet_stem is None else imagenet_stem
    kind = Kind(None if baseline else form, (1.45, 1 / 1.45) if bottleneck else (1.316, .76))
    return Resnet(kind, bottleneck, depths, widths, stem and widths is LARGE, classes)
