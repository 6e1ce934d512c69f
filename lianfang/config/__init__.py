"""Configuration: one YAML file, validated whole before anything starts."""

from lianfang.config.camera import Camera, Line, Zone
from lianfang.config.community import Community
from lianfang.config.drawn import Crop, ReferenceHeight
from lianfang.config.load import load
from lianfang.config.model import Config
from lianfang.config.point import Point
from lianfang.config.runtime import Runtime
from lianfang.config.sampling import FpsHours, Gate
from lianfang.config.sensor import Sensor
from lianfang.config.stanza import Id, Problem, Secret, Spoken, Stanza, Text
from lianfang.config.uplink import Uplink

__all__ = [
    "Camera",
    "Community",
    "Config",
    "Crop",
    "FpsHours",
    "Gate",
    "Id",
    "Line",
    "Point",
    "Problem",
    "ReferenceHeight",
    "Runtime",
    "Secret",
    "Sensor",
    "Spoken",
    "Stanza",
    "Text",
    "Uplink",
    "Zone",
    "load",
]
