"""Kinds of documents an index can hold, by the name FT.CREATE … ON gives them."""

from redisvss.documents.base import ABSENT, Absent, DocumentReader, Special
from redisvss.documents.hash import HashReader
from redisvss.documents.jsonreader import JsonReader

READERS: dict[str, type[DocumentReader]] = {"HASH": HashReader, "JSON": JsonReader}

__all__ = ["ABSENT", "READERS", "Absent", "DocumentReader", "Special"]
