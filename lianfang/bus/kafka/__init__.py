"""The bus over Kafka: services on several machines, one broker or many.

``access`` is how brokers are reached, ``topics`` what must exist there, ``publisher`` the two producers and
their bounds, ``membership`` the place in a consumer group, ``durable`` and ``latest`` the two ways to read,
``frames`` the reading back of one frame. Nothing outside this package imports kafka.
"""

from lianfang.bus.kafka.access import Access
from lianfang.bus.kafka.bus import KafkaBus
from lianfang.bus.kafka.topics import Topic, topics_of

__all__ = ["Access", "KafkaBus", "Topic", "topics_of"]
