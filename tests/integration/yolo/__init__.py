"""The ultralytics engine, on a model that is trained here: `tests/ultralytics.sh` runs this folder."""
