# SPDX-License-Identifier: MIT
"""ResNets and ViTs in plain torch.nn under the names of torchvision and timm: the oracle of the tests."""
import torch
from torch import nn


class Block(nn.Module):
    """Basic block, or bottleneck with the stride on the 3x3."""

    def __init__(self, inner, width, stride, bottleneck):
        super().__init__()
        out = 4 * width if bottleneck else width
        shape = [(inner, width, 1, 1), (width, width, 3, stride), (width, out, 1, 1)] if bottleneck else [
            (inner, width, 3, stride), (width, out, 3, 1)]
        self.convs = len(shape)
        for i, (a, b, kernel, step) in enumerate(shape, 1):
            setattr(self, f"conv{i}", nn.Conv2d(a, b, kernel, step, kernel // 2, bias=False))
            setattr(self, f"bn{i}", nn.BatchNorm2d(b))
        self.downsample = None
        if stride != 1 or inner != out:
            self.downsample = nn.Sequential(nn.Conv2d(inner, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for i in range(1, self.convs + 1):
            y = getattr(self, f"bn{i}")(getattr(self, f"conv{i}")(y))
            if i < self.convs:
                y = torch.relu(y)
        return torch.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    def __init__(self, depths, bottleneck, num_classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, depth in enumerate(depths):
            width, blocks = 64 << stage, []
            for i in range(depth):
                blocks.append(Block(channels, width, 2 if stage and i == 0 else 1, bottleneck))
                channels = 4 * width if bottleneck else width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(x.mean((2, 3)))


def resnet18(num_classes=1000):
    return ResNet([2, 2, 2, 2], False, num_classes)


def resnet50(num_classes=1000):
    return ResNet([3, 4, 6, 3], True, num_classes)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        b, t, d = x.shape
        q, k, v = self.qkv(x).reshape(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        weights = (q @ k.transpose(-2, -1) * (d // self.heads) ** -0.5).softmax(-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(b, t, d))


class Mlp(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x):
        return self.fc2(nn.functional.gelu(self.fc1(x)))


class VitBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp = Mlp(width)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class Vit(nn.Module):
    def __init__(self, width, heads, num_classes, img_size=224, patch=16, depth=12):
        super().__init__()
        self.patch_embed = PatchEmbed(patch, width)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + (img_size // patch) ** 2, width))
        self.blocks = nn.Sequential(*(VitBlock(width, heads) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        side, own = int((x.shape[1] - 1) ** 0.5), int((self.pos_embed.shape[1] - 1) ** 0.5)
        positions = self.pos_embed
        if side != own:
            grid = positions[:, 1:].reshape(1, own, own, -1).permute(0, 3, 1, 2)
            grid = nn.functional.interpolate(grid, (side, side), mode="bicubic", antialias=True)
            positions = torch.cat([positions[:, :1], grid.permute(0, 2, 3, 1).flatten(1, 2)], 1)
        return self.head(self.norm(self.blocks(x + positions))[:, 0])


def vit_tiny_patch16_224(num_classes=1000):
    return Vit(192, 3, num_classes)


def vit_small_patch16_224(num_classes=1000):
    return Vit(384, 6, num_classes)


@torch.no_grad()
def randomise(net, seed):
    """Weights that keep the signal and give every parameter and statistic a part in the logits."""
    torch.manual_seed(seed)
    for name, p in net.named_parameters():
        if name in ("cls_token", "pos_embed") or name.startswith("patch_embed"):
            # Small, so that the first LayerNorm sees a variance near its eps.
            nn.init.normal_(p, std=0.02 if p.dim() < 4 else 0.02 / p[0].numel() ** 0.5)
        elif p.dim() > 1:
            nn.init.normal_(p, std=(1.5 / p[0].numel()) ** 0.5 * (0.3 if name == "fc.weight" else 1))
        else:
            nn.init.normal_(p, mean=float(name.endswith("weight")), std=0.2)
    for name, b in net.named_buffers():
        if name.endswith("running_mean"):
            nn.init.normal_(b, std=0.3)
        elif name.endswith("running_var"):
            nn.init.uniform_(b, 0.5, 2)
    return net.eval()
