"""The place in a group, with a client that does what the test says, when it says it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition as Place
from kafka.errors import CommitFailedError, KafkaTimeoutError, TopicAuthorizationFailedError
from kafka.structs import MemberState
from structlog.testing import capture_logs

from lianfang.bus import TopicPartition
from lianfang.bus.kafka import membership
from lianfang.bus.kafka.access import Access
from lianfang.bus.kafka.membership import Membership
from lianfang.errors import TransientError

A, B, C = (Place("topic", n) for n in range(3))
OURS = {place: TopicPartition(place.topic, place.partition) for place in (A, B, C)}
Step = Callable[[], Mapping[Any, Sequence[str]]]


class Client:
    """Stands for KafkaConsumer. Each poll does the next step of ``script``, and nothing after the last."""

    def __init__(self) -> None:
        self.script: deque[Step] = deque()
        self.listener: Any = None
        self.owned: set[Place] = set()
        self.paused: set[Place] = set()
        self.state, self.generation = MemberState.STABLE, 1
        self.committed: list[dict[Place, int]] = []
        self.commit_errors: deque[Exception] = deque()
        self.heard_at = 0.0

    def subscribe(self, topics: list[str], listener: object) -> None:
        assert topics == ["topic"]
        self.listener = listener

    def poll(self, timeout_ms: int, max_records: int) -> Mapping[Any, Sequence[str]]:
        assert isinstance(timeout_ms, int)
        assert max_records == 10
        found = self.script.popleft()() if self.script else {}
        return {place: records for place, records in found.items() if place not in self.paused}

    def give(self, *places: Place) -> Step:
        def step() -> Mapping[Any, Sequence[str]]:
            self.owned |= set(places)
            self.generation += 1
            self.listener.on_partitions_assigned(set(places))
            return {place: ["early"] for place in places}

        return step

    def take(self, *places: Place, lost: bool = False) -> Step:
        def step() -> Mapping[Any, Sequence[str]]:
            self.owned -= set(places)
            self.paused -= set(places)
            (self.listener.on_partitions_lost if lost else self.listener.on_partitions_revoked)(set(places))
            return {}

        return step

    def pause(self, *places: Place) -> None:
        assert set(places) <= self.owned
        self.paused |= set(places)

    def resume(self, *places: Place) -> None:
        assert set(places) <= self.owned
        self.paused -= set(places)

    def assignment(self) -> set[Place]:
        return set(self.owned)

    def group_metadata(self) -> SimpleNamespace:
        return SimpleNamespace(state=self.state, generation_id=self.generation)

    def commit(self, offsets: dict[Place, Any], timeout_ms: int) -> None:
        assert isinstance(timeout_ms, int)
        if self.commit_errors:
            raise self.commit_errors.popleft()
        self.committed.append({place: meta.offset for place, meta in offsets.items()})


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()
    monkeypatch.setattr(membership, "KafkaConsumer", lambda **_: client)
    monkeypatch.setattr(membership, "keep_joins", lambda _: None)
    monkeypatch.setattr(membership, "unpark", lambda _: None)
    monkeypatch.setattr(membership, "spins", lambda _: False)
    monkeypatch.setattr(membership, "heard_at", lambda client: client.heard_at)
    return client


@pytest.fixture
def member(client: Client) -> Membership:
    del client
    return Membership(Access("brokers", {}), (4, 0), ["topic"], "group", {})


def poll(member: Membership) -> tuple[Mapping[Any, Sequence[str]], bool]:
    return member.poll(0, 10)


def test_what_is_given_is_known_before_it_is_read(client: Client, member: Membership) -> None:
    client.script += [client.give(A, B), lambda: {A: ["a"], B: ["b"]}, lambda: {A: ["a"], B: ["b"]}]
    assert poll(member) == ({}, True)
    assert member.assignment() == {OURS[A], OURS[B]}
    assert poll(member) == ({}, False), "not begun yet"
    member.begin([OURS[A]])
    assert poll(member) == ({A: ["a"]}, False)
    assert member.given() == {OURS[B]}


def test_a_poll_ends_when_the_assignment_changes(client: Client, member: Membership) -> None:
    client.script += [dict, dict, client.give(A), lambda: {A: ["late"]}]
    assert member.poll(60, 10) == ({}, True)
    assert len(client.script) == 1


def test_what_is_kept_goes_on_while_others_move(client: Client, member: Membership) -> None:
    client.script.append(client.give(A, B))
    poll(member)
    member.begin(member.given())

    def move() -> Mapping[Any, Sequence[str]]:
        client.take(B)()
        return {A: ["a"]}

    client.script.append(move)
    assert poll(member) == ({A: ["a"]}, True)
    assert member.assignment() == {OURS[A]}


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_lost_and_given_back_within_a_poll_is_first_missing(
    client: Client, member: Membership, lost: bool
) -> None:
    client.script.append(client.give(A, B))
    poll(member)
    member.begin(member.given())

    def there_and_back() -> Mapping[Any, Sequence[str]]:
        client.take(A, lost=lost)()
        client.give(A)()
        return {}

    client.script.append(there_and_back)
    assert poll(member) == ({}, True)
    assert member.assignment() == {OURS[B]}, "whoever had it meanwhile may have moved on"
    assert poll(member) == ({}, True)
    assert member.assignment() == {OURS[A], OURS[B]}
    assert member.given() == {OURS[A]}


def test_pausing_outlives_the_beginning_and_not_a_loss(client: Client, member: Membership) -> None:
    client.script.append(client.give(A, B))
    poll(member)
    member.pause([OURS[A], OURS[C]])
    member.begin(member.given())
    assert client.paused == {A}
    member.resume([OURS[A], OURS[C]])
    assert client.paused == set()
    member.pause([OURS[A]])
    client.script += [client.take(A), client.give(A)]
    poll(member)
    poll(member)
    member.begin(member.given())
    assert client.paused == set(), "a partition that comes again is read"


def test_resuming_does_not_begin_what_is_new(client: Client, member: Membership) -> None:
    client.script.append(client.give(A))
    poll(member)
    member.pause([OURS[A]])
    member.resume([OURS[A]])
    assert client.paused == {A}


def test_offsets_wait_while_the_members_change(client: Client, member: Membership) -> None:
    client.script.append(client.give(A, B))
    poll(member)
    client.state = MemberState.REBALANCING
    member.commit({OURS[A]: 5, OURS[B]: 6})
    member.commit({OURS[A]: 7})
    poll(member)
    assert client.committed == []
    client.state = MemberState.STABLE
    client.commit_errors.append(CommitFailedError())
    poll(member)
    client.script.append(client.take(B))
    poll(member)
    assert client.committed == [{A: 7, B: 6}], "before the poll in which B is taken"
    poll(member)
    assert client.committed == [{A: 7, B: 6}], "once"


def test_offsets_of_what_was_taken_are_not_stored(client: Client, member: Membership) -> None:
    client.script.append(client.give(A, B))
    poll(member)
    client.state = MemberState.REBALANCING
    member.commit({OURS[A]: 5, OURS[B]: 6})
    client.script.append(client.take(A))
    poll(member)
    client.state = MemberState.STABLE
    poll(member)
    assert client.committed == [{B: 6}]
    with pytest.raises(TransientError, match="another member"):
        member.commit({OURS[A]: 9, OURS[B]: 7})


def test_offsets_that_cannot_be_stored_are_said(client: Client, member: Membership) -> None:
    client.script.append(client.give(A))
    poll(member)
    client.commit_errors.append(KafkaTimeoutError("no answer"))
    with pytest.raises(TransientError, match="no answer"):
        member.commit({OURS[A]: 5})
    poll(member)
    assert client.committed == [], "who commits has been told, and decides"


def test_the_generation_is_the_last_that_we_were_part_of(client: Client, member: Membership) -> None:
    assert member.generation == 0
    client.generation = 7
    poll(member)
    assert member.generation == 7
    client.state, client.generation = MemberState.UNJOINED, -1
    poll(member)
    assert member.generation == 7


def test_brokers_that_are_away_are_no_error_and_brokers_that_refuse_are(
    client: Client, member: Membership
) -> None:
    def fail(error: Exception) -> Step:
        def step() -> Mapping[Any, Sequence[str]]:
            raise error

        return step

    client.script += [fail(KafkaTimeoutError()), fail(TopicAuthorizationFailedError("topic"))]
    assert poll(member) == ({}, False)
    with pytest.raises(TransientError, match="TopicAuthorizationFailed"):
        poll(member)


def test_a_group_that_answers_no_more_is_lost_though_the_client_calls_it_stable(
    client: Client, member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    client.script.append(client.give(A))
    seen = []
    with capture_logs() as logs:
        for answered in (True, True, False, False, True):
            now += 2
            client.heard_at = now if answered else client.heard_at
            poll(member)
            seen.append(member.lost)
    assert seen == [False, False, False, True, False]
    said = [line["event"] for line in logs if line["event"].startswith("kafka_group")]
    assert said == ["kafka_group_lost", "kafka_group_found"]
