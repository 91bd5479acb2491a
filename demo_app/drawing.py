"""Pictures of made-up products, drawn from outlines: a different look for every kind, colour and pattern.

Outlines live in `outlines.py`; here is the ink. Knows nothing of prices, vectors or Redis.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_app.outlines import HEIGHT, OUTLINES, WIDTH, Part, Points, Seam
from demo_app.products import COLOURS, Product

SIZE = (240, 288)  # pixels of a finished picture
_FINE = 2  # drawn this much larger, then shrunk: smooth edges
_SCALE = SIZE[0] * _FINE / WIDTH
_CANVAS = (SIZE[0] * _FINE, SIZE[1] * _FINE)
_CUT = 4.0  # the most one pass cuts off an edge, in units of the outlines: hems keep their corners

Rgb = tuple[int, int, int]

_TONES: dict[str, Rgb] = {
    "dark": (44, 42, 44),
    "light": (246, 244, 238),
    "metal": (190, 192, 198),
    "gold": (206, 170, 92),
    "glass": (58, 66, 78),
    "sole": (236, 232, 222),
    "leather": (110, 74, 46),
}


def draw(product: Product) -> Image.Image:
    """The product's picture, RGB, SIZE; the same pixels every time."""
    random = np.random.default_rng(zlib.crc32(product.name.encode()) + product.product_id)
    main = _tinted(COLOURS[product.colour], random)
    cloth = _PATTERNS[product.pattern](main, accent(main, random), random)
    canvas = _BACKDROP.copy()
    outline = OUTLINES[product.article]
    silhouette = Image.new("L", _CANVAS, 0)
    for part in outline.parts:
        ImageDraw.Draw(silhouette).polygon(_pixels(part), fill=255)
    _cast_shadow(canvas, silhouette)
    for part in outline.parts:
        _paint(canvas, part, cloth)
    for seam in outline.seams:
        _stitch(canvas, seam, main)
    return canvas.reduce(_FINE)


def accent(main: Rgb, random: np.random.Generator) -> Rgb:
    """A second colour that stands out against the first."""
    choices = [rgb for rgb in COLOURS.values() if sum(abs(a - b) for a, b in zip(rgb, main, strict=True)) > 220]
    return choices[int(random.integers(len(choices)))]


def _tinted(rgb: Rgb, random: np.random.Generator) -> Rgb:
    """No two dye lots are alike."""
    shift = random.integers(-9, 10, 3)
    red, green, blue = (int(np.clip(c + s, 0, 255)) for c, s in zip(rgb, shift, strict=True))
    return red, green, blue


def _shade(rgb: Rgb, factor: float) -> Rgb:
    red, green, blue = (int(min(255, c * factor)) for c in rgb)
    return red, green, blue


def _luma(rgb: Rgb) -> float:
    return 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2]


# ---- surfaces --------------------------------------------------------------------------------------------------------


def _backdrop() -> Image.Image:
    rows = np.linspace(0, 1, _CANVAS[1])[:, None, None]
    pixels = np.array((247, 246, 243)) * (1 - rows) + np.array((232, 230, 226)) * rows
    return Image.fromarray(np.repeat(pixels, _CANVAS[0], axis=1).astype(np.uint8))


_BACKDROP = _backdrop()


def _cast_shadow(canvas: Image.Image, silhouette: Image.Image) -> None:
    small = silhouette.reduce(8)  # a blur of a small picture costs a 60th
    soft = small.filter(ImageFilter.GaussianBlur(1.6)).resize(_CANVAS, Image.Resampling.BILINEAR)
    moved = ImageChops.offset(soft, 4, 10).point(lambda v: v * 0.3)
    canvas.paste(Image.new("RGB", _CANVAS, (70, 66, 60)), mask=moved)


def _light() -> Image.Image:
    """Brightness over the canvas: lit from the upper left."""
    across = np.linspace(1.07, 0.86, _CANVAS[0])[None, :]
    down = np.linspace(1.03, 0.93, _CANVAS[1])[:, None]
    return Image.fromarray(np.clip(across * down * 235, 0, 255).astype(np.uint8)).convert("RGB")


_LIGHT = _light()


def _paint(canvas: Image.Image, part: Part, cloth: Image.Image) -> None:
    mask = Image.new("L", _CANVAS, 0)
    points = _pixels(part)
    ImageDraw.Draw(mask).polygon(points, fill=255)
    tone = _TONES.get(part.fill)
    flat = cloth if tone is None else Image.new("RGB", _CANVAS, tone)
    canvas.paste(ImageChops.multiply(flat, _LIGHT), mask=mask)
    edge = _shade(tone or _average(cloth), 0.62)
    ImageDraw.Draw(canvas).line([*points, points[0]], fill=edge, width=3, joint="curve")


def _average(cloth: Image.Image) -> Rgb:
    red, green, blue = cloth.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return int(red), int(green), int(blue)


def _stitch(canvas: Image.Image, seam: Seam, main: Rgb) -> None:
    colour = _TONES.get(seam.tone) or _shade(main, 0.6 if _luma(main) > 70 else 2.2)
    pen = ImageDraw.Draw(canvas)
    for points in _both_sides(seam.points, seam.mirrored):
        line = [(x * _SCALE, y * _SCALE) for x, y in _rounded(points, seam.rounding, closed=False)]
        pen.line(line, fill=colour, width=max(2, int(seam.width * _SCALE)), joint="curve")


def _both_sides(points: Points, mirrored: bool) -> list[Points]:
    return [points, tuple((WIDTH - x, y) for x, y in points)] if mirrored else [points]


def _pixels(part: Part) -> list[tuple[float, float]]:
    points = part.points
    if part.mirrored:
        points = (*points, *((WIDTH - x, y) for x, y in reversed(points)))
    return [(x * _SCALE, y * _SCALE) for x, y in _rounded(points, part.rounding, closed=True)]


def _rounded(points: Points, passes: int, closed: bool) -> list[tuple[float, float]]:
    """Chaikin's corner cutting: each pass cuts every corner at a quarter of its edges, of long edges less."""
    line: NDArray[np.float64] = np.array(points, np.float64)
    for _ in range(passes):
        after = np.roll(line, -1, axis=0)
        length = np.maximum(np.hypot(*(after - line).T), 1e-9)[:, None]
        share = np.minimum(0.25, _CUT / length)
        cut = np.stack([line + share * (after - line), after - share * (after - line)], axis=1)
        line = cut.reshape(-1, 2) if closed else np.concatenate([line[:1], cut[:-1].reshape(-1, 2), line[-1:]])
    return [(float(x), float(y)) for x, y in line]


# ---- patterns: (main, accent, random) to a canvas of cloth -----------------------------------------------------------


def _plain(main: Rgb, _: Rgb, __: np.random.Generator) -> Image.Image:
    return Image.new("RGB", _CANVAS, main)


def _bands(across: bool, period: float, share: float) -> Callable[[Rgb, Rgb, np.random.Generator], Image.Image]:
    def cloth(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
        step = period * float(random.uniform(0.8, 1.3)) * _SCALE
        places = np.arange(_CANVAS[1] if across else _CANVAS[0])
        on = (places % step) < step * share
        grid = np.broadcast_to(on[:, None] if across else on[None, :], (_CANVAS[1], _CANVAS[0]))
        return _two_tone(grid, main, second)

    return cloth


def _two_tone(grid: NDArray[np.bool_], main: Rgb, second: Rgb) -> Image.Image:
    mask = Image.fromarray(np.where(grid, np.uint8(255), np.uint8(0)))
    cloth = Image.new("RGB", _CANVAS, main)
    cloth.paste(second, (0, 0, *_CANVAS), mask)
    return cloth


def _checked(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    step = float(random.uniform(9, 13)) * _SCALE
    y, x = np.ogrid[: _CANVAS[1], : _CANVAS[0]]
    weight = 127 * ((x % step) < step / 2) + 127 * ((y % step) < step / 2)
    cloth = Image.new("RGB", _CANVAS, main)
    cloth.paste(second, (0, 0, *_CANVAS), Image.fromarray(weight.astype(np.uint8)))
    return cloth


def _dotted(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    step = float(random.uniform(8, 11)) * _SCALE
    y, x = np.ogrid[: _CANVAS[1], : _CANVAS[0]]
    shift = ((y // step) % 2) * step / 2
    radius = step * float(random.uniform(0.2, 0.3))
    return _two_tone(((x + shift) % step - step / 2) ** 2 + (y % step - step / 2) ** 2 < radius**2, main, second)


def _floral(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    cloth = Image.new("RGB", _CANVAS, main)
    pen = ImageDraw.Draw(cloth)
    heart = _TONES["gold"] if _luma(second) < 190 else _TONES["leather"]
    for x, y in random.uniform(0, 1, (46, 2)) * np.array(_CANVAS):
        _flower(pen, float(x), float(y), float(random.uniform(2.4, 4.2)) * _SCALE, second, heart)
    return cloth


def _flower(pen: ImageDraw.ImageDraw, x: float, y: float, size: float, petal: Rgb, heart: Rgb) -> None:
    for angle in np.arange(5) * 2 * np.pi / 5:
        _disc(pen, x + size * np.cos(angle) * 0.75, y + size * np.sin(angle) * 0.75, size * 0.6, petal)
    _disc(pen, x, y, size * 0.45, heart)


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: Rgb) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)


def _geometric(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    step = float(random.uniform(12, 17)) * _SCALE
    y, x = np.ogrid[: _CANVAS[1], : _CANVAS[0]]
    zigzag = np.abs((x % step) - step / 2)
    return _two_tone(((y + zigzag) % step) < step * 0.42, main, second)


def _colourblock(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    y, x = np.ogrid[: _CANVAS[1], : _CANVAS[0]]
    slope = float(random.uniform(-0.35, 0.35))
    return _two_tone(y + slope * (x - _CANVAS[0] / 2) > _CANVAS[1] * float(random.uniform(0.46, 0.58)), main, second)


_PATTERNS: dict[str, Callable[[Rgb, Rgb, np.random.Generator], Image.Image]] = {
    "Plain": _plain,
    "Striped": _bands(across=True, period=13, share=0.45),
    "Pinstripe": _bands(across=False, period=6, share=0.22),
    "Checked": _checked,
    "Dotted": _dotted,
    "Floral": _floral,
    "Geometric": _geometric,
    "Colourblock": _colourblock,
}

assert SIZE[1] * _FINE == HEIGHT * _SCALE
