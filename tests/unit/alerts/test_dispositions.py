"""Plates that are looked for: found as in a list, for their receiver, their time and their tollgates."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from alerts.dispositions import Disposition, Dispositions
from lianfang.plates import nearest
from tests.support.observations import at

_PLATES = ["粤T12345", "粤T1234S", "粤TI2345", "粤A98765", "京A8B0D1"]
_GATES = ["", "1" * 20, "2" * 20]
_ORDERS = st.builds(
    lambda receiver, number, plate, since, lasts, gates: Disposition(
        receiver, f"{number:033}", plate, at(since), at(since + lasts), frozenset(gates)
    ),
    st.sampled_from(["library", "other"]),
    st.integers(0, 9),
    st.sampled_from(_PLATES),
    st.integers(0, 20),
    st.integers(1, 20),
    st.sets(st.sampled_from(_GATES[1:])),
)


@given(
    orders=st.lists(_ORDERS, max_size=12),
    text=st.sampled_from([*_PLATES, "粤t·12345", "粤B00000"]),
    when=st.integers(0, 40),
    gate=st.sampled_from(_GATES),
)
def test_it_finds_what_looking_through_all_of_them_finds(
    orders: list[Disposition], text: str, when: int, gate: str
) -> None:
    there = [
        one
        for one in orders
        if one.receiver == "library"
        and one.since <= at(when) < one.until
        and (not one.tollgates or gate in one.tollgates)
    ]
    known = nearest(text, (one.plate for one in there))
    found = Dispositions(tuple(orders)).hit("library", text, at(when), gate)
    if known is None:
        assert found is None
    else:
        assert found is not None
        assert found.exact is known.exact
        assert tuple(one.plate for one in found.dispositions) == known.plates
