"""The state machine of one client's conversation, driven with a scripted Redis."""

from __future__ import annotations

import pytest

from redisvss.doors.conversation import EXECABORT, PLAIN, Conversation, Route, Step
from redisvss.errors import CommandError
from redisvss.reply import Reply


def conversation() -> Conversation:
    return Conversation(lambda name: name.startswith(b"FT."))


def say(talk: Conversation, line: str, reply: Reply = "OK") -> tuple[Step, Reply]:
    """Route one command and, when it goes to Redis, let it answer `reply`."""
    step = talk.route(line.encode().split())
    if step.route is Route.ANSWER:
        return step, step.reply
    if step.route is Route.FORWARD and talk.observes(step):
        return step, talk.replied(step, reply)
    return step, reply


def test_plain_commands_are_forwarded_untouched() -> None:
    talk = conversation()
    step, _ = say(talk, "GET a")
    assert step is PLAIN
    assert not talk.observes(step)
    assert not talk.waits([b"get", b"a"])


def test_a_command_of_ours_waits_and_holds() -> None:
    talk = conversation()
    assert talk.waits([b"ft.search", b"i", b"*"])
    step, _ = say(talk, "ft.search i *")
    assert (step.route, step.holds, step.args) == (Route.OURS, True, [b"ft.search", b"i", b"*"])


def test_a_scan_for_json_documents_is_ours_and_no_other() -> None:
    talk = Conversation(lambda name: name.startswith((b"JSON.", b"REDISVSS.")))
    words = b"scan 0 MATCH a* type rejson-rl COUNT 9".split()
    assert talk.waits(words) and not talk.plain(b"scan")
    step, _ = say(talk, "scan 0 MATCH a* type rejson-rl COUNT 9")
    assert (step.route, step.args) == (Route.OURS, (b"REDISVSS.SCAN", *words[1:]))
    for other in ("SCAN 0", "SCAN 0 TYPE string", "SCAN 0 MATCH ReJSON-RL", "SCAN 0 MATCH TYPE COUNT ReJSON-RL"):
        assert say(talk, other)[0] is PLAIN
    assert say(conversation(), "SCAN 0 TYPE ReJSON-RL")[0] is PLAIN  # JSON.* is left to Redis's own module


def test_exec_runs_ours_after_redis_and_splices_their_answers_in_place() -> None:
    talk = conversation()
    say(talk, "MULTI")
    assert say(talk, "FT.SEARCH i 1")[1] == "QUEUED"
    say(talk, "SET a 1", "QUEUED")
    assert say(talk, "FT.SEARCH i 2")[1] == "QUEUED"
    say(talk, "GET a", "QUEUED")
    step, _ = say(talk, "EXEC")
    assert (step.route, step.holds) == (Route.EXEC, True)
    executed = talk.executed(["OK", b"1"], lambda observe, e: e)
    assert executed is not None
    assert executed.own == [[b"FT.SEARCH", b"i", b"1"], [b"FT.SEARCH", b"i", b"2"]]
    assert executed.splice(["first", "second"]) == ["first", "OK", "second", b"1"]
    assert talk.transaction is None


def test_plain_transactions_pass_through_verbatim() -> None:
    talk = conversation()
    say(talk, "MULTI")
    say(talk, "SET a 1", "QUEUED")
    step, _ = say(talk, "EXEC")
    assert (step.route, step.holds) == (Route.EXEC, False)
    assert talk.executed(["OK"], lambda observe, e: e) is None


def test_a_refused_command_takes_no_place_in_the_transaction() -> None:
    talk = conversation()
    say(talk, "MULTI")
    say(talk, "WATCH a", CommandError("ERR WATCH inside MULTI is not allowed"))
    say(talk, "FT.SEARCH i *")
    say(talk, "EXEC")
    nothing: list[Reply] = []
    executed = talk.executed(nothing, lambda observe, e: e)
    assert executed is not None
    assert executed.splice(["hit"]) == ["hit"]


def test_nothing_of_ours_runs_when_redis_does_not_execute() -> None:
    talk = conversation()
    say(talk, "MULTI")
    say(talk, "FT.SEARCH i *")
    say(talk, "EXEC")
    assert talk.executed(None, lambda observe, e: e) is None
    assert talk.route([b"FT.SEARCH"]).route is Route.OURS


def test_refusing_one_of_ours_aborts_the_transaction() -> None:
    talk = conversation()
    say(talk, "MULTI")
    say(talk, "SET a 1", "QUEUED")
    assert talk.refuse(CommandError("NOPERM no")).reply is not None
    step, reply = say(talk, "EXEC")
    assert (step.send, reply) == ((b"DISCARD",), EXECABORT)
    assert talk.transaction is None


def test_multi_refused_by_redis_starts_nothing() -> None:
    talk = conversation()
    say(talk, "MULTI", CommandError("NOAUTH Authentication required."))
    assert talk.transaction is None


def test_discard_and_reset_leave_the_transaction() -> None:
    talk = conversation()
    say(talk, "MULTI")
    say(talk, "DISCARD", CommandError("ERR wrong number of arguments for 'discard' command"))
    assert talk.transaction is not None
    say(talk, "DISCARD")
    assert talk.transaction is None
    say(talk, "MULTI")
    say(talk, "RESET", "RESET")
    assert talk.transaction is None


def test_select_auth_hello_change_the_session_once_redis_agrees() -> None:
    talk = conversation()
    say(talk, "SELECT 3", CommandError("ERR DB index is out of range"))
    assert talk.session.db == 0
    say(talk, "SELECT 3")
    say(talk, "AUTH bob secret")
    say(talk, "HELLO 3", {b"proto": 3, b"modules": []})
    assert (talk.session.db, talk.session.user, talk.session.protocol) == (3, "bob", 3)
    say(talk, "RESET", "RESET")
    assert (talk.session.db, talk.session.user, talk.session.protocol) == (0, "default", 2)


@pytest.mark.parametrize("line", ["HELLO 3 AUTH bob x SETNAME n", "HELLO 3 SETNAME n AUTH bob x", "hello 3 auth bob x"])
def test_hello_authenticates(line: str) -> None:
    talk = conversation()
    say(talk, line, [b"proto", 3, b"modules", []])
    assert (talk.session.user, talk.session.protocol) == ("bob", 3)


def test_select_inside_a_transaction_counts_at_exec() -> None:
    talk = conversation()
    say(talk, "MULTI")
    say(talk, "SELECT 3", "QUEUED")
    say(talk, "FT.SEARCH i *")
    assert talk.session.db == 0
    say(talk, "EXEC")
    elements: list[Reply] = ["OK"]
    executed = talk.executed(elements, lambda observe, element: observe(element))
    assert executed is not None
    assert executed.splice(["hit"]) == ["OK", "hit"]
    assert talk.session.db == 3


def test_client_reply_is_kept_here_and_never_silences_redis() -> None:
    talk = conversation()
    step, _ = say(talk, "CLIENT REPLY OFF")
    assert step.send == (b"CLIENT", b"REPLY", b"ON")
    assert [talk.admits(), talk.admits()] == [False, False]
    say(talk, "CLIENT REPLY SKIP")
    assert [talk.admits(), talk.admits(), talk.admits()] == [False, False, False]
    say(talk, "CLIENT REPLY ON")
    assert talk.admits()
    say(talk, "CLIENT REPLY SKIP")
    assert [talk.admits(), talk.admits(), talk.admits()] == [False, False, True]


def test_client_reply_refused_by_redis_changes_nothing() -> None:
    talk = conversation()
    say(talk, "CLIENT REPLY OFF", CommandError("NOPERM no"))
    assert talk.admits()


def test_subscribed_resp2_clients_may_not_search() -> None:
    talk = conversation()
    step, _ = say(talk, "SUBSCRIBE a b")
    assert step.confirmations == 2
    talk.subscriptions.confirm(b"subscribe", b"a")
    talk.subscriptions.confirm(b"subscribe", b"b")
    assert str(say(talk, "FT.SEARCH i *")[1]).startswith("ERR Can't execute 'ft.search': only")
    assert say(talk, "UNSUBSCRIBE")[0].confirmations == 2
    assert say(talk, "PUNSUBSCRIBE")[0].confirmations == 1
    talk.session.protocol = 3
    assert talk.route([b"FT.SEARCH"]).route is Route.OURS


def test_unsubscribing_ends_the_restriction() -> None:
    talk = conversation()
    for kind in (b"subscribe", b"psubscribe", b"ssubscribe"):
        talk.subscriptions.confirm(kind, b"a")
    for kind in (b"unsubscribe", b"punsubscribe", b"sunsubscribe"):
        assert talk.subscriptions.count(kind) == 1
        talk.subscriptions.confirm(kind, b"a")
    talk.subscriptions.confirm(b"unsubscribe", None)
    assert talk.route([b"FT.SEARCH"]).route is Route.OURS


def test_subscribing_inside_a_transaction_aborts_it() -> None:
    talk = conversation()
    say(talk, "MULTI")
    assert isinstance(say(talk, "SUBSCRIBE a")[1], CommandError)
    assert say(talk, "EXEC")[1] == EXECABORT


def test_replication_turns_the_connection_opaque() -> None:
    assert conversation().route([b"psync", b"?", b"-1"]).route is Route.OPAQUE
