"""The schedule of an alarm mute rule: cron or at, a duration, a time zone. Pure functions.

CloudWatch API reference: Schedule (PutAlarmMuteRule): ``cron(Minutes Hours Day-of-month Month Day-of-week)`` with ``*``, ``-`` and
``,`` and English names, or ``at(yyyy-MM-ddThh:mm)``; an ISO 8601 duration from PT1M to P15D; UTC if there is no time zone.
"""

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# The least and the most value of each field, and the names of its values.
_FIELDS = ((0, 59, ()), (0, 23, ()), (1, 31, ()), (1, 12, _MONTHS), (0, 7, _DAYS))
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_MINUTE = timedelta(minutes=1)
_LONGEST = timedelta(days=15)


def problem(schedule: dict) -> str | None:
    """The sentence by which the schedule is refused."""
    expression, zone = schedule.get("Expression") or "", schedule.get("Timezone") or "UTC"
    if _fields(expression) is None and _moment(expression) is None:
        return f"The schedule expression {expression} is invalid."
    length = duration(schedule.get("Duration") or "")
    if length is None or not _MINUTE <= length <= _LONGEST:
        return f"The duration {schedule.get('Duration')} is not from PT1M to P15D."
    if len(zone) > 50 or zone not in available_timezones():
        return f"The time zone {zone} is invalid."
    return None


def duration(text: str) -> timedelta | None:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


def is_active(schedule: dict, now: float) -> bool:
    """True if a window of the schedule has begun and not ended."""
    return window(schedule, now) is not None


def window(schedule: dict, now: float) -> tuple[float, float] | None:
    """Begin and end of the newest window that has begun and not ended."""
    zone = ZoneInfo(schedule.get("Timezone") or "UTC")
    local = datetime.fromtimestamp(now, zone).replace(tzinfo=None)
    length = duration(schedule["Duration"])
    begin = _begin(schedule["Expression"], local, length)
    return None if begin is None else tuple(moment.replace(tzinfo=zone).timestamp() for moment in (begin, begin + length))


def _begin(expression: str, local: datetime, length: timedelta) -> datetime | None:
    once = _moment(expression)
    if once is not None:
        return once if once <= local < once + length else None
    fields = _fields(expression)
    minute = local.replace(second=0, microsecond=0)
    while local < minute + length:
        if _matches(fields, minute):
            return minute
        minute -= _MINUTE
    return None


def _moment(expression: str) -> datetime | None:
    match = re.fullmatch(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d)\)", expression)
    try:
        return datetime.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def _fields(expression: str) -> list[set[int]] | None:
    match = re.fullmatch(r"cron\((.+)\)", expression)
    parts = match[1].split() if match else []
    if len(parts) != len(_FIELDS):
        return None
    fields = [_values(part, *limits) for part, limits in zip(parts, _FIELDS)]
    return None if any(field is None for field in fields) else fields


def _values(part: str, least: int, most: int, names: tuple[str, ...]) -> set[int] | None:
    if part == "*":
        return set(range(least, most + 1))
    found: set[int] = set()
    for item in part.split(","):
        ends = [_value(end, least, names) for end in item.split("-")]
        if len(ends) > 2 or any(end is None or not least <= end <= most for end in ends) or ends[0] > ends[-1]:
            return None
        found.update(range(ends[0], ends[-1] + 1))
    return found


def _value(text: str, least: int, names: tuple[str, ...]) -> int | None:
    if text.upper() in names:
        return names.index(text.upper()) + least
    return int(text) if text.isdigit() else None


def _matches(fields: list[set[int]], moment: datetime) -> bool:
    """Sunday is day 0, and 7 too."""
    minutes, hours, days, months, weekdays = fields
    weekday = moment.isoweekday() % 7
    return (moment.minute in minutes and moment.hour in hours and moment.day in days and moment.month in months
            and (weekday in weekdays or weekday == 0 and 7 in weekdays))
