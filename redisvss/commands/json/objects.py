"""JSON.OBJKEYS, JSON.OBJLEN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redisvss.commands.args import Args
from redisvss.commands.json.access import ABSENT, asked, existing, is_object, optional_path, read, wrong_value
from redisvss.commands.registry import command
from redisvss.documents.json import CompiledPath
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.engine import Engine


@command("JSON.OBJKEYS", arity=-2, keys=(1, 1, 1), group="json", summary="Returns the member names of JSON objects")
def json_objkeys(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    document = read(engine, key)
    if not path.legacy:
        return asked(existing(document), path, is_object, _names)
    values = [] if document is ABSENT else path.values(document)
    if not values:
        return None
    if not is_object(values[0]):
        raise _not_an_object(path)
    return _names(values[0])


def _names(value: dict[str, Any]) -> Reply:
    return [name.encode() for name in value]


@command("JSON.OBJLEN", arity=-2, keys=(1, 1, 1), group="json", summary="Returns the number of members of objects")
def json_objlen(engine: Engine, session: Session, args: Args) -> Reply:
    key, path = args.next(), optional_path(args)
    document = read(engine, key)
    if not path.legacy:
        if document is ABSENT:
            raise _not_an_object(path)
        return asked(document, path, is_object, len)
    values = [] if document is ABSENT else path.values(document)
    if values and not is_object(values[0]):
        raise wrong_value("object", values[0])
    return len(values[0]) if values else None


def _not_an_object(path: CompiledPath) -> CommandError:
    return CommandError(f"ERR Path '{path.text}' does not exist or not an object")
