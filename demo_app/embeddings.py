"""Vectors of pictures and of words, by light models of our own or by sentence-transformers where it is installed.

A light model is a fixed feature (colours and edges of a picture; hashed words and pieces of words of a text), rotated
onto the catalogue's own principal directions. They come most telling first, so that a vector may be cut short, as
with Matryoshka models: `shorten`. Knows nothing of Redis.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL import Image

Vectors = NDArray[np.float32]

DIM = 128
_BATCH = 256

# ---- pictures --------------------------------------------------------------------------------------------------------

_SIDE = 64  # pixels of the square a picture is judged on
_CELLS, _ANGLES = 8, 9  # a histogram of 9 gradient directions in each of 8 × 8 cells, as in HOG (Dalal & Triggs 2005)
_LEVELS = 5  # colours are counted in 5 × 5 × 5 boxes
_INK = 24.0  # an RGB distance from the backdrop beyond which a pixel belongs to the product


def picture_features(pictures: Sequence[Image.Image]) -> Vectors:
    """(n, 701): edges by place and direction, then colours of what is not backdrop; halves of unit length each."""
    return np.concatenate([_features(pictures[at : at + _BATCH]) for at in range(0, len(pictures), _BATCH)])


def _features(pictures: Sequence[Image.Image]) -> Vectors:
    pixels = np.stack([_square(picture) for picture in pictures])
    corners = pixels[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(axis=1)
    ink = np.abs(pixels - corners[:, None, None]).max(axis=3) > _INK
    return np.concatenate([_unit(np.sqrt(_edges(pixels.mean(axis=3)))), _unit(np.sqrt(_colours(pixels, ink)))], axis=1)


def _square(picture: Image.Image) -> Vectors:
    """The picture on a square of its own backdrop, so that its proportions stay."""
    from PIL import Image  # 70 ms, which no start needs

    picture = picture.convert("RGB")
    picture.thumbnail((_SIDE, _SIDE))
    canvas = Image.new("RGB", (_SIDE, _SIDE), picture.getpixel((0, 0)))
    canvas.paste(picture, ((_SIDE - picture.width) // 2, (_SIDE - picture.height) // 2))
    return np.asarray(canvas, np.float32)


def _edges(grey: Vectors) -> Vectors:
    """grey (n, side, side) to (n, cells² · angles): gradient strength by cell and direction."""
    down, across = np.gradient(grey, axis=(1, 2))
    angle = np.floor((np.arctan2(down, across) % np.pi) / np.pi * _ANGLES).astype(int).clip(0, _ANGLES - 1)
    cell = np.arange(_SIDE) * _CELLS // _SIDE
    places = (cell[:, None] * _CELLS + cell[None, :]) * _ANGLES + angle
    return _counted(places, np.hypot(down, across), _CELLS * _CELLS * _ANGLES)


def _colours(pixels: Vectors, ink: NDArray[np.bool_]) -> Vectors:
    """How much of the product has each colour, (n, levels³)."""
    box = np.minimum(pixels * (_LEVELS / 256), _LEVELS - 1).astype(int)
    places = (box[..., 0] * _LEVELS + box[..., 1]) * _LEVELS + box[..., 2]
    return _counted(places, ink.astype(np.float32), _LEVELS**3)


def _counted(places: NDArray[np.int_], weights: Vectors, size: int) -> Vectors:
    rows = [np.bincount(place.ravel(), weight.ravel(), size) for place, weight in zip(places, weights, strict=True)]
    return np.array(rows, np.float32)


# ---- words -----------------------------------------------------------------------------------------------------------

_BUCKETS = 1024


def word_features(texts: Sequence[str]) -> Vectors:
    """(n, 1024): words and their pieces of three letters, hashed; of unit length."""
    rows = np.zeros((len(texts), _BUCKETS), np.float32)
    for row, text in zip(rows, texts, strict=True):
        for word in re.findall(r"[a-z0-9]+", text.lower()):
            row[_bucket(word)] += 1
            edged = f"<{word.removesuffix('s')}>"
            for at in range(len(edged) - 2):
                row[_bucket(edged[at : at + 3])] += 1 / len(edged) ** 0.5
    return _unit(rows)


def _bucket(piece: str) -> int:
    return zlib.crc32(piece.encode()) % _BUCKETS


# ---- models ----------------------------------------------------------------------------------------------------------


class Model(Protocol):
    """Pictures or texts to rows of unit length."""

    @property
    def dim(self) -> int: ...

    def embed(self, items: Sequence[Any]) -> Vectors: ...


@dataclass(frozen=True)
class Light:
    """Features, rotated: mean (f,), axes (dim, f), the axis along which the catalogue varies most first."""

    features: Callable[[Sequence[Any]], Vectors]
    mean: Vectors
    axes: Vectors

    @property
    def dim(self) -> int:
        return len(self.axes)

    def embed(self, items: Sequence[Any]) -> Vectors:
        return self.turned(self.features(items))

    def turned(self, features: Vectors) -> Vectors:
        return _unit((features - self.mean) @ self.axes.T)


def learn(features: Callable[[Sequence[Any]], Vectors], rows: Vectors, dim: int = DIM) -> Light:
    """The model whose axes are the principal directions of these rows of features (n, f)."""
    mean = rows.mean(axis=0)
    centred = (rows - mean).astype(np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)
    axes = directions[:, ::-1][:, :dim].T
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])  # eigenvectors have no sign of their own
    return Light(features, mean, np.ascontiguousarray(axes * signs[:, None], np.float32))


class Sentences:
    """A text model of the sentence-transformers package (an optional install), by name or folder."""

    def __init__(self, name: str, dim: int | None = None) -> None:
        """dim: keep so many leading components. Raises ImportError when the package is not installed."""
        from sentence_transformers import SentenceTransformer

        self._model = SentenceTransformer(name)
        self.dim = dim or int(self._model.get_sentence_embedding_dimension())

    def embed(self, items: Sequence[str]) -> Vectors:
        return shorten(np.asarray(self._model.encode(list(items)), np.float32), self.dim)


def shorten(vectors: Vectors, dim: int) -> Vectors:
    """The leading `dim` components, of unit length again."""
    return _unit(vectors[:, :dim])


def _unit(rows: NDArray[Any]) -> Vectors:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / np.where(length > 0, length, 1), np.float32)
