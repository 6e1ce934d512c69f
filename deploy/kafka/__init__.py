"""A real Kafka broker on this machine, for tests and developers. Production has its own."""

from deploy.kafka.broker import Broker, Login
from deploy.kafka.jars import jars

__all__ = ["Broker", "Login", "jars"]
