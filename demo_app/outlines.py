"""Outlines of the article types, on a canvas 100 wide and 120 high; corners are rounded when they are drawn.

A mirrored part lists its right half from the top of the middle line (x = 50) to its foot.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WIDTH, HEIGHT = 100, 120

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Part:
    """A filled shape. fill: "cloth" (colour and pattern of the product) or a tone of `drawing.py`."""

    points: Points
    fill: str = "cloth"
    mirrored: bool = False
    rounding: int = 2


@dataclass(frozen=True)
class Seam:
    """A line on top. tone: "" is a shade of the product's colour."""

    points: Points
    width: float = 0.7
    tone: str = ""
    mirrored: bool = False
    rounding: int = 2


@dataclass(frozen=True)
class Outline:
    """Parts from back to front, then the seams."""

    parts: tuple[Part, ...]
    seams: tuple[Seam, ...] = ()


def _half(*points: tuple[float, float], fill: str = "cloth", rounding: int = 2) -> Part:
    return Part(points, fill, mirrored=True, rounding=rounding)


def _oval(x: float, y: float, width: float, height: float, fill: str = "cloth") -> Part:
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return Part(tuple((x + width * float(np.cos(a)), y + height * float(np.sin(a))) for a in angles), fill, rounding=0)


def _buttons(x: float, top: float, bottom: float, count: int, tone: str = "light") -> tuple[Seam, ...]:
    return tuple(Seam(((x - 0.5, y), (x + 0.5, y)), 1.6, tone) for y in np.linspace(top, bottom, count).tolist())


_NECK = ((50.0, 31.0), (57.0, 29.0), (61.0, 21.0))
_SLEEVES = (*_NECK, (72, 24), (80, 34), (88, 62), (92, 92), (82, 95), (76, 62), (75, 106), (50, 108))
_CUFFS = Seam(((81.5, 89), (92, 86)), 0.8, mirrored=True)
_HEM = Seam(((50, 101), (75, 99)), 0.8, mirrored=True)
_WAIST = Seam(((50, 22), (67, 21)), 0.8, mirrored=True, rounding=0)

OUTLINES: dict[str, Outline] = {
    "T-Shirt": Outline(
        (_half(*_NECK, (73, 25), (94, 46), (83, 57), (75, 50), (76, 102), (50, 104)),),
        (Seam(((50, 34), (59, 31), (64, 21)), mirrored=True), Seam(((75, 50), (73, 38)), mirrored=True)),
    ),
    "Shirt": Outline(
        (
            _half(*_SLEEVES),
            Part(((50, 32), (60, 20), (64, 22), (61, 37)), rounding=1),
            Part(((50, 32), (40, 20), (36, 22), (39, 37)), rounding=1),
        ),
        (Seam(((50, 32), (50, 108)), 1.0), *_buttons(50, 44, 100, 6), _CUFFS),
    ),
    "Polo": Outline(
        (
            _half((50, 30), (57, 27), (61, 21), (73, 25), (92, 50), (82, 58), (75, 52), (75, 102), (50, 104)),
            Part(((50, 34), (60, 19), (66, 22), (60, 38)), "light", rounding=1),
            Part(((50, 34), (40, 19), (34, 22), (40, 38)), "light", rounding=1),
        ),
        (Seam(((50, 34), (50, 55)), 1.6), *_buttons(50, 42, 51, 2), Seam(((80, 55), (90, 47)), 1.6, "light", True)),
    ),
    "Sweater": Outline(
        (
            _half(
                (50, 26),
                (58, 24),
                (61, 18),
                (74, 24),
                (84, 38),
                (92, 66),
                (94, 98),
                (82, 100),
                (77, 68),
                (77, 104),
                (50, 106),
            ),
            _half((50, 27), (59, 25), (62, 17), (55, 16), (50, 18), fill="dark"),
        ),
        (
            Seam(((50, 98), (77, 97)), 1.2, mirrored=True),
            Seam(((82, 92), (94, 90)), 1.2, mirrored=True),
            Seam(((50, 31), (61, 28), (65, 20)), 1.2, mirrored=True),
            Seam(((74, 70), (70, 42), (66, 26)), mirrored=True),
        ),
    ),
    "Jacket": Outline(
        (
            _half(*_SLEEVES),
            Part(((50, 60), (44, 40), (40, 20), (50, 17), (60, 20), (56, 40)), "dark", rounding=1),
            Part(((50, 62), (61, 19), (70, 24), (66, 42)), rounding=1),
            Part(((50, 62), (39, 19), (30, 24), (34, 42)), rounding=1),
        ),
        (Seam(((50, 62), (50, 108)), 1.4, "metal"), Seam(((58, 82), (70, 79)), 1.2, mirrored=True), _CUFFS, _HEM),
    ),
    "Dress": Outline(
        (_half((50, 27), (56, 25), (59, 12), (65, 12), (67, 28), (63, 46), (62, 52), (74, 80), (84, 108), (50, 112)),),
        (Seam(((50, 53), (62, 51)), 1.8, mirrored=True), Seam(((56, 60), (63, 106)), mirrored=True)),
    ),
    "Jeans": Outline(
        (_half((50, 15), (67, 15), (70, 28), (74, 112), (57, 112), (52, 50), (50, 46), rounding=1),),
        (
            _WAIST,
            Seam(((50, 22), (50, 46)), 0.9),
            Seam(((57, 22), (60, 29), (69, 28)), mirrored=True),
            Seam(((57.5, 108), (73.5, 108)), 0.9, "gold", True, 0),
            *_buttons(50, 18.5, 18.5, 1, "gold"),
        ),
    ),
    "Trousers": Outline(
        (_half((50, 15), (65, 15), (72, 38), (70, 112), (57, 112), (53, 52), (50, 48), rounding=1),),
        (_WAIST, Seam(((62, 26), (63.5, 111)), 0.6, mirrored=True), Seam(((50, 22), (50, 46)), 0.7)),
    ),
    "Shorts": Outline(
        (_half((50, 32), (69, 32), (79, 88), (55, 91), (52, 64), (50, 61), rounding=1),),
        (
            Seam(((50, 38), (70, 37)), 0.9, mirrored=True),
            Seam(((46, 34), (44, 52)), 1.1, "light"),
            Seam(((54, 34), (56, 50)), 1.1, "light"),
            Seam(((55, 86), (78, 83)), mirrored=True),
        ),
    ),
    "Skirt": Outline(
        (_half((50, 28), (64, 28), (68, 44), (86, 98), (50, 103), rounding=1),),
        (
            Seam(((50, 35), (65.5, 34)), 1.0, mirrored=True),
            Seam(((55, 40), (62, 100)), mirrored=True),
            Seam(((60, 40), (75, 98)), mirrored=True),
        ),
    ),
    "Sneakers": Outline(
        (
            Part(((9, 50), (20, 44), (34, 50), (46, 48), (60, 64), (82, 70), (92, 80), (91, 88), (9, 88))),
            Part(((7, 85), (93, 85), (94, 93), (88, 97), (13, 97), (7, 93)), "sole"),
            Part(((72, 68), (84, 71), (93, 81), (92, 86), (74, 86)), "light"),
        ),
        (
            *(Seam(((46 + 5 * i, 54 + 4 * i), (40 + 5 * i, 61 + 4 * i)), 1.6, "light") for i in range(4)),
            Seam(((12, 70), (34, 78), (58, 70)), 1.8, "light"),
            Seam(((7, 91), (94, 91)), 0.6, "metal"),
        ),
    ),
    "Boots": Outline(
        (
            Part(((27, 16), (58, 16), (57, 60), (70, 68), (88, 78), (90, 94), (27, 94)), rounding=2),
            Part(((25, 92), (91, 92), (91, 99), (50, 99), (48, 97), (44, 104), (25, 104)), "dark", rounding=1),
        ),
        (
            *(Seam(((56, 28 + 9 * i), (45, 31 + 9 * i)), 1.2, "light") for i in range(4)),
            Seam(((27, 22), (58, 22)), 1.0),
            Seam(((42, 70), (58, 62)), 0.8),
        ),
    ),
    "Heels": Outline(
        (
            Part(
                (
                    (10, 40),
                    (20, 44),
                    (40, 66),
                    (66, 72),
                    (90, 80),
                    (95, 89),
                    (88, 92),
                    (58, 91),
                    (36, 80),
                    (22, 68),
                    (18, 94),
                    (13, 94),
                    (11, 60),
                )
            ),
            Part(((20, 47), (38, 67), (60, 73), (40, 75), (24, 60)), "light"),
        ),
        (Seam(((13, 94), (19, 94)), 1.6, "dark"), Seam(((58, 91), (92, 91)), 1.4, "dark")),
    ),
    "Sandals": Outline(
        (
            Part(((8, 82), (40, 80), (80, 82), (94, 86), (94, 93), (8, 94)), "leather"),
            Part(((10, 82), (12, 56), (22, 54), (24, 82))),
            Part(((36, 82), (48, 58), (60, 60), (54, 82))),
            Part(((64, 83), (72, 66), (84, 70), (82, 84))),
        ),
        (Seam(((12, 62), (26, 52), (44, 62)), 2.0), *_buttons(24, 55, 55, 1, "gold"), Seam(((8, 90), (94, 90)), 0.7)),
    ),
    "Handbag": Outline(
        (
            _half((50, 50), (74, 50), (80, 58), (88, 100), (84, 106), (50, 107)),
            _half((50, 49), (76, 49), (80, 62), (70, 76), (50, 79)),
        ),
        (
            Seam(((32, 50), (32, 22), (50, 14), (68, 22), (68, 50)), 3.0, "leather"),
            Seam(((46, 76), (54, 76)), 4.0, "gold", rounding=0),
            Seam(((30, 51), (34, 51)), 3.0, "gold", True),
        ),
    ),
    "Backpack": Outline(
        (
            Part(((20, 60), (10, 70), (10, 100), (22, 104)), "dark"),
            Part(((80, 60), (90, 70), (90, 100), (78, 104)), "dark"),
            _half((50, 18), (66, 19), (78, 34), (81, 70), (80, 108), (50, 110)),
            _half((50, 66), (70, 66), (72, 74), (71, 101), (50, 102)),
        ),
        (
            Seam(((42, 18), (44, 9), (56, 9), (58, 18)), 2.4, "dark"),
            Seam(((24, 44), (50, 36), (76, 44)), 1.2, "metal"),
            Seam(((30, 74), (70, 74)), 1.2, "metal"),
        ),
    ),
    "Watch": Outline(
        (
            Part(((40, 8), (60, 8), (63, 44), (63, 78), (60, 113), (40, 113), (37, 78), (37, 44)), rounding=1),
            Part(((76, 57), (81, 57), (81, 64), (76, 64)), "metal", rounding=1),
            _oval(50, 60, 27, 27, "metal"),
            _oval(50, 60, 22, 22, "light"),
        ),
        (
            Seam(((50, 60), (50, 44)), 1.4, "dark"),
            Seam(((50, 60), (61, 65)), 1.4, "dark"),
            *(
                Seam(
                    (
                        (50 + 18 * float(np.cos(a)), 60 + 18 * float(np.sin(a))),
                        (50 + 20.5 * float(np.cos(a)), 60 + 20.5 * float(np.sin(a))),
                    ),
                    1.1,
                    "dark",
                )
                for a in np.arange(12) * np.pi / 6
            ),
        ),
    ),
    "Sunglasses": Outline(
        (
            Part(((6, 50), (20, 46), (42, 48), (46, 56), (44, 72), (32, 80), (16, 78), (8, 66))),
            Part(((94, 50), (80, 46), (58, 48), (54, 56), (56, 72), (68, 80), (84, 78), (92, 66))),
            Part(((11, 53), (22, 50), (39, 51), (42, 57), (40, 69), (31, 75), (18, 74), (12, 65)), "glass"),
            Part(((89, 53), (78, 50), (61, 51), (58, 57), (60, 69), (69, 75), (82, 74), (88, 65)), "glass"),
        ),
        (
            Seam(((43, 55), (50, 51), (57, 55)), 2.6),
            Seam(((7, 51), (3, 44)), 2.6, "", True),
            Seam(((17, 57), (26, 54)), 1.2, "light"),
            Seam(((66, 56), (75, 53)), 1.2, "light"),
        ),
    ),
    "Belt": Outline(
        (
            Part(((4, 46), (40, 40), (96, 46), (97, 54), (96, 62), (40, 56), (4, 62)), rounding=1),
            Part(((14, 66), (60, 60), (96, 66), (92, 80), (60, 76), (14, 82)), rounding=1),
            Part(((6, 60), (26, 60), (26, 87), (6, 87)), "metal", rounding=1),
            Part(((10, 64), (22, 64), (22, 83), (10, 83)), "light", rounding=1),
        ),
        (
            Seam(((16, 73), (28, 73)), 2.0, "metal"),
            *(Seam(((x, 70), (x + 1, 70)), 1.8, "dark") for x in range(56, 86, 8)),
        ),
    ),
    "Cap": Outline(
        (
            Part(((14, 72), (16, 52), (28, 38), (46, 34), (62, 40), (70, 56), (72, 72))),
            Part(((44, 70), (66, 66), (86, 72), (97, 82), (94, 86), (72, 78), (46, 78)), "dark"),
        ),
        (
            Seam(((46, 34), (44, 54), (44, 72)), 0.8),
            Seam(((30, 39), (26, 56), (28, 72)), 0.7),
            Seam(((44, 34), (48, 34)), 3.0),
            Seam(((14, 72), (44, 75), (70, 70)), 1.2),
        ),
    ),
    "Scarf": Outline(
        (
            Part(((56, 40), (72, 44), (78, 108), (58, 110))),
            Part(((30, 42), (46, 38), (50, 96), (30, 99))),
            Part(((18, 36), (30, 20), (50, 14), (70, 20), (82, 36), (72, 50), (50, 56), (28, 50))),
            Part(((34, 33), (50, 25), (66, 33), (50, 41)), "dark"),
        ),
        (
            Seam(((22, 40), (50, 52), (78, 40)), 0.9),
            *(Seam(((x, 97), (x, 104)), 1.0) for x in range(31, 50, 3)),
            *(Seam(((x, 108), (x, 115)), 1.0) for x in range(60, 79, 3)),
        ),
    ),
    "Wallet": Outline(
        (
            Part(((12, 44), (88, 44), (90, 92), (10, 92)), rounding=2),
            Part(((12, 44), (88, 44), (89, 68), (11, 68)), rounding=2),
        ),
        (Seam(((11, 68), (89, 68)), 1.0), Seam(((16, 88), (84, 88)), 0.6), *_buttons(50, 66, 66, 1, "gold")),
    ),
}
