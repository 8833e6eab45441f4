"""What the service is asked and what it answers, as pydantic models: they check requests and describe the API.

Times carry an offset from UTC, since "08:30" alone is another moment for each reader; inside they become New
York's wall time, which the model learned from.
"""

from __future__ import annotations

from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    model_validator,
)
from pydantic_core import PydanticCustomError

from course_lib.taxi import zones

NEW_YORK = ZoneInfo("America/New_York")
FIRST_YEAR, LAST_YEAR = 2009, 2099  # the commission's data begin in 2009
MAX_RIDES = 10_000  # in one request
MAX_BYTES = 2_000_000  # of one request's body
_PLACES = 263  # zones 264 and 265 are no place


def _known_place(zone: int) -> int:
    if 1 <= zone <= _PLACES:
        return zone
    if zone in zones.UNKNOWN_ZONES:
        raise PydanticCustomError(
            "unknown_zone", "zone {zone} is no place: nobody can be picked up there", {"zone": zone}
        )
    raise PydanticCustomError(
        "unknown_zone", "there is no zone {zone}: GET /zones lists all, from 1 to 263", {"zone": zone}
    )


def _as_text(value: Any) -> Any:
    """Refuse numbers, which pydantic would take for seconds since 1970: nobody sees a wrong one."""
    if not isinstance(value, str):
        raise PydanticCustomError("not_a_time", "a time is text, as in 2021-02-03T08:30:00-05:00")
    return value


def _possible_time(time: datetime) -> datetime:
    try:
        year = time.astimezone(NEW_YORK).year
    except OverflowError:  # at the ends of the calendar
        year = time.year
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise PydanticCustomError(
            "time_out_of_range", "rides are from the years {first} to {last}", {"first": FIRST_YEAR, "last": LAST_YEAR}
        )
    return time


PlaceNumber = Annotated[
    int,
    AfterValidator(_known_place),
    Field(strict=True, json_schema_extra={"minimum": 1, "maximum": _PLACES}, description="A taxi zone's number."),
]
RiderId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
        description="Whose app asks: letters, digits, . _ and -. The same rider gets the same model during a canary.",
    ),
]


class Ride(BaseModel):
    """One ride, as the rider's app knows it when it is booked."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"pickup": 7, "dropoff": 138, "time": "2021-02-03T08:30:00-05:00"}]},
    )

    pickup: PlaceNumber
    dropoff: PlaceNumber
    time: Annotated[
        AwareDatetime,
        BeforeValidator(_as_text),
        AfterValidator(_possible_time),
        Field(description="Pickup time, ISO 8601 with an offset: 2021-02-03T08:30:00-05:00."),
    ]
    rider: RiderId | None = None

    @model_validator(mode="after")
    def _goes_somewhere(self) -> Ride:
        if self.pickup == self.dropoff:
            raise PydanticCustomError("equal_zones", "pickup and drop-off are the same zone", {"field": "dropoff"})
        return self

    @cached_property
    def local_time(self) -> datetime:
        """New York's wall time of the pickup, without an offset, as in the commission's data."""
        return self.time.astimezone(NEW_YORK).replace(tzinfo=None)


class Day(BaseModel):
    """The same ride at every full hour of a day."""

    model_config = ConfigDict(extra="forbid")

    pickup: Annotated[int, AfterValidator(_known_place), Field(json_schema_extra={"minimum": 1, "maximum": _PLACES})]
    dropoff: Annotated[int, AfterValidator(_known_place), Field(json_schema_extra={"minimum": 1, "maximum": _PLACES})]
    date: Annotated[date, Field(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31))]


class ModelVersion(BaseModel):
    """Which model answered."""

    name: str
    version: int
    role: Literal["champion", "challenger"]


class Answer(BaseModel):
    """How long one ride will take."""

    minutes: float = Field(ge=0, description="As the model says.")
    text: str = Field(description='As a rider reads it: "about 10 minutes".')
    model: ModelVersion


class Prediction(Answer):
    """The answer to one ride."""

    request_id: str


class Predictions(BaseModel):
    """The answers to a list of rides, in their order."""

    predictions: list[Answer]
    request_id: str


class DayAnswer(BaseModel):
    """Minutes at the hours 0 to 23, New York time."""

    minutes: list[float] = Field(min_length=24, max_length=24)
    model: ModelVersion


class Place(BaseModel):
    """A taxi zone: its number, names and centroid (degrees)."""

    id: int
    name: str
    borough: str
    lon: float
    lat: float


class Places(BaseModel):
    """The zones whose names match."""

    zones: list[Place]


class FieldProblem(BaseModel):
    """One thing wrong with a request."""

    field: str = Field(description='Where: "dropoff", or "[3].dropoff" in a list; empty for the whole request.')
    reason: str = Field(description="For programs: unknown_zone, missing, time_out_of_range …")
    message: str


class Problem(BaseModel):
    """Why there is no answer (RFC 9457, application/problem+json)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []
    request_id: str


class Health(BaseModel):
    """Whether the service can answer, and why not."""

    ready: bool
    champion: int | None = None
    challenger: int | None = None
    rollout: str = "off"
    answers_by: str = Field(
        default="", description='How the champion answers single rides: "compiled form", or "pipeline" and the reason.'
    )
    problems: list[str] = []


ONE_RIDE: TypeAdapter[Ride] = TypeAdapter(Ride)
MANY_RIDES: TypeAdapter[list[Ride]] = TypeAdapter(Annotated[list[Ride], Field(min_length=1, max_length=MAX_RIDES)])


def parse_rides(body: bytes) -> tuple[list[Ride], bool]:
    """The rides of a request's JSON body, and whether they came as a list. Raises pydantic's ValidationError."""
    if body.lstrip()[:1] == b"[":
        return MANY_RIDES.validate_json(body), True
    return [ONE_RIDE.validate_json(body)], False
