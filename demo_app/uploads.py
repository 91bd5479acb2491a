"""Pictures visitors send: checked, shrunk, embedded, and kept in Redis for an hour."""

from __future__ import annotations

import io
import secrets
import warnings
from typing import TYPE_CHECKING, Any

from demo_app.finder import Finder

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 4 * 1024 * 1024
_MAX_PIXELS = 24_000_000
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_KEEP_SECONDS = 3600


class UploadError(ValueError):
    """What to tell the visitor."""


def keep(client: Any, finder: Finder, data: bytes) -> str:
    """A token under which the picture and its vector can be found for an hour. Raises UploadError."""
    picture = read(data)
    shown = io.BytesIO()
    picture.save(shown, "WEBP", quality=84)
    token = secrets.token_urlsafe(12)
    pipeline = client.pipeline()
    pipeline.hset(_key(token), mapping={"vector": finder.embed("image", picture), "picture": shown.getvalue()})
    pipeline.expire(_key(token), _KEEP_SECONDS)
    pipeline.execute()
    return token


def read(data: bytes) -> Image.Image:
    """A small RGB picture, upright. Raises UploadError; never decodes more pixels than a camera takes."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # put off until somebody sends a picture

    if len(data) > MAX_BYTES:
        raise UploadError("Please choose a picture of at most 4 MB.")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if picture.width * picture.height > _MAX_PIXELS:
                raise UploadError("This picture has too many pixels; please choose a smaller one.")
            picture.draft("RGB", (480, 480))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError):
        raise UploadError("This is no picture we can read. JPEG, PNG, WebP and GIF work.") from None
    upright.thumbnail((240, 288))
    return upright


def vector(client: Any, token: str) -> bytes | None:
    value: bytes | None = client.hget(_key(token), "vector")
    return value


def picture(client: Any, token: str) -> bytes | None:
    value: bytes | None = client.hget(_key(token), "picture")
    return value


def _key(token: str) -> str:
    return f"fashion:upload:{token[:40]}"
