"""Delivery: what is owed goes out, in the order of its incident, until the receiver has it or never will."""

from alerts.delivery.worker import DeliveryWorker

__all__ = ["DeliveryWorker"]
