#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the images in corpus/, from which the fuzz targets make damaged ones. Needs Pillow.

Usage: make_corpus.py CORPUS_DIR"""
import io
import pathlib
import struct
import sys
import zlib

from PIL import Image, ImageDraw


def image(mode, size):
    """Colours, edges and a smooth part."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.ellipse((1, 1, size[0] // 2, size[1] // 2), fill=(200, 30, 60))
    draw.rectangle((size[0] // 2, 2, size[0] - 2, max(2, size[1] - 3)), fill=(20, 120, 220))
    if mode == "1;P":
        return image.quantize(2)
    return image.quantize(16) if mode == "P" else image.convert(mode)


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpegs():
    small = image("RGB", (19, 13))
    yield "420.jpg", saved(small, "JPEG", quality=75, optimize=True)
    yield "422.jpg", saved(small, "JPEG", quality=40, subsampling=1)
    yield "444.jpg", saved(small, "JPEG", quality=95, subsampling=0, optimize=True)
    yield "grey.jpg", saved(image("L", (9, 17)), "JPEG", quality=60, optimize=True)
    yield "cmyk.jpg", saved(image("CMYK", (10, 9)), "JPEG", quality=60, optimize=True)
    yield "progressive.jpg", saved(image("RGB", (34, 20)), "JPEG", quality=70, progressive=True)
    yield "progressive444.jpg", saved(small, "JPEG", quality=50, progressive=True, subsampling=0)
    # A restart marker behind each row of blocks.
    yield "restart.jpg", saved(image("RGB", (33, 40)), "JPEG", quality=50, restart_marker_rows=1)
    exif = Image.Exif()
    exif[0x0112] = 6
    yield "exif.jpg", saved(small, "JPEG", quality=30, exif=exif, comment=b"a comment")


def scans(data):
    """Where the scans of a JPEG begin."""
    return [at for at in range(len(data) - 1) if data[at:at + 2] == b"\xff\xda"]


def odd_jpegs():
    """Sound files that only look damaged."""
    plain = saved(image("RGB", (19, 13)), "JPEG", quality=75, optimize=True)
    yield "jfif_version.jpg", plain[:11] + b"\0\0" + plain[13:]
    end = scans(plain)[0] + 2 + plain[scans(plain)[0] + 3]
    yield "samsung_scan.jpg", plain[:end - 3] + b"\0\0\0" + plain[end:]
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    yield "adobe_transform.jpg", plain[:2] + adobe + b"\7" + plain[2:]
    table = plain.index(b"\xff\xdb")
    yield "stray_bytes.jpg", plain[:table] + b"\0\1\2" + plain[table:-2] + bytes(65) + plain[-2:]
    restarts = saved(image("RGB", (33, 40)), "JPEG", quality=50, restart_marker_rows=1)
    first = restarts.index(b"\xff\xd0")
    yield "stray_restart.jpg", restarts[:first] + b"\0\0" + restarts[first:]
    progressive = saved(image("RGB", (34, 20)), "JPEG", quality=70, progressive=True)
    yield "dc_only.jpg", progressive[:scans(progressive)[1]] + b"\xff\xd9"
    ink = saved(image("CMYK", (10, 9)), "JPEG", quality=60, optimize=True)
    marker = ink.index(b"\xff\xee")
    yield "cmyk_unmarked.jpg", ink[:marker] + ink[marker + 16:]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, color, lines, interlace=0, extra=b"", stream=None):
    """A PNG of any sort: `lines` as they are before they are compressed."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    data = stream if stream is not None else zlib.compress(lines, 9)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data[: len(data) // 2]) +
            chunk(b"IDAT", data[len(data) // 2:]) + chunk(b"IEND", b""))


def rows(count, length):
    """Each with another filter."""
    return b"".join(bytes([y % 5]) + bytes((y * 31 + x * 7) % 256 for x in range(length)) for y in range(count))


def pngs():
    yield "rgb.png", saved(image("RGB", (21, 14)), "PNG", optimize=True)
    yield "rgba.png", saved(image("RGBA", (11, 7)), "PNG")
    yield "grey.png", saved(image("L", (15, 8)), "PNG")
    yield "grey_alpha.png", saved(image("LA", (9, 6)), "PNG")
    yield "palette.png", saved(image("P", (16, 9)), "PNG", transparency=3)
    yield "bits1.png", saved(image("1", (19, 5)), "PNG")
    yield "palette1.png", saved(image("1;P", (19, 5)), "PNG", bits=1)
    for depth in (2, 4):
        yield f"grey{depth}.png", png(7, 5, depth, 0, rows(5, (7 * depth + 7) // 8))
    yield "grey16.png", png(5, 5, 16, 0, rows(5, 10), extra=chunk(b"tRNS", b"\0\7"))
    yield "rgb16.png", png(3, 6, 16, 2, rows(6, 18), extra=chunk(b"tRNS", b"\0\7\0\1\0\2"))
    yield "rgba16.png", png(2, 5, 16, 6, rows(5, 16))
    # The seven passes of 5 x 5 pixels; those that are empty have no lines.
    passes = [(1, 1), (1, 1), (2, 1), (1, 2), (3, 1), (2, 3), (5, 2)]  # width, height
    yield "interlaced.png", png(5, 5, 8, 2, b"".join(rows(h, 3 * w) for w, h in passes), interlace=1)
    stored = zlib.compressobj(0)
    yield "stored.png", png(4, 5, 8, 2, b"", stream=stored.compress(rows(5, 12)) + stored.flush())
    yield "beyond_palette.png", png(16, 16, 8, 3, b"".join(b"\0" + bytes(range(16 * y, 16 * y + 16)) for y in range(16)),
                                    extra=chunk(b"PLTE", bytes(range(200, 212))))
    yield "surplus.png", png(4, 5, 8, 2, rows(5, 12) + bytes(100))
    exif = Image.Exif()
    exif[0x0112] = 8
    yield "exif.png", png(4, 5, 8, 2, rows(5, 12), extra=chunk(b"eXIf", exif.tobytes()[6:]))
    fixed = zlib.compressobj(9, strategy=zlib.Z_FIXED)
    yield "fixed.png", png(30, 5, 8, 0, b"", stream=fixed.compress(rows(5, 30)) + fixed.flush())


def bmp(width, height, bits, pixels, colors=b"", compression=0, header=40, masks=b"", gap=0):
    if header == 12:
        info = struct.pack("<IHHHH", header, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(pixels), 2835, 2835, 0, 0)
        info = struct.pack("<I", header) + info[4:] + masks
        info += bytes(max(0, header - len(info)))
    offset = 14 + len(info) + len(colors) + gap
    return b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + info + colors + bytes(gap) + pixels


def bmps():
    yield "rgb.bmp", saved(image("RGB", (7, 5)), "BMP")
    yield "palette8.bmp", saved(image("P", (9, 4)), "BMP")
    yield "bits1.bmp", saved(image("1", (35, 3)), "BMP")
    line = bytes(range(0x10, 0x18))
    colors = bytes((i * 16) % 256 for i in range(16 * 4))
    yield "palette4.bmp", bmp(13, 3, 4, line * 3, colors)
    yield "down.bmp", bmp(2, -3, 24, line * 3)
    yield "old.bmp", bmp(2, 3, 24, line * 3, header=12)
    yield "rgba.bmp", bmp(2, 3, 32, line * 3)
    yield "bits16.bmp", bmp(4, 3, 16, line * 3)
    yield "masks16.bmp", bmp(4, 3, 16, line * 3, compression=3, masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
    yield "masks32.bmp", bmp(2, 3, 32, line * 3, compression=3,
                             masks=struct.pack("<III", 0xFF0000, 0xFF00, 0xFF))
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield "v4.bmp", bmp(2, 3, 32, line * 3, compression=3, header=108, masks=masks)
    yield "gap.bmp", bmp(13, 3, 4, line * 3, colors, gap=7)
    yield "colour_table.bmp", bmp(2, 3, 24, line * 3, colors)
    yield "os2_palette.bmp", bmp(13, 3, 4, line * 3, colors[:48], header=12)
    yield "os2_v2.bmp", bmp(13, 3, 4, line * 3, colors, header=64)
    yield "beyond_palette.bmp", bmp(13, 3, 4, line * 3, colors[:12])
    yield "unfilled.bmp", bmp(2, 3, 24, (line * 3)[:-2])
    yield "masks16_4444.bmp", bmp(4, 3, 16, line * 3, compression=3, masks=struct.pack("<III", 0xF00, 0xF0, 0xF))
    for name, size in (("v2", 52), ("v3", 56)):
        words = (0xF800, 0x7E0, 0x1F, 0)[:size // 4 - 10]
        yield f"{name}.bmp", bmp(4, 3, 16, line * 3, compression=3, header=size,
                                 masks=struct.pack(f"<{len(words)}I", *words))
    yield "v5.bmp", bmp(2, 3, 24, line * 3, header=124, masks=masks)


def main():
    root = pathlib.Path(sys.argv[1])
    for folder, files in (("jpeg", [*jpegs(), *odd_jpegs()]), ("png", pngs()), ("bmp", bmps())):
        (root / folder).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (root / folder / name).write_bytes(data)


main()
