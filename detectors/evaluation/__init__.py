"""How good the detectors are on pictures whose truth is known: one module a task, run by ``make eval``.

Each module has ``evaluate(data, models_dir)``: it reads its part of a folder in the layout of docs/models.md
and returns its figures, or None where the folder has no such part.
"""
