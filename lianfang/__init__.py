"""The contract of lianfang: what every service shares and none may change alone.

Events, the codec, the bus, the configuration, plug-in loading, the clock, errors and the service runner.
This package imports none of ``ingest``, ``detectors``, ``alerts`` or ``deploy``.
"""
