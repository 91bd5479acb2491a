"""The catalogue: what is made up, drawn and embedded."""

from __future__ import annotations

import csv
import json
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageChops

from demo_app.catalogue import Catalogue, from_folder, with_text_model
from demo_app.drawing import draw
from demo_app.embeddings import Sentences, shorten
from demo_app.products import made_up

from .conftest import unseen

REAL = Path(__file__).parents[3] / "shared" / "data" / "fashion2k"


def test_the_range_is_large_and_the_same_every_time() -> None:
    once, again = list(made_up()), list(made_up())
    assert once == again
    assert len(once) >= 1000
    assert len({(p.article, p.colour, p.pattern) for p in once}) == len(once)


def test_pictures_are_the_same_every_time() -> None:
    product = next(made_up())
    assert draw(product).tobytes() == draw(product).tobytes()


@pytest.mark.parametrize("aspect", ["article", "colour", "pattern"])
def test_pictures_differ_visibly(aspect: str) -> None:
    items = list(made_up())
    first = items[0]
    same = ("article", "colour", "pattern")
    other = next(p for p in items[1:] if all((getattr(p, a) == getattr(first, a)) == (a != aspect) for a in same))
    difference = np.asarray(ImageChops.difference(draw(first), draw(other)), int).sum(axis=2)
    assert (difference > 60).mean() > 0.05


def test_vectors_have_unit_length(catalogue: Catalogue) -> None:
    for space in catalogue.spaces:
        assert np.allclose(np.linalg.norm(space.vectors, axis=1), 1, atol=1e-5)


def test_an_own_picture_finds_its_product(catalogue: Catalogue) -> None:
    space, product = catalogue.images[0], catalogue.products[5]
    assert space.model is not None
    vector = space.model.embed([Image.open(catalogue.pictures / f"{product.product_id}{catalogue.suffix}")])[0]
    assert int((space.vectors @ vector).argmax()) == 5


def test_words_find_products_by_kind_and_with_slips(catalogue: Catalogue) -> None:
    space = catalogue.texts[0]
    assert space.model is not None
    nearest = space.vectors @ space.model.embed(["running trainers", "sun glases"]).T
    found = [catalogue.products[int(row)].article for row in nearest.argmax(axis=0)]
    assert found == ["Sneakers", "Sunglasses"]


def test_shortened_vectors_keep_most_neighbours(catalogue: Catalogue) -> None:
    whole = catalogue.images[0].vectors
    short = shorten(whole, 64)

    def nearest(rows: np.ndarray) -> np.ndarray:
        return (-(rows @ rows.T)).argsort(axis=1)[:, :10]

    kept = [len(set(a) & set(b)) / 10 for a, b in zip(nearest(whole), nearest(short), strict=True)]
    assert short.shape == (160, 64)
    assert np.mean(kept) > 0.7


def test_a_catalogue_is_made_once(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    from demo_app import catalogue as module

    monkeypatch.setattr(module, "_build", lambda *_: pytest.fail("drawn again"))
    assert module.made(unseen, 160).products == catalogue.products


@pytest.fixture
def folder(tmp_path: Path, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The public layout, with a few of our own pictures and given image vectors."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    columns = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
    rows = [
        [
            p.product_id,
            p.gender,
            p.category,
            p.sub_category,
            p.article,
            p.colour,
            p.season,
            f"{p.year}.0",
            p.usage,
            p.name,
        ]
        for p in catalogue.products[:12]
    ]
    with (data / "styles.csv").open("w", newline="") as file:
        csv.writer(file).writerows([columns.split(","), *rows])
    for product in catalogue.products[:10]:  # two have no picture
        draw(product).save(data / "images" / f"{product.product_id}.jpg")
    np.save(data / "image_vectors.npy", np.eye(8, 32, dtype=np.float32))
    (data / "image_vector_ids.json").write_text(json.dumps([str(p.product_id) for p in catalogue.products[:8]]))
    return data


def test_a_folder_of_public_data(folder: Path, catalogue: Catalogue) -> None:
    read = from_folder(folder, unseen)
    assert [p.name for p in read.products] == [p.name for p in catalogue.products[:10]]
    given, own = read.images
    assert given.field == "image_vector" and given.model is None and given.vectors.shape == (10, 32)
    assert np.isnan(given.vectors[8:]).all() and not np.isnan(given.vectors[:8]).any()
    assert own.field == "picture_vector" and own.model is not None
    assert len(read.texts) == 1


def test_a_folder_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no styles\.csv"):
        from_folder(tmp_path, unseen)


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is not there")
def test_the_real_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    read = from_folder(REAL, unseen)
    assert len(read.products) == 2000
    assert [space.vectors.shape[1] for space in read.spaces] == [512, 128, 384, 128]


class FrequentLetters:
    """Stands for a sentence-transformers model: counts eight frequent letters of each text."""

    def __init__(self, name: str) -> None:
        assert name == "a-model"

    def get_sentence_embedding_dimension(self) -> int:
        return 8

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[text.lower().count(letter) for letter in "eaoinrst"] for text in texts], np.float64)


def test_a_sentence_model_takes_over_the_words(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    package = types.ModuleType("sentence_transformers")
    package.SentenceTransformer = FrequentLetters  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sentence_transformers", package)
    whole = with_text_model(catalogue, Sentences("a-model")).texts
    short = with_text_model(catalogue, Sentences("a-model", 4)).texts
    assert [space.vectors.shape for space in (*whole, *short)] == [(160, 8), (160, 4)]
    for space in (*whole, *short):
        assert space.model is not None
        assert np.allclose(np.linalg.norm(space.vectors, axis=1), 1, atol=1e-5)
        assert np.allclose(space.model.embed([catalogue.products[3].name])[0], space.vectors[3])
