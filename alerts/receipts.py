"""A receiver's word about an incident that it was told of (接警, 处置反馈): in the timeline, once.

It moves no case and stops nothing: what people here do about it is theirs.
"""

from __future__ import annotations

from alerts.incidents.model import ChangeKind
from alerts.payload import CaseReceipt
from alerts.pipeline import route
from alerts.store import Store
from alerts.store.incidents import add_change, held
from alerts.store.receipts import ReceiptRow
from lianfang.clock import Clock
from lianfang.ids import identify


def take(store: Store, clock: Clock, receiver: str, message_id: str, said: CaseReceipt) -> bool:
    """Write down what ``receiver`` says; return False if it has said so under that id before.

    LookupError if it was never told of such an incident, whether or not there is one.
    """
    receipt_id, now = identify("receipt", receiver, message_id), clock.now()
    with store.write() as session:
        row = held(session, said.number)
        if row is None or not route.knows(session, receiver, row):
            raise LookupError(f"{receiver} was told of no incident {said.number}")
        if session.get(ReceiptRow, receipt_id) is not None:
            return False
        session.add(
            ReceiptRow(
                id=receipt_id,
                receiver=receiver,
                incident_id=row.id,
                step=said.step,
                by=said.by,
                note=said.note,
                said_at=said.at,
                taken_at=now,
            )
        )
        data = {"receiver": receiver, "step": said.step, "said_at": said.at.isoformat()}
        data |= {key: text for key, text in (("by", said.by), ("note", said.note)) if text}
        add_change(session, row.id, ChangeKind.RECEIPT, receiver, data, now)
    return True
