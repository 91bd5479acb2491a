"""The catalogue: products, their vectors, and where their pictures lie; made once, then read from a cache directory.

Owns the made-up range's files and the reading of a folder in the "Fashion Product Images" layout. Knows no Redis.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from demo_app import embeddings
from demo_app.embeddings import Light, Model, Vectors
from demo_app.models import Product
from demo_app.products import SHOPS, made_up, near

COUNT = 2400  # more than 2,048, from where redisvss keeps a graph

Progress = Callable[[Iterable[Any], str, int], Iterable[Any]]
"""(items, what is done, how many) to the same items, reported as they go by."""


@dataclass(frozen=True)
class Space:
    """One vector field. vectors (n, dim): row i is product i's, NaN where it has none; model: None if not here."""

    field: str
    vectors: Vectors
    model: Model | None


@dataclass(frozen=True)
class Shelf(Sequence[Product]):
    """Products made of their rows when they are asked for, 45 µs each: a start needs the first hundred."""

    rows: Sequence[dict[str, Any]]

    @property
    def numbers(self) -> list[int]:
        return [row["product_id"] for row in self.rows]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, at: int) -> Product: ...
    @overload
    def __getitem__(self, at: slice) -> list[Product]: ...
    def __getitem__(self, at: int | slice) -> Product | list[Product]:
        return [Product(**row) for row in self.rows[at]] if isinstance(at, slice) else Product(**self.rows[at])


@dataclass(frozen=True)
class Catalogue:
    """images, texts: spaces by preference; the first compares products, the first with a model takes questions."""

    name: str
    products: Shelf
    pictures: Path
    suffix: str
    images: tuple[Space, ...]
    texts: tuple[Space, ...]

    @property
    def spaces(self) -> tuple[Space, ...]:
        return (*self.images, *self.texts)

    def shortened(self, dim: int) -> Catalogue:
        """Every space cut to `dim` components."""
        return replace(self, images=_cut(self.images, dim), texts=_cut(self.texts, dim))


def _cut(spaces: tuple[Space, ...], dim: int) -> tuple[Space, ...]:
    return tuple(replace(s, vectors=embeddings.shorten(s.vectors, dim), model=_short(s.model, dim)) for s in spaces)


def _short(model: Model | None, dim: int) -> Model | None:
    return replace(model, axes=model.axes[:dim]) if isinstance(model, Light) else model


def with_text_model(catalogue: Catalogue, model: Model) -> Catalogue:
    """The same products, their names embedded by another model."""
    vectors = model.embed([product.name for product in catalogue.products])
    return replace(catalogue, texts=(Space("text_vector", vectors, model),))


# ---- the made-up range -----------------------------------------------------------------------------------------------


def made(progress: Progress, count: int = COUNT) -> Catalogue:
    """The made-up range, from the cache when it is there."""
    folder = cache() / f"fashion-{count}-{_digest()}"
    if not folder.exists():
        _build(folder, list(made_up(count)), progress)
    return _read(folder, "made-up range", folder / "pictures", ".jpg")


def cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "redisvss"


def _digest() -> str:
    """Changes when the drawing does."""
    here = Path(__file__)
    makers = (
        "drawing",
        "embeddings",
        "outlines",
        "products",
        "models",
        "catalogue",
    )  # files: importing them to ask takes longer
    code = b"".join(here.with_name(f"{name}.py").read_bytes() for name in makers)
    return hashlib.sha256(code).hexdigest()[:12]


def _build(folder: Path, items: Sequence[Product], progress: Progress) -> None:
    with _appearing(folder) as half:
        (half / "pictures").mkdir()
        features = np.concatenate(list(progress(_drawn(items, half / "pictures"), "drawing the catalogue", len(items))))
        _write(half, items, features)


class _appearing:
    """A folder that exists complete or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        self._folder.parent.mkdir(parents=True, exist_ok=True)
        self._half = Path(tempfile.mkdtemp(dir=self._folder.parent, prefix=".making-"))
        return self._half

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed or self._folder.exists():
            shutil.rmtree(self._half)
        else:
            self._half.rename(self._folder)


def _drawn(items: Sequence[Product], folder: Path) -> Iterator[Vectors]:
    """Draw and save; the picture's features (1, f) of each product in turn."""
    with ProcessPoolExecutor() as pool:
        yield from pool.map(_draw_one, items, [folder] * len(items), chunksize=16)


def _draw_one(product: Product, folder: Path) -> Vectors:
    from demo_app import drawing  # only here: a start that finds the pictures drawn needs none of it

    picture = drawing.draw(product)
    picture.save(folder / f"{product.product_id}.jpg", quality=86, subsampling=0)  # WebP takes five times as long
    return embeddings.picture_features([picture])


def _write(folder: Path, items: Sequence[Product], features: Vectors) -> None:
    words = embeddings.word_features([describe(item) for item in items])
    (folder / "products.json").write_text(json.dumps([item.attributes() for item in items]))
    for name, kind, rows in (
        ("image", embeddings.picture_features, features),
        ("text", embeddings.word_features, words),
    ):
        model = embeddings.learn(kind, rows)
        np.savez(folder / f"{name}.npz", vectors=model.turned(rows), mean=model.mean, axes=model.axes)


_ALSO_CALLED = {
    "T-Shirt": "tee top",
    "Shirt": "blouse button down",
    "Sweater": "jumper pullover knitwear warm",
    "Jacket": "coat blazer outerwear warm",
    "Dress": "gown frock evening",
    "Jeans": "denim pants",
    "Trousers": "pants chinos slacks",
    "Shorts": "short pants beach",
    "Sneakers": "trainers running shoes",
    "Boots": "winter shoes",
    "Heels": "pumps stilettos evening shoes",
    "Sandals": "flip flops beach shoes",
    "Handbag": "purse clutch bag",
    "Backpack": "rucksack school bag",
    "Watch": "wristwatch timepiece clock",
    "Sunglasses": "shades glasses beach",
    "Cap": "hat baseball",
    "Scarf": "shawl wrap warm",
    "Wallet": "purse billfold",
}


def describe(product: Product) -> str:
    """What the text vector is made of: the name twice, as it says most, then what else people call such a thing."""
    also = _ALSO_CALLED.get(product.article, "")
    sort = f"{product.category} {product.sub_category} {product.usage} {product.season}"
    return f"{product.name} {product.name} {sort} {also}"


def _read(folder: Path, name: str, pictures: Path, suffix: str) -> Catalogue:
    items = Shelf(json.loads((folder / "products.json").read_text()))
    image = _space(folder / "image.npz", "image_vector", embeddings.picture_features)
    text = _space(folder / "text.npz", "text_vector", embeddings.word_features)
    return Catalogue(name, items, pictures, suffix, (image,), (text,))


def _space(file: Path, field: str, features: Callable[[Sequence[Any]], Vectors]) -> Space:
    with np.load(file) as arrays:
        return Space(field, arrays["vectors"], Light(features, arrays["mean"], arrays["axes"]))


# ---- a folder of public data ----------------------------------------------------------------------------------------


def from_folder(data: Path, progress: Progress) -> Catalogue:
    """`styles.csv`, `images/<id>.jpg` and, if there, `image_vectors.npy`, `text_vectors.npy` with `…_vector_ids.json`.

    The layout has no prices and no shops: both are made up from the product's id. Given vectors compare products;
    what a visitor types or uploads is embedded by our light models, in fields of their own.
    """
    table = data / "styles.csv"
    if not table.exists():
        raise ValueError(f"{data} has no styles.csv; see docs/demo.md for the layout")
    stamp = hashlib.sha256(f"{data.resolve()} {table.stat().st_mtime_ns} {_digest()}".encode()).hexdigest()[:12]
    folder = cache() / f"folder-{stamp}"
    if not folder.exists():
        with _appearing(folder) as half:
            items, features = _read_table(table, data / "images", progress)
            _write(half, items, features)
    plain = _read(folder, data.name, data / "images", ".jpg")
    ids = plain.products.numbers
    return replace(
        plain,
        images=_given(data, "image", ids, plain.images[0], "picture_vector"),
        texts=_given(data, "text", ids, plain.texts[0], "words_vector"),
    )


def _given(data: Path, kind: str, ids: Sequence[int], own: Space, own_field: str) -> tuple[Space, ...]:
    file = data / f"{kind}_vectors.npy"
    if not file.exists():
        return (own,)
    given = np.load(file).astype(np.float32)
    names = json.loads((data / f"{kind}_vector_ids.json").read_text())
    row_of = {int(name): row for row, name in enumerate(names)}
    vectors = np.full((len(ids), given.shape[1]), np.nan, np.float32)
    rows = [(at, row_of[product]) for at, product in enumerate(ids) if product in row_of]
    vectors[[at for at, _ in rows]] = given[[row for _, row in rows]]
    return (Space(own.field, vectors, None), replace(own, field=own_field))


def _read_table(table: Path, images: Path, progress: Progress) -> tuple[list[Product], Vectors]:
    """Products that have a readable picture, and their picture's features."""
    from PIL import Image, UnidentifiedImageError

    items: list[Product] = []
    features: list[Vectors] = []
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in progress(rows, "reading the pictures", len(rows)):
        try:
            with Image.open(images / f"{int(row['id'])}.jpg") as picture:
                features.append(embeddings.picture_features([picture]))
        except (FileNotFoundError, UnidentifiedImageError):
            continue
        items.append(_from_row(row))
    if not items:
        raise ValueError(f"{images} has no picture of any product in {table}")
    return items, np.concatenate(features)


def _from_row(row: dict[str, str]) -> Product:
    number = int(row["id"])
    random = np.random.default_rng(zlib.crc32(row["id"].encode()))
    city = list(SHOPS)[int(random.integers(len(SHOPS)))]
    return Product(
        product_id=number,
        name=row["productDisplayName"],
        gender=row["gender"],
        category=row["masterCategory"],
        sub_category=row["subCategory"],
        article=row["articleType"],
        colour=row["baseColour"],
        season=row["season"],
        year=int(float(row["year"] or 0)),
        usage=row["usage"],
        brand=row["productDisplayName"].split(" ", 1)[0],
        pattern="",
        price=round(float(random.lognormal(3.6, 0.6)), 2),
        city=city,
        shop=near(city, random),
    )
