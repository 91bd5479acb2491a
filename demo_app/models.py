"""What the shop keeps in Redis, as redis-om models: products as hashes, users and sessions as JSON.

Product is the one declaration of a product's attributes. Pages, API replies, loading and the catalogue's file go by it,
and a test holds schemas/fashion.yaml, from which the index is made, to its index options.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis
from pydantic import BaseModel, ValidationError
from redis_om import Coordinates, Field, HashModel, JsonModel, VectorFieldOptions

from demo_app.embeddings import DIM

_VECTOR = VectorFieldOptions.hnsw(
    type=VectorFieldOptions.TYPE.FLOAT32,
    dimension=DIM,
    distance_metric=VectorFieldOptions.DISTANCE_METRIC.COSINE,
    m=16,
    ef_construction=200,
)


class _Numbered:
    """For redis-om, which makes a ULID of every product that is read, though each has a number for its key."""

    @staticmethod
    def create_pk() -> str:
        return ""


class Product(HashModel, index=True):  # type: ignore[call-arg, misc]  # redis-om has no types
    """One row of the catalogue. price: whole cents' worth of euros; city: a key of SHOPS, `shop` the shop's place.

    Vectors are in the hash alone, as float32 bytes: `save` writes them, and no read brings them along.
    """

    product_id: int = Field(primary_key=True, sortable=True)
    name: str = Field("", full_text_search=True)
    gender: str = Field("", sortable=True)
    category: str = Field("", sortable=True)
    sub_category: str = Field("", index=True)
    article: str = Field("", sortable=True)
    colour: str = Field("", sortable=True)
    season: str = Field("", sortable=True)
    year: int = Field(sortable=True)
    usage: str = Field("", sortable=True)
    brand: str = Field("", index=True)
    pattern: str = ""
    price: float = Field(sortable=True)
    city: str = Field("", index=True)
    shop: Coordinates = Field(index=True)
    image_vector: list[float] = Field([], vector_options=_VECTOR)
    text_vector: list[float] = Field([], vector_options=_VECTOR)

    class Meta:
        global_key_prefix = "fashion"
        model_key_prefix = "product"
        primary_key_creator_cls = _Numbered

    def __init__(self, **attributes: Any) -> None:
        """redis-om's own looks through all fields for a primary key, every time a product is made."""
        BaseModel.__init__(self, **attributes)

    def document(self) -> dict[str, Any]:
        """Its hash without the vectors; what is empty has no field there, so that no facet counts it."""
        return {name: value for name, value in self.attributes().items() if value != ""}

    def attributes(self) -> dict[str, str | int | float]:
        """PLAIN as text and numbers."""
        told: dict[str, str | int | float] = self.model_dump(include=_PLAIN)
        return told

    def save(self, pipeline: Any, vectors: Mapping[str, bytes]) -> Product:
        """Queue the whole hash.

        redis-om's own (seen in 1.1 and 1.2) writes a hash's vector as base64, which no index reads, and takes 1.1 ms a
        product, of two vectors of 128, where this takes 0.4, as HSET alone does. As JSON it would take 2.3.
        """
        pipeline.hset(self.key(), mapping={**self.document(), **vectors})
        return self

    @classmethod
    def of(cls, told: Mapping[bytes, bytes]) -> Product | None:
        """The product of a hash, or of what a search returned of it; None when it is no (whole) product.

        24 of them take 1.5 ms; redis-om's `from_redis`, which looks into every value for dates and base64, takes 4.5.
        """
        named = ((name.decode(), value) for name, value in told.items())
        try:
            return cls(**{name: value.decode() for name, value in named if name in _PLAIN})
        except ValidationError:
            return None


PLAIN: tuple[str, ...] = tuple(name for name, field in Product.model_fields.items() if not field.vector_options)
"""A product's attributes: the fields of its hash but for the vectors."""
_PLAIN = set(PLAIN)


def models(database: redis.Redis) -> tuple[Any, Any]:
    """(User, Session) of that database."""

    class User(JsonModel, index=True):  # type: ignore[call-arg, misc]
        name: str
        email: str = Field(index=True)
        password: str

        class Meta:
            global_key_prefix = "fashion"
            model_key_prefix = "user"

    class Session(JsonModel, index=True):  # type: ignore[call-arg, misc]
        user: str = Field(index=True)

        class Meta:
            global_key_prefix = "fashion"
            model_key_prefix = "session"

    for model in (User, Session):
        model._meta.database = database
    return User, Session
