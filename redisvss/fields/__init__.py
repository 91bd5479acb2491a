"""Field types. Importing the package registers them all."""

from redisvss.fields import geo, geoshape, numeric, tag, text, vector
from redisvss.fields.base import FIELD_TYPES

__all__ = ["FIELD_TYPES", "geo", "geoshape", "numeric", "tag", "text", "vector"]
