"""Functions on points in time, which are texts as RFC 3339 has them."""

from __future__ import annotations

import datetime as dt
import re

from llb.bake.evaluation.functions import Parameter, define
from llb.bake.evaluation.whole_numbers import whole
from llb.bake.values.problems import Unsuitable
from llb.bake.values.types import DYNAMIC, NUMBER, STRING
from llb.bake.values.value import Value, integer, object_of, string
from llb.errors import LLBError
from llb.gocompat.duration import parse_duration

_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|([+-])(\d\d):(\d\d))"
)
_TOKEN = re.compile(r"''|'(?:[^']|'')*'?|([A-Za-z])\1*|[^'A-Za-z]+")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ADVICE = {
    "Y": 'year must either be "YY" or "YYYY"',
    "M": 'month must be "M", "MM", "MMM", or "MMMM"',
    "D": 'day of month must either be "D" or "DD"',
    "E": 'day of week must either be "EEE" or "EEEE"',
    "h": '24-hour must either be "h" or "hh"',
    "H": '12-hour must either be "H" or "HH"',
    "m": 'minute must either be "m" or "mm"',
    "s": 'second must either be "s" or "ss"',
    "A": 'must be "AA"',
    "a": 'must be "aa"',
    "Z": "timezone must be Z, ZZZZ, or ZZZZZ",
}
_FORMAT = Parameter("format", STRING)


@define("timestamp")
def _timestamp() -> Value:
    """The current time."""
    return string(_rfc3339(dt.datetime.now(dt.UTC)))


@define("formatdate", _FORMAT, Parameter("time", STRING))
def _format_date(layout: Value, time: Value) -> Value:
    """A time in another format; formattimestamp also takes numbers."""
    return string(_formatted(layout.text, _parsed(time.text, argument=1)))


@define("formattimestamp", _FORMAT, Parameter("time", DYNAMIC))
def _format_timestamp(layout: Value, time: Value) -> Value:
    """A time, or a number of seconds since 1970, in another format; X is that number."""
    if time.type == STRING:
        moment = _parsed(time.text, argument=1)
    elif time.type == NUMBER:
        moment = _unix(time)
    else:
        message = "must be a string timestamp or a unix timestamp number"
        raise Unsuitable(message, argument=1)
    if layout.text == "X":
        return string(str(int(moment.timestamp() // 1)))
    return string(_formatted(layout.text, moment))


@define("timeadd", Parameter("timestamp", STRING), Parameter("duration", STRING))
def _time_add(timestamp: Value, duration: Value) -> Value:
    """The time after a duration, such as 10m or -24h."""
    moment = _parsed(timestamp.text)
    try:
        nanoseconds = parse_duration(duration.text)
    except (LLBError, ValueError) as error:
        raise Unsuitable(str(error)) from None
    try:
        return string(_rfc3339(moment + dt.timedelta(microseconds=nanoseconds // 1000)))
    except OverflowError:
        raise Unsuitable("the time is not in the years 1 to 9999") from None


@define("unixtimestampparse", Parameter("unix_timestamp", NUMBER))
def _unix_timestamp_parse(timestamp: Value) -> Value:
    """The parts of the time that a number of seconds since 1970 stands for."""
    moment = _unix(timestamp, argument=0)
    iso = moment.isocalendar()
    return object_of(
        {
            "year": integer(moment.year),
            "year_day": integer(moment.timetuple().tm_yday),
            "day": integer(moment.day),
            "month": integer(moment.month),
            "month_name": string(_MONTHS[moment.month - 1]),
            "weekday": integer(moment.isoweekday() % 7),
            "weekday_name": string(_DAYS[moment.weekday()]),
            "hour": integer(moment.hour),
            "minute": integer(moment.minute),
            "second": integer(moment.second),
            "rfc3339": string(_rfc3339(moment)),
            "iso_year": integer(iso.year),
            "iso_week": integer(iso.week),
        }
    )


def _parsed(text: str, *, argument: int | None = None) -> dt.datetime:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise Unsuitable(
            "not a valid RFC3339 timestamp such as 2006-01-02T15:04:05Z", argument=argument
        )
    zone: dt.tzinfo = dt.UTC
    try:
        if match[8]:
            offset = dt.timedelta(hours=int(match[9]), minutes=int(match[10]))
            zone = dt.timezone(-offset if match[8] == "-" else offset)
        return dt.datetime(*map(int, match.groups()[:6]), tzinfo=zone)  # type: ignore[misc, arg-type]
    except ValueError as error:
        raise Unsuitable(f"not a valid RFC3339 timestamp: {error}", argument=argument) from None


def _unix(value: Value, argument: int = 1) -> dt.datetime:
    if not value.number.is_integer:
        raise Unsuitable("unix timestamp must be an integer", argument=argument)
    try:
        return dt.datetime.fromtimestamp(whole(value), dt.UTC)
    except (OverflowError, ValueError, OSError):
        raise Unsuitable("the time is not in the years 1 to 9999", argument=argument) from None


def _rfc3339(moment: dt.datetime) -> str:
    return moment.strftime(f"{moment.year:04}-%m-%dT%H:%M:%S") + _zone(moment, "Z")


def _zone(moment: dt.datetime, zero: str, colon: str = ":") -> str:
    offset = moment.utcoffset() or dt.timedelta()
    if not offset and zero:
        return zero
    minutes = int(offset.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}{colon}{abs(minutes) % 60:02}"


def _formatted(layout: str, moment: dt.datetime) -> str:
    return "".join(_token(match, moment) for match in _TOKEN.finditer(layout))


def _token(match: re.Match[str], moment: dt.datetime) -> str:
    word = match[0]
    if word.startswith("'"):
        if word == "''":
            return "'"
        if len(word) == 1 or not word.endswith("'"):
            raise Unsuitable("unterminated literal '", argument=0)
        return word[1:-1].replace("''", "'")
    if not match[1]:
        return word
    texts = _texts(word[0], moment)
    if len(word) not in texts:
        advice = _ADVICE.get(word[0])
        raise Unsuitable(
            f'invalid date format verb "{word}"' + (f": {advice}" if advice else ""), argument=0
        )
    return texts[len(word)]


def _texts(verb: str, moment: dt.datetime) -> dict[int, str]:  # noqa: C901
    """The texts that a verb stands for, by how often its letter is repeated."""
    month, day = _MONTHS[moment.month - 1], _DAYS[moment.weekday()]
    half = "PM" if moment.hour >= 12 else "AM"
    match verb:
        case "Y":
            return {2: f"{moment.year % 100:02}", 4: f"{moment.year:04}"}
        case "M":
            return {1: f"{moment.month}", 2: f"{moment.month:02}", 3: month[:3], 4: month}
        case "D":
            return {1: f"{moment.day}", 2: f"{moment.day:02}"}
        case "E":
            return {3: day[:3], 4: day}
        case "h":
            return {1: f"{moment.hour}", 2: f"{moment.hour:02}"}
        case "H":
            hour = moment.hour % 12 or 12
            return {1: f"{hour}", 2: f"{hour:02}"}
        case "A":
            return {2: half}
        case "a":
            return {2: half.lower()}
        case "m":
            return {1: f"{moment.minute}", 2: f"{moment.minute:02}"}
        case "s":
            return {1: f"{moment.second}", 2: f"{moment.second:02}"}
        case "Z":
            return {
                1: _zone(moment, "Z"),
                3: _zone(moment, "UTC", ""),
                4: _zone(moment, "", ""),
                5: _zone(moment, ""),
            }
        case _:
            return {}
