"""The made-up range: the same products on every machine.

Owns what is sold and where; what a product is made of is `models.py`'s, its picture `drawing.py`'s, its vectors
`embeddings.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from demo_app.models import Product

# longitude, latitude in degrees
SHOPS: dict[str, tuple[float, float]] = {
    "London": (-0.1276, 51.5072),
    "Paris": (2.3522, 48.8566),
    "Berlin": (13.4050, 52.5200),
    "Rome": (12.4964, 41.9028),
    "Madrid": (-3.7038, 40.4168),
    "Stockholm": (18.0686, 59.3293),
    "Athens": (23.7275, 37.9838),
    "Lisbon": (-9.1393, 38.7223),
}


@dataclass(frozen=True)
class Kind:
    """An article type: where it stands in the range, who it is for, and what it costs about."""

    category: str
    sub_category: str
    article: str
    price: float
    genders: str = "MWU"  # Men, Women, Unisex
    usages: tuple[str, ...] = ("Casual", "Travel")


KINDS = (
    Kind("Apparel", "Topwear", "T-Shirt", 19, usages=("Casual", "Sports")),
    Kind("Apparel", "Topwear", "Shirt", 39, "MW", ("Casual", "Formal")),
    Kind("Apparel", "Topwear", "Polo", 34, "MW", ("Casual", "Sports")),
    Kind("Apparel", "Topwear", "Sweater", 54),
    Kind("Apparel", "Topwear", "Jacket", 95),
    Kind("Apparel", "Dress", "Dress", 65, "W", ("Casual", "Party", "Formal")),
    Kind("Apparel", "Bottomwear", "Jeans", 59, "MW", ("Casual",)),
    Kind("Apparel", "Bottomwear", "Trousers", 49, "MW", ("Formal", "Casual")),
    Kind("Apparel", "Bottomwear", "Shorts", 25, "MW", ("Casual", "Sports")),
    Kind("Apparel", "Bottomwear", "Skirt", 35, "W", ("Casual", "Party")),
    Kind("Footwear", "Shoes", "Sneakers", 75, usages=("Casual", "Sports")),
    Kind("Footwear", "Shoes", "Boots", 119, "MW", ("Casual", "Travel")),
    Kind("Footwear", "Shoes", "Heels", 89, "W", ("Party", "Formal")),
    Kind("Footwear", "Sandal", "Sandals", 39, "MW", ("Casual", "Travel")),
    Kind("Accessories", "Bags", "Handbag", 85, "W", ("Casual", "Party")),
    Kind("Accessories", "Bags", "Backpack", 60, "U", ("Travel", "Sports", "Casual")),
    Kind("Accessories", "Watches", "Watch", 140, "MW", ("Formal", "Casual", "Sports")),
    Kind("Accessories", "Eyewear", "Sunglasses", 55, "MWU"),
    Kind("Accessories", "Belts", "Belt", 29, "MW", ("Casual", "Formal")),
    Kind("Accessories", "Headwear", "Cap", 18, "U", ("Casual", "Sports")),
    Kind("Accessories", "Scarves", "Scarf", 24, "WU"),
    Kind("Accessories", "Wallets", "Wallet", 32, "MW", ("Casual", "Formal")),
)

COLOURS: dict[str, tuple[int, int, int]] = {
    "Black": (38, 38, 42),
    "White": (244, 243, 239),
    "Grey": (142, 146, 152),
    "Navy Blue": (35, 51, 98),
    "Blue": (52, 112, 196),
    "Teal": (22, 128, 128),
    "Green": (62, 138, 74),
    "Olive": (116, 118, 58),
    "Yellow": (240, 196, 58),
    "Orange": (232, 126, 44),
    "Red": (200, 42, 48),
    "Maroon": (116, 28, 48),
    "Pink": (236, 138, 168),
    "Purple": (118, 72, 158),
    "Brown": (120, 78, 48),
    "Beige": (214, 192, 156),
}

PATTERNS = ("Plain", "Striped", "Pinstripe", "Checked", "Dotted", "Floral", "Geometric", "Colourblock")
_GENDERS = {"M": "Men", "W": "Women", "U": "Unisex"}
_SEASONS = ("Spring", "Summer", "Fall", "Winter")
_BRANDS = ("Alder", "Bramble", "Cove", "Dune", "Ember", "Fjord", "Grove", "Harbour", "Isle", "Juniper")


def made_up(count: int = 2400, seed: int = 7) -> Iterator[Product]:
    """`count` products; no two of the first 2,816 share kind, colour and pattern. The same for the same seed."""
    random = np.random.default_rng(seed)
    looks = list(product(KINDS, COLOURS, PATTERNS))
    order = random.permutation(len(looks))
    for number in range(count):
        kind, colour, pattern = looks[order[number % len(looks)]]
        yield _one(number + 1, kind, colour, pattern, random)


def _one(number: int, kind: Kind, colour: str, pattern: str, random: np.random.Generator) -> Product:
    gender = _GENDERS[_any(random, tuple(kind.genders))]
    brand, city = _any(random, _BRANDS), _any(random, tuple(SHOPS))
    look = "" if pattern == "Plain" else f"{pattern} "
    return Product(
        product_id=number,
        name=f"{brand} {gender} {look}{colour} {kind.article}",
        gender=gender,
        category=kind.category,
        sub_category=kind.sub_category,
        article=kind.article,
        colour=colour,
        season=_any(random, _SEASONS),
        year=int(random.integers(2018, 2027)),
        usage=_any(random, kind.usages),
        brand=brand,
        pattern=pattern,
        price=round(kind.price * float(random.uniform(0.6, 1.9)), 2),
        city=city,
        shop=near(city, random),
    )


def near(city: str, random: np.random.Generator) -> str:
    """A shop's "longitude,latitude", within about ten kilometres of the middle of the city."""
    lon, lat = SHOPS[city]
    east, north = random.uniform(-0.08, 0.08, 2)
    return f"{lon + east:.6f},{lat + north:.6f}"


def _any(random: np.random.Generator, choices: tuple[str, ...]) -> str:
    return choices[int(random.integers(len(choices)))]
