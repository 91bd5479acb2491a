"""Visitors who sign up: users and sessions in Redis, through redis-om. Passwords are kept as scrypt digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import redis

SESSION_SECONDS = 7 * 24 * 3600
_TRIES, _TRY_SECONDS = 10, 900  # wrong passwords for one address before it has to wait, and how long
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # 16 MB and about 50 ms: what hashlib's documentation calls interactive
_MAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,180}\.[^@\s.]{2,20}")


class AccountError(ValueError):
    """What to tell the visitor."""


@dataclass(frozen=True)
class Visitor:
    name: str
    email: str


class Accounts:
    """database: a client whose replies are text, as redis-om wants it."""

    def __init__(self, database: redis.Redis) -> None:
        self._db: Any = database

    @cached_property
    def _models(self) -> tuple[Any, Any]:
        from demo_app.models import models

        return models(self._db)

    def sign_up(self, name: str, email: str, password: str) -> str:
        """A session token for a new user. Raises AccountError."""
        name, email = name.strip(), email.strip().lower()
        _check(name, email, password)
        users, _ = self._models
        user = users(name=name, email=email, password=hashed(password))
        if not self._db.set(_claim(email), user.pk, nx=True):  # one winner, however many sign up at once
            raise AccountError("There is an account for this address already: log in instead.")
        user.save()
        return self._open(user.pk)

    def log_in(self, email: str, password: str) -> str:
        """A session token. Raises AccountError, for an unknown address and a wrong password alike."""
        email = email.strip().lower()[:254]
        if int(self._db.get(_tries(email)) or 0) >= _TRIES:
            raise AccountError("Too many tries for this address. Please wait a quarter of an hour.")
        user = self._user(self._db.get(_claim(email)))
        if not matches(password[:200], user.password if user else _nobodys()):
            pipeline = self._db.pipeline()
            pipeline.incr(_tries(email))
            pipeline.expire(_tries(email), _TRY_SECONDS)
            pipeline.execute()
            raise AccountError("This address and password do not belong together.")
        return self._open(user.pk)

    def visitor(self, token: str | None) -> Visitor | None:
        """Who holds this session token."""
        if not token:
            return None
        _, sessions = self._models
        session = _found(sessions, _digest(token))
        user = self._user(session.user) if session else None
        return Visitor(user.name, user.email) if user else None

    def log_out(self, token: str | None) -> None:
        if token:
            self._models[1].delete(_digest(token))

    def _open(self, user: str) -> str:
        token = secrets.token_urlsafe(32)
        session = self._models[1](pk=_digest(token), user=user)
        session.save()
        session.expire(SESSION_SECONDS)
        return token

    def _user(self, pk: str | None) -> Any:
        return _found(self._models[0], pk) if pk else None

    # ---- forms -----------------------------------------------------------------------------------------------------

    @cached_property
    def _secret(self) -> bytes:
        """The same for every process on this Redis."""
        self._db.set("fashion:secret", secrets.token_hex(32), nx=True)
        return str(self._db.get("fashion:secret")).encode()

    def form_token(self, visitor: str) -> str:
        """What a form must bring back from the browser that holds this visitor cookie."""
        return hmac.new(self._secret, visitor.encode(), hashlib.sha256).hexdigest()

    def form_is_ours(self, visitor: str | None, token: str) -> bool:
        return bool(visitor) and hmac.compare_digest(self.form_token(str(visitor)).encode(), token.encode())


def _check(name: str, email: str, password: str) -> None:
    if not 1 <= len(name) <= 60:
        raise AccountError("Please give a name of up to 60 letters.")
    if not _MAIL.fullmatch(email):
        raise AccountError("That does not look like an e-mail address.")
    if not 8 <= len(password) <= 200:
        raise AccountError("Please choose a password of 8 to 200 characters.")


def hashed(password: str) -> str:
    """salt$digest, both base64."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT)
    return f"{base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def matches(password: str, kept: str) -> bool:
    salt, digest = (base64.b64decode(part) for part in kept.split("$"))
    return hmac.compare_digest(hashlib.scrypt(password.encode(), salt=salt, **_SCRYPT), digest)


@cache
def _nobodys() -> str:
    """What an unknown address's password is compared with: it takes as long as a wrong one."""
    return hashed(secrets.token_hex(16))


def _digest(token: str) -> str:
    """Sessions are kept under a digest: whoever reads the database cannot log in with it."""
    return hashlib.sha256(token.encode()).hexdigest()


def _claim(email: str) -> str:
    return f"fashion:email:{_digest(email)}"


def _tries(email: str) -> str:
    return f"fashion:tries:{_digest(email)}"


def _found(model: Any, pk: str) -> Any:
    from redis_om import NotFoundError

    try:
        return model.get(pk)
    except NotFoundError:
        return None
