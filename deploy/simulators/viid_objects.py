"""Objects of GA/T 1400 as a strict platform reads them: every required field, every id, every picture."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal

import simplejpeg
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from deploy.simulators.films import check_film


class InvalidObjectError(ValueError):
    """What is wrong with an object, and where."""


def _moment(text: str) -> str:
    datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007 - local, as the standard has it
    return text


def _basic(text: str) -> str:
    if text[20:22] != "02":
        raise ValueError("digits 21 and 22 are not those of a picture")
    _moment(text[22:36])
    return text


Device = Annotated[str, Field(pattern=r"^[0-9]{20}$")]
Moment = Annotated[str, Field(pattern=r"^[0-9]{14}$"), AfterValidator(_moment)]
BasicId = Annotated[str, Field(pattern=r"^[0-9]{41}$"), AfterValidator(_basic)]
SemanticId = Annotated[str, Field(pattern=r"^[0-9]{48}$")]
Pixels = Annotated[int, Field(ge=0, le=65535)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SubImageInfo(_Strict):
    """One picture of an object."""

    ImageID: BasicId
    EventSort: Annotated[int, Field(ge=0)]
    DeviceID: Device
    Type: Annotated[str, Field(pattern=r"^[0-9]{2,3}$")]
    FileFormat: Literal["Jpeg"]
    ShotTime: Moment
    Width: Annotated[int, Field(gt=0)]
    Height: Annotated[int, Field(gt=0)]
    StoragePath: str = ""
    Data: str = ""

    @model_validator(mode="after")
    def _is_a_picture(self) -> SubImageInfo:
        if bool(self.StoragePath) == bool(self.Data):
            raise ValueError("exactly one of StoragePath and Data")
        if self.Data:
            _check_jpeg(self.Data, self.Width, self.Height)
        return self


class SubImages(_Strict):
    """The pictures of an object."""

    SubImageInfoObject: list[SubImageInfo]


class _Semantic(_Strict):
    InfoKind: Literal[0, 1, 2]
    SourceID: BasicId
    DeviceID: Device
    LeftTopX: Pixels
    LeftTopY: Pixels
    RightBtmX: Pixels
    RightBtmY: Pixels
    SubImageList: SubImages

    @model_validator(mode="after")
    def _is_of_its_device(self) -> _Semantic:
        known = {self.SourceID, *(image.ImageID for image in self.SubImageList.SubImageInfoObject)}
        if any(not image_id.startswith(self.DeviceID) for image_id in known):
            raise ValueError("SourceID and ImageID do not begin with DeviceID")
        if len(known) != max(1, len(self.SubImageList.SubImageInfoObject)):
            raise ValueError("SourceID is no picture of the list, or two pictures have one ImageID")
        return self


class MotorVehicle(_Semantic):
    """A motor vehicle that passed."""

    MotorVehicleID: SemanticId
    TollgateID: Device
    PassTime: Moment
    StorageUrl1: Annotated[str, Field(min_length=1)]
    HasPlate: bool
    PlateClass: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    PlateColor: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]
    PlateNo: Annotated[str, Field(min_length=1, max_length=15)]
    VehicleColor: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]

    @model_validator(mode="after")
    def _plate(self) -> MotorVehicle:
        if self.HasPlate == (self.PlateNo == "无车牌"):
            raise ValueError("HasPlate and PlateNo do not agree")
        return self


class NonMotorVehicle(_Semantic):
    """A bicycle or moped."""

    NonMotorVehicleID: SemanticId
    MarkTime: Moment
    AppearTime: Moment
    DisappearTime: Moment
    HasPlate: bool
    VehicleColor: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]


class Person(_Semantic):
    """A person."""

    PersonID: SemanticId
    PersonAppearTime: Moment
    PersonDisAppearTime: Moment
    IsDriver: Literal[0, 1, 2]


class ImageInfo(SubImageInfo):
    """What is said of a picture that stands for itself."""

    InfoKind: Literal[0, 1, 2]
    ImageSource: Annotated[str, Field(min_length=1)]
    Title: Annotated[str, Field(min_length=1, max_length=128)]
    ContentDescription: Annotated[str, Field(min_length=1, max_length=1024)]

    @model_validator(mode="after")
    def _is_a_picture(self) -> ImageInfo:
        return self  # its bytes stand beside it


class Image(_Strict):
    """A picture that stands for itself."""

    ImageInfo: ImageInfo
    Data: str = ""

    @model_validator(mode="after")
    def _has_bytes(self) -> Image:
        if bool(self.Data) == bool(self.ImageInfo.StoragePath):
            raise ValueError("exactly one of StoragePath and Data")
        if self.Data:
            _check_jpeg(self.Data, self.ImageInfo.Width, self.ImageInfo.Height)
        return self


def _digits(text: str, kind: str) -> str:
    if text[10:13] != kind:
        raise ValueError(f"digits 11 to 13 are not {kind}")
    return text


def _video(text: str) -> str:
    if text[20:22] != "01":
        raise ValueError("digits 21 and 22 are not those of a slice of video")
    _moment(text[22:36])
    return text


class VideoSliceInfo(_Strict):
    """What is said of a slice of video."""

    VideoID: Annotated[str, Field(pattern=r"^[0-9]{41}$"), AfterValidator(_video)]
    InfoKind: Literal[0, 1, 2]
    VideoSource: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")]
    IsAbstractVideo: bool = False
    EventSort: Annotated[int, Field(ge=0)]
    DeviceID: Device
    FileFormat: Literal["Mp4"]
    AudioFlag: Literal[0, 1]
    Title: Annotated[str, Field(min_length=1, max_length=128)]
    ContentDescription: Annotated[str, Field(min_length=1, max_length=1024)]
    BeginTime: Moment
    EndTime: Moment
    VideoLen: Annotated[float, Field(ge=0)]
    FileSize: Annotated[int, Field(gt=0)]
    StoragePath: str = ""

    @model_validator(mode="after")
    def _is_of_its_device(self) -> VideoSliceInfo:
        if not self.VideoID.startswith(self.DeviceID):
            raise ValueError("VideoID does not begin with DeviceID")
        if self.EndTime < self.BeginTime:
            raise ValueError("EndTime is before BeginTime")
        return self


class VideoSlice(_Strict):
    """A slice of video."""

    VideoSliceInfo: VideoSliceInfo
    Data: str = ""

    @model_validator(mode="after")
    def _can_be_played(self) -> VideoSlice:
        about = self.VideoSliceInfo
        if bool(self.Data) == bool(about.StoragePath):
            raise ValueError("exactly one of StoragePath and Data")
        if self.Data:
            check_film(self.Data, about.FileSize, about.VideoLen)
        return self


Ape = Annotated[Device, AfterValidator(lambda text: _digits(text, "119"))]
Gate = Annotated[Device, AfterValidator(lambda text: _digits(text, "121"))]
PlaceCode = Annotated[str, Field(pattern=r"^([0-9]{6}|[0-9]{9}|[0-9]{12})$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Placed(_Strict):
    """What has a place in China, or nearly."""

    Name: Name
    Longitude: Annotated[float, Field(ge=73, le=136)]
    Latitude: Annotated[float, Field(ge=3, le=54)]
    PlaceCode: PlaceCode


class Camera(_Placed):
    """A camera (APE)."""

    ApeID: Ape
    Model: Name
    IPAddr: Annotated[str, AfterValidator(lambda text: str(IPv4Address(text)))]
    Port: Annotated[int, Field(ge=1, le=65535)]
    IsOnline: Literal["1", "2", "9"]
    FunctionType: Annotated[str, Field(pattern=r"^[0-9]{1,2}(/[0-9]{1,2})*$")]
    PositionType: Annotated[str, Field(pattern=r"^[0-9]{1,2}$")] = "99"


class Tollgate(_Placed):
    """A tollgate."""

    TollgateID: Gate
    Status: Annotated[str, Field(pattern=r"^[0-9]$")]
    TollgateCat: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    TollgateUsage: Literal["80", "81", "82"]


_MODELS: dict[str, tuple[type[BaseModel], str, str]] = {
    "MotorVehicles": (MotorVehicle, "MotorVehicleID", "02"),
    "NonMotorVehicles": (NonMotorVehicle, "NonMotorVehicleID", "03"),
    "Persons": (Person, "PersonID", "01"),
    "Images": (Image, "ImageID", ""),
    "VideoSlices": (VideoSlice, "VideoID", ""),
    "APEs": (Camera, "ApeID", ""),
    "Tollgates": (Tollgate, "TollgateID", ""),
}
COLLECTIONS = tuple(_MODELS)
_INNER = {"Images": "ImageInfo", "VideoSlices": "VideoSliceInfo"}


def id_of(collection: str, body: Any) -> str:  # noqa: ANN401 - JSON that nobody has looked at
    """Return the id that an object claims, "" where it has none."""
    inner = _INNER.get(collection)
    holder = body.get(inner) if inner and isinstance(body, Mapping) else body
    found = holder.get(_MODELS[collection][1], "") if isinstance(holder, Mapping) else ""
    return found if isinstance(found, str) else ""


def check(collection: str, body: Any, extensions: frozenset[str]) -> None:  # noqa: ANN401 - as above
    """Return for an object that is right; InvalidObjectError. Keys in ``extensions`` were agreed on."""
    model, _, kind = _MODELS[collection]
    known = {k: v for k, v in body.items() if k not in extensions} if isinstance(body, Mapping) else body
    try:
        found = model.model_validate(known)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise InvalidObjectError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from error
    object_id = id_of(collection, body)
    if isinstance(found, _Semantic) and (object_id[:41] != found.SourceID or object_id[41:43] != kind):
        raise InvalidObjectError("the id is not its SourceID, its kind and a number")


def _check_jpeg(data: str, width: int, height: int) -> None:
    try:
        jpeg = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError("Data is no base64") from error
    real_height, real_width = simplejpeg.decode_jpeg(jpeg).shape[:2]
    if (real_width, real_height) != (width, height):
        raise ValueError(f"Width and Height are not those of the picture, {real_width} x {real_height}")
