"""Pictures of made-up products, drawn from outlines: a different look for every kind, colour and pattern.

Outlines live in `outlines.py`; here is the ink. Knows nothing of prices, vectors or Redis. What depends on the kind
alone (shapes, seams, the shadow) is cut once at three times the size, as stencils; a product is then cloth through
stencils, about a tenth of the work of drawing each one large and shrinking it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from demo_app.models import Product
from demo_app.outlines import HEIGHT, OUTLINES, WIDTH, Part, Points, Seam
from demo_app.products import COLOURS

SIZE = (240, 288)  # pixels of a picture
_SCALE = SIZE[0] / WIDTH
_FINE = 3  # stencils are cut this much larger, then shrunk: smooth edges
_LARGE = (SIZE[0] * _FINE, SIZE[1] * _FINE)
_CUT = 4.0  # the most one pass cuts off an edge, in units of the outlines: hems keep their corners
_EDGE = 1.5  # pixels of a part's outline

Rgb = tuple[int, int, int]
Box = tuple[int, int, int, int]
Coverage = NDArray[np.float64]

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
    stencils = _stencils(product.article)
    canvas = stencils.backdrop.copy()
    _paint(canvas, stencils.parts, ImageChops.multiply(cloth, _LIGHT), _average(cloth))
    for tone, stencil in stencils.seams:
        canvas.paste(_TONES.get(tone) or _shade(main, 0.6 if _luma(main) > 70 else 2.2), stencil.box, stencil.mask)
    return canvas


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


@dataclass(frozen=True)
class _Stencil:
    """Where ink goes: how much of each pixel of `box` it covers, 0 … 255."""

    box: Box
    mask: Image.Image


@dataclass(frozen=True)
class _Stencils:
    """Of one kind. parts: (fill, shape, its edge) from back to front;  seams: (tone, line);  backdrop: with shadow."""

    backdrop: Image.Image
    parts: tuple[tuple[str, _Stencil, _Stencil], ...]
    seams: tuple[tuple[str, _Stencil], ...]


@cache
def _stencils(article: str) -> _Stencils:
    outline = OUTLINES[article]
    shapes = [_pixels(part) for part in outline.parts]
    parts = tuple(
        (part.fill, _filled([shape]), _drawn([[*shape, shape[0]]], _EDGE * _FINE))
        for part, shape in zip(outline.parts, shapes, strict=True)
    )
    runs = groupby(outline.seams, lambda seam: (seam.tone, seam.width))  # one stencil each: a row of buttons is one
    seams = tuple((tone, _stitched(run, width)) for (tone, width), run in runs)
    return _Stencils(_with_shadow(_filled(shapes)), parts, seams)


def _filled(shapes: Iterable[Sequence[tuple[float, float]]]) -> _Stencil:
    large = Image.new("L", _LARGE, 0)
    for shape in shapes:
        ImageDraw.Draw(large).polygon(shape, fill=255)
    return _shrunk(large)


def _drawn(lines: Iterable[Sequence[tuple[float, float]]], width: float) -> _Stencil:
    """width: in pixels of the large canvas."""
    large = Image.new("L", _LARGE, 0)
    for line in lines:
        ImageDraw.Draw(large).line(line, fill=255, width=max(1, round(width)), joint="curve")
    return _shrunk(large)


def _shrunk(large: Image.Image) -> _Stencil:
    mask = large.reduce(_FINE)
    box = mask.getbbox() or (0, 0, 1, 1)
    return _Stencil(box, mask.crop(box))


def _stitched(seams: Iterable[Seam], width: float) -> _Stencil:
    lines = [_large(_rounded(points, seam.rounding, closed=False)) for seam in seams for points in _both_sides(seam)]
    return _drawn(lines, max(_FINE, width * _SCALE * _FINE))


def _with_shadow(silhouette: _Stencil) -> Image.Image:
    rows = np.linspace(0, 1, SIZE[1])[:, None, None]
    pixels = np.array((247, 246, 243)) * (1 - rows) + np.array((232, 230, 226)) * rows
    canvas = Image.fromarray(np.repeat(pixels, SIZE[0], axis=1).astype(np.uint8))
    shadow = Image.new("L", SIZE, 0)
    shadow.paste(silhouette.mask, silhouette.box)
    soft = ImageChops.offset(shadow.filter(ImageFilter.GaussianBlur(6.4)), 2, 5).point(lambda v: v * 0.3)
    canvas.paste((70, 66, 60), (0, 0, *SIZE), soft)
    return canvas


def _light() -> Image.Image:
    """Brightness over the canvas: lit from the upper left."""
    across = np.linspace(1.07, 0.86, SIZE[0])[None, :]
    down = np.linspace(1.03, 0.93, SIZE[1])[:, None]
    return Image.fromarray(np.clip(across * down * 235, 0, 255).astype(np.uint8)).convert("RGB")


_LIGHT = _light()


@cache
def _lit(tone: str) -> Image.Image:
    return ImageChops.multiply(Image.new("RGB", SIZE, _TONES[tone]), _LIGHT)


def _paint(
    canvas: Image.Image, parts: Iterable[tuple[str, _Stencil, _Stencil]], cloth: Image.Image, average: Rgb
) -> None:
    """cloth: in the light;  average: its colour out of it."""
    for fill, shape, edge in parts:
        ink = cloth if fill == "cloth" else _lit(fill)
        canvas.paste(ink.crop(shape.box), shape.box, shape.mask)
        canvas.paste(_shade(average if fill == "cloth" else _TONES[fill], 0.62), edge.box, edge.mask)


def _average(cloth: Image.Image) -> Rgb:
    red, green, blue = cloth.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # type: ignore[misc]
    return int(red), int(green), int(blue)


def _both_sides(seam: Seam) -> list[Points]:
    mirrored = [tuple((WIDTH - x, y) for x, y in seam.points)] if seam.mirrored else []
    return [seam.points, *mirrored]


def _pixels(part: Part) -> list[tuple[float, float]]:
    points = part.points
    if part.mirrored:
        points = (*points, *((WIDTH - x, y) for x, y in reversed(points)))
    return _large(_rounded(points, part.rounding, closed=True))


def _large(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _SCALE * _FINE, y * _SCALE * _FINE) for x, y in points]


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

_Y, _X = np.ogrid[: SIZE[1], : SIZE[0]]


def _plain(main: Rgb, _: Rgb, __: np.random.Generator) -> Image.Image:
    return Image.new("RGB", SIZE, main)


def _two_tone(coverage: Coverage, main: Rgb, second: Rgb) -> Image.Image:
    """coverage: how much of each pixel, 0 … 1, has the second colour."""
    share = np.broadcast_to(np.clip(coverage, 0, 1) * 255, (SIZE[1], SIZE[0]))
    cloth = Image.new("RGB", SIZE, main)
    cloth.paste(second, (0, 0, *SIZE), Image.fromarray(share.astype(np.uint8)))
    return cloth


def _banded(places: NDArray[np.integer] | Coverage, step: float, width: float) -> Coverage:
    """How much of the pixels at these places lies in bands of a width, one each step."""

    def before(place: NDArray[np.integer] | Coverage) -> Coverage:
        return np.floor(place / step) * width + np.minimum(place % step, width)

    return before(places + 1) - before(places)


def _bands(across: bool, period: float, share: float) -> Callable[[Rgb, Rgb, np.random.Generator], Image.Image]:
    def cloth(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
        step = period * float(random.uniform(0.8, 1.3)) * _SCALE
        return _two_tone(_banded(_Y if across else _X, step, step * share), main, second)

    return cloth


def _checked(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    step = float(random.uniform(9, 13)) * _SCALE
    return _two_tone((_banded(_X, step, step / 2) + _banded(_Y, step, step / 2)) / 2, main, second)


def _dotted(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    step = float(random.uniform(8, 11)) * _SCALE
    shift = ((_Y // step) % 2) * step / 2
    radius = step * float(random.uniform(0.2, 0.3))
    return _two_tone(radius + 0.5 - np.hypot((_X + shift) % step - step / 2, _Y % step - step / 2), main, second)


def _floral(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    cloth = Image.new("RGB", SIZE, main)
    petals, hearts = Image.new("L", _LARGE, 0), Image.new("L", _LARGE, 0)
    for x, y in random.uniform(0, 1, (46, 2)) * np.array(_LARGE):
        size = float(random.uniform(2.4, 4.2)) * _SCALE * _FINE
        _flower(ImageDraw.Draw(petals), ImageDraw.Draw(hearts), float(x), float(y), size)
    heart = _TONES["gold"] if _luma(second) < 190 else _TONES["leather"]
    for mask, colour in ((petals, second), (hearts, heart)):
        cloth.paste(colour, (0, 0, *SIZE), mask.reduce(_FINE))
    return cloth


def _flower(petals: ImageDraw.ImageDraw, hearts: ImageDraw.ImageDraw, x: float, y: float, size: float) -> None:
    for along, down in _PETALS:
        _disc(petals, x + size * along, y + size * down, size * 0.6)
    _disc(hearts, x, y, size * 0.45)


_PETALS = [(0.75 * float(np.cos(angle)), 0.75 * float(np.sin(angle))) for angle in np.arange(5) * 2 * np.pi / 5]


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _geometric(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    step = float(random.uniform(12, 17)) * _SCALE
    return _two_tone(_banded(_Y + np.abs((_X % step) - step / 2), step, step * 0.42), main, second)


def _colourblock(main: Rgb, second: Rgb, random: np.random.Generator) -> Image.Image:
    slope = float(random.uniform(-0.35, 0.35))
    split = SIZE[1] * float(random.uniform(0.46, 0.58))
    return _two_tone(_Y + slope * (_X - SIZE[0] / 2) - split + 0.5, main, second)


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

assert SIZE[1] == HEIGHT * _SCALE
