"""The store: incidents, what is owed to receivers, offsets. One transaction holds what belongs together."""

from alerts.store.store import Store, open_store

__all__ = ["Store", "open_store"]
