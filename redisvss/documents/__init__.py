"""Kinds of documents an index can hold, by the name FT.CREATE … ON gives them."""

from redisvss.documents.base import DocumentReader, Special
from redisvss.documents.hash import HashReader

READERS: dict[str, type[DocumentReader]] = {"HASH": HashReader}

__all__ = ["READERS", "DocumentReader", "Special"]
