"""The days by which a bar counts: each lasts until a time of the night, and not until midnight. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class BusinessHour(NamedTuple):
    """What the bar's clock shows as one hour, cut off where a business day begins."""

    business_day: date
    hour: int  # 0 to 23
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class BusinessDays:
    """A business day begins when the bar's clock first shows `ends_at` on that date, and ends when the next one begins.

    So it has 23 or 25 hours where the clock is changed. A time that the clock skips is read by the offset from before,
    as in RFC 5545, 3.3.5.
    """

    zone: ZoneInfo
    ends_at: time

    def begin_of(self, day: date) -> datetime:
        """The moment at which this business day begins, in UTC."""
        return datetime.combine(day, self.ends_at, self.zone).astimezone(UTC)

    def day_of(self, moment: datetime) -> date:
        """The business day that an aware moment belongs to."""
        day = moment.astimezone(self.zone).date()
        while moment < self.begin_of(day):
            day -= DAY
        return day

    def hours(self, first: date, last: date) -> list[BusinessHour]:
        """The hours of all the business days from the first to the last one, in order of time."""
        days = (first + DAY * number for number in range((last - first).days + 1))
        return [hour for day in days for hour in self._hours_of(day)]

    def _hours_of(self, day: date) -> Iterator[BusinessHour]:
        moment, end = self.begin_of(day), self.begin_of(day + DAY)
        while moment < end:
            shown = moment.astimezone(self.zone)
            yield BusinessHour(day, shown.hour, moment)
            moment += HOUR - timedelta(minutes=shown.minute)
