"""What a client's connection needs of the server it belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from redisvss.doors.conversation import Conversation
from redisvss.doors.link import Link, LinkOwner
from redisvss.doors.metrics import Metrics
from redisvss.errors import CommandError
from redisvss.reply import Reply, Session

if TYPE_CHECKING:
    from redisvss.doors.connection import ClientConnection


class Host(Protocol):
    """What a connection needs of the server it belongs to."""

    metrics: Metrics
    plain: set[bytes]  # names, as clients wrote them, known to be plain to every conversation

    def conversation(self) -> Conversation: ...

    async def link(self, owner: LinkOwner) -> Link:
        """Raises OSError when Redis cannot be reached."""

    async def permit(self, connection: ClientConnection, args: Sequence[bytes]) -> CommandError | None:
        """Why the client's user may not run this command of ours; None if it may."""

    async def permit_answer(self, connection: ClientConnection, args: Sequence[bytes]) -> CommandError | None:
        """As `permit`, behind the command: what it knows of the index by now decides whether the client may see it."""

    def granted(self, connection: ClientConnection, commands: Sequence[Sequence[bytes]]) -> bool:
        """Whether it is known already that `permit`, or `permit_answer`, has nothing against any of them."""

    def execute(self, commands: Sequence[Sequence[bytes]], session: Session) -> Awaitable[Sequence[Reply | Exception]]:
        """Run commands of ours one after the other off the event loop; in place of a reply, what was raised."""

    def start_executing(
        self,
        commands: Sequence[Sequence[bytes]],
        session: Session,
        done: Callable[[Sequence[Reply | Exception]], None],
    ) -> None:
        """As `execute`, calling `done` on the event loop."""

    def opened(self, connection: ClientConnection) -> None: ...

    def closed(self, connection: ClientConnection) -> None: ...
