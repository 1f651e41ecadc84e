"""Schedules: how often a task wants something, as the five fields of cron.

A small model puts the hour before the minute. What is said plainly is read by code; in doubt the model
decides.
"""

import re

from devops_agent.patterns import regex

_FIELD = r"(?:\*|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)(?:/\d+)?"
_CRON = regex(
    rf"(?<![\w*/,-])({_FIELD}(?: {_FIELD}){{3}} (?:{_FIELD}|[A-Za-z]{{3}}(?:[-,][A-Za-z]{{3}})*))(?![\w*/-])"
)
# Parts of a day, exceptions and limits, which the plain forms below do not hold.
_INVOLVED = regex(
    r"\b(?:between|except|until|unless|during|other|second|third|last|business hours)\b", re.IGNORECASE
)
_EACH = r"\b(?:every|each)"
_STEP = regex(
    rf"{_EACH} (\d+|two|three|four|five|six|ten|fifteen|twenty|thirty|half an)[ -]?(minutes?|hours?)\b",
    re.IGNORECASE,
)
_NUMBERS = dict(
    zip(
        "two three four five six ten fifteen twenty thirty".split(),
        (2, 3, 4, 5, 6, 10, 15, 20, 30),
        strict=True,
    )
)
_UNIT = regex(rf"{_EACH} (minute|hour)\b|\b(hour)ly\b", re.IGNORECASE)
_PAST = regex(r"\bat minute (\d{1,2})\b|\b(\d{1,2}) minutes? past\b", re.IGNORECASE)
_TIME = regex(
    r"(?<![\w.:/-])(?:(?:at )?(?P<hour>\d{1,2}):(?P<minute>\d{2})|at (?P<full>\d{1,2}))(?![\d:.]\d|\d)"
    r"(?: ?(?P<half>[ap])\.?m\b| o['’]clock)?(?: (?:in the|at) (?P<part>morning|afternoon|evening|night)\b)?"
    r"|\b(?P<word>midnight|noon)\b",
    re.IGNORECASE,
)
_DAILY = regex(rf"\b(?:daily|nightly)\b|{_EACH} (?:day|night|morning|afternoon|evening)\b", re.IGNORECASE)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_WEEKDAY = regex(r"\b(sun|mon|tues|wednes|thurs|fri|satur)days?\b", re.IGNORECASE)
_WEEKLY = regex(rf"(?:{_EACH}|\bon) (?:\w+days?\b)|\bweekly\b|{_EACH} week\b", re.IGNORECASE)
_WEEK_PART = regex(rf"(?:{_EACH}|\bon) (weekday|weekend|working day|workday)s?\b", re.IGNORECASE)
_DAY = r"(sun|mon|tues?|wed(?:nes)?|thurs?|fri|sat(?:ur)?)(?:day)?s?"
_WEEKDAYS = regex(rf"\b{_DAY}(?: (?:to|through|till) |[-–]){_DAY}\b", re.IGNORECASE)
_CLAUSE = regex(r"(?:,\s+and|,|;|\.|\band)\s+", re.IGNORECASE)
_MONTHLY = regex(rf"\bmonthly\b|(?:{_EACH}|\bof the|\bof a) month\b", re.IGNORECASE)
_DAY_OF_MONTH = regex(
    r"\b(?:(first)(?: day)?|(\d{1,2})(?:st|nd|rd|th)(?: day)?|day (\d{1,2}))\b", re.IGNORECASE
)


def cron_of(task: str) -> str:
    """The schedule that a task states, such as `30 2 * * *`; "" when it states none, or none plainly."""
    written = _CRON.findall(task)
    if written:
        return written[0] if len(set(written)) == 1 else ""
    if _INVOLVED.search(task):
        return ""
    times = _times(task)
    repeated = _repeated(task)
    if repeated:
        days = _days_of_week(task)
        return "" if times or not days else f"{repeated.rpartition(' ')[0]} {days}"
    if not times or len({minute for _, minute in times}) > 1:
        return ""
    days = _days(task)
    hours = ",".join(str(hour) for hour in sorted({hour for hour, _ in times}))
    return f"{times[0][1]} {hours} {days}" if days else ""


# What a clause says that may change the schedule of another one.
_CHANGES_SCHEDULE = regex(
    r"\b(?:except|but|only|skip|other|unless|between|until|from|\w*days?|weekends?|months?|hours?|minutes?)\b",
    re.IGNORECASE,
)


def only_schedule(task: str) -> str:
    """The schedule of the one clause that states one, where no other says anything about it; else ""."""
    stated = by_clause(task)
    others = [clause for clause in _CLAUSE.split(task) if clause.strip() not in stated]
    plain = not any(map(_CHANGES_SCHEDULE.search, others))
    return next(iter(stated.values())) if len(stated) == 1 and plain else ""


# "None may begin while one still goes on", "two runs may never overlap"
_OVERLAP = regex(
    r"\b(?:no|not|never|without|avoid|prevent|forbid)\b[^.;]*\b(?:overlap\w*|concurren\w+"
    r"|still (?:running|going|busy|active)|at once|at the same time|in parallel|two runs)\b"
    r"|\bone (?:run|job|instance) at a time\b|\bskip\w*\b[^.;]*\bstill (?:running|going|busy|active)\b",
    re.IGNORECASE,
)


def concurrency_of(task: str) -> str:
    """Kubernetes' concurrency policy for runs that must not overlap; "" when a task says nothing of it."""
    return "Forbid" if _OVERLAP.search(task) else ""


def by_clause(task: str) -> dict[str, str]:
    """The schedules that a task states for several things, by the clause that states each."""
    found = {clause.strip(): cron_of(clause) for clause in _CLAUSE.split(task)}
    return {clause: fields for clause, fields in found.items() if fields}


def _repeated(task: str) -> str:
    """A schedule of minutes or hours."""
    if step := _STEP.search(task):
        return _stepped(step[1].lower(), step[2].lower().rstrip("s"))
    if not (unit := _UNIT.search(task)):
        return ""
    past = _PAST.search(task)
    minute = int(past[1] or past[2]) if past else 0
    if (unit[1] or unit[2]).lower() == "minute":
        return "* * * * *"
    return f"{minute} * * * *" if minute < 60 else ""


def _stepped(count: str, unit: str) -> str:
    if count == "half an":
        return "*/30 * * * *" if unit == "hour" else ""
    number = _NUMBERS.get(count) or int(count)
    # a step that does not divide its field comes out uneven
    if unit == "minute":
        return f"*/{number} * * * *" if number and 60 % number == 0 and number < 60 else ""
    return f"0 */{number} * * *" if number and 24 % number == 0 and number < 24 else ""


def _times(task: str) -> list[tuple[int, int]]:
    """The times of the day, as hour and minute; none when one of them is no time."""
    found = []
    for match in _TIME.finditer(task):
        if match["word"]:
            found.append((12 if match["word"].lower() == "noon" else 0, 0))
            continue
        hour, minute = int(match["hour"] or match["full"]), int(match["minute"] or 0)
        part = (match["part"] or "").lower()
        late = (match["half"] or "").lower() == "p" or part in ("afternoon", "evening")
        late = late or (part == "night" and 8 <= hour < 12)
        early = (match["half"] or "").lower() == "a" or part in ("morning", "night")
        if late and hour < 12:
            hour += 12
        elif early and not late and hour == 12:
            hour = 0
        if hour > 23 or minute > 59:
            return []
        found.append((hour, minute))
    return list(dict.fromkeys(found))


def _days(task: str) -> str:
    """The last three fields."""
    if _MONTHLY.search(task):
        days = [1 if first else int(second or third) for first, second, third in _DAY_OF_MONTH.findall(task)]
        return f"{days[0]} * *" if len(days) == 1 and 1 <= days[0] <= 28 else ""
    if _WEEK_PART.search(task) or _WEEKDAYS.search(task) or _WEEKLY.search(task):
        week = _days_of_week(task)
        return f"* * {week}" if week not in ("", "*") else ""
    return "* * *" if _DAILY.search(task) else ""


def _days_of_week(task: str) -> str:
    """The last field: `*` when the task names no day; "" when it does not do so plainly."""
    if match := _WEEKDAYS.search(task):
        first, last = (_DAYS.index(day[:3].lower()) for day in match.groups())
        return f"{first}-{last}" if first < last else ""
    if part := _WEEK_PART.search(task):
        return "0,6" if part[1].lower() == "weekend" else "1-5"
    days = sorted({_DAYS.index(day[:3].lower()) for day in _WEEKDAY.findall(task)})
    return ",".join(map(str, days)) or "*"
