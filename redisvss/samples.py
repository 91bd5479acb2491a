"""A made-up product catalogue, the same on every machine: for the tour, the tests and whoever wants to try something.

Its vectors are honest if simple: hashed character trigrams of the name, so that products with like names lie close.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

DIM = 64

_ARTICLES: dict[str, tuple[str, ...]] = {
    "Apparel": ("Shirt", "T-Shirt", "Dress", "Jeans", "Jacket", "Skirt", "Sweater"),
    "Footwear": ("Sneakers", "Sandals", "Boots", "Heels"),
    "Accessories": ("Watch", "Handbag", "Belt", "Scarf", "Sunglasses"),
}
_BRANDS = ("Alder", "Bramble", "Cove", "Dune", "Ember", "Fjord", "Grove", "Harbour")
_STYLES = ("Classic", "Slim Fit", "Vintage", "Sport", "Printed", "Striped", "Everyday", "Evening")
_COLOURS = ("Black", "White", "Navy Blue", "Red", "Green", "Grey", "Pink", "Brown", "Yellow", "Teal")
_GENDERS = ("Men", "Women", "Unisex")
_SEASONS = ("Spring", "Summer", "Fall", "Winter")
# longitude, latitude of a few shops
_SHOPS = ((-0.1276, 51.5072), (2.3522, 48.8566), (13.4050, 52.5200), (12.4964, 41.9028), (-3.7038, 40.4168))


@dataclass(frozen=True)
class Product:
    key: str
    name: str
    gender: str
    category: str
    article: str
    colour: str
    season: str
    year: int
    price: float
    shop: tuple[float, float]  # longitude, latitude in degrees

    def mapping(self) -> dict[str, str | bytes | float]:
        """As a hash, vector included."""
        return {
            "name": self.name,
            "gender": self.gender,
            "category": self.category,
            "article": self.article,
            "colour": self.colour,
            "season": self.season,
            "year": self.year,
            "price": self.price,
            "shop": f"{self.shop[0]:.6f},{self.shop[1]:.6f}",
            "embedding": embed(self.name).tobytes(),
        }


def products(count: int = 1000, seed: int = 7) -> Iterator[Product]:
    """`count` products, the same for the same seed."""
    random = np.random.default_rng(seed)
    kinds = [(category, article) for category, articles in _ARTICLES.items() for article in articles]
    combinations = list(product(kinds, _COLOURS, _BRANDS, _STYLES))
    for number in range(count):
        (category, article), colour, brand, style = combinations[random.integers(len(combinations))]
        gender = _choose(random, _GENDERS)
        lon, lat = _SHOPS[random.integers(len(_SHOPS))]
        yield Product(
            key=f"product:{number + 1}",
            name=f"{brand} {gender} {style} {colour} {article}",
            gender=gender,
            category=category,
            article=article,
            colour=colour,
            season=_choose(random, _SEASONS),
            year=int(random.integers(2015, 2026)),
            price=float(random.integers(500, 20000)) / 100,
            shop=(lon + random.normal(0, 0.05), lat + random.normal(0, 0.05)),
        )


def embed(text: str) -> NDArray[np.float32]:
    """A text's place in a space of hashed character trigrams, unit length, (DIM,) float32."""
    vector = np.zeros(DIM, np.float32)
    for word in text.lower().split():
        padded = f" {word} "
        for start in range(len(padded) - 2):
            digest = zlib.crc32(padded[start : start + 3].encode())
            vector[digest % DIM] += 1.0 if digest & 0x10000 else -1.0
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector


def _choose(random: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(random.integers(len(choices)))]
