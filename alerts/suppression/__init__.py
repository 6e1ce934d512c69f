"""What is held back, and why. Pure: a replay over the log with what people said decides as the service did.

``gates`` stand between a rule and its incidents: whom they hold opens none. ``mutes`` are asked of an
incident that there is: it is recorded and shown, and nobody else hears of it. Both give a ``Reason``.
"""
