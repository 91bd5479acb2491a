"""The redis-om models, bound to a database."""

from __future__ import annotations

from typing import Any

import redis
from redis_om import Field, JsonModel


def models(database: redis.Redis) -> tuple[Any, Any]:
    """(User, Session) of that database."""

    class User(JsonModel, index=True):  # type: ignore[call-arg, misc]  # redis-om has no types
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
