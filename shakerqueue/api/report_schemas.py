"""What may be asked of the reports and of the status, and what they answer. docs/reports.md defines the figures."""

from datetime import date

from marshmallow import fields, validate

from shakerqueue.api.fields import AnswerSchema, StrictSchema

EARLIEST = date(2000, 1, 1)
LATEST = date(2999, 12, 31)  # far enough, and the day after it is a date as well
IN_RANGE = validate.Range(EARLIEST, LATEST)


class ReportQuerySchema(StrictSchema):
    first = fields.Date(
        data_key="from",
        load_default=None,
        validate=IN_RANGE,
        metadata={"description": "the first business day, at most a year before `to`; by default the same"},
    )
    last = fields.Date(
        data_key="to",
        load_default=None,
        validate=IN_RANGE,
        metadata={"description": "the last business day; by default the present one"},
    )
    format = fields.String(
        load_default=None,
        validate=validate.OneOf(["json", "csv"]),
        metadata={"description": "by default what `Accept` prefers"},
    )


class WindowSchema(AnswerSchema):
    """The business days that a report is about, and the moments from which and before which orders were placed."""

    first = fields.Date(data_key="from")
    last = fields.Date(data_key="to")
    begins_at = fields.AwareDateTime()
    ends_at = fields.AwareDateTime()
    time_zone = fields.String()


class PercentilesSchema(AnswerSchema):
    """Seconds; null where no drink has this time."""

    p50 = fields.Float(allow_none=True)
    p90 = fields.Float(allow_none=True)
    p99 = fields.Float(allow_none=True)


class SummarySchema(AnswerSchema):
    orders = fields.Integer()
    drinks = fields.Integer()
    complete = fields.Integer()
    served = fields.Integer()
    failed = fields.Integer()
    canceled = fields.Integer()
    late = fields.Integer()
    wait_seconds = fields.Nested(PercentilesSchema)
    make_seconds = fields.Nested(PercentilesSchema)
    total_seconds = fields.Nested(PercentilesSchema)
    fetch_seconds = fields.Nested(PercentilesSchema)


class HourSummarySchema(SummarySchema):
    business_day = fields.Date()
    hour = fields.Integer(metadata={"description": "as the bar's clock shows it, 0 to 23"})
    starts_at = fields.AwareDateTime()


class RecipeSummarySchema(SummarySchema):
    recipe = fields.String()


class ReasonCountSchema(AnswerSchema):
    reason = fields.String(allow_none=True)
    count = fields.Integer()


class RemakeCountSchema(AnswerSchema):
    recipe = fields.String()
    count = fields.Integer()


class ServiceReportSchema(AnswerSchema):
    window = fields.Nested(WindowSchema)
    totals = fields.Nested(SummarySchema)
    by_hour = fields.List(fields.Nested(HourSummarySchema))
    by_recipe = fields.List(fields.Nested(RecipeSummarySchema))
    failures = fields.List(fields.Nested(ReasonCountSchema))
    cancellations = fields.List(fields.Nested(ReasonCountSchema))
    remakes = fields.List(fields.Nested(RemakeCountSchema))


class RecipeFiguresSchema(AnswerSchema):
    recipe = fields.String()
    sold = fields.Integer()
    failed = fields.Integer()
    canceled = fields.Integer()
    remade = fields.Integer()
    share = fields.Float(metadata={"description": "of all that was sold, 0 to 1"})
    wait_seconds = fields.Nested(PercentilesSchema)
    make_seconds = fields.Nested(PercentilesSchema)


class RecipeReportSchema(AnswerSchema):
    window = fields.Nested(WindowSchema)
    recipes = fields.List(fields.Nested(RecipeFiguresSchema))


class MakerFiguresSchema(AnswerSchema):
    user_id = fields.UUID()
    username = fields.String()
    drinks = fields.Integer()
    late = fields.Integer()
    recalls = fields.Integer()
    make_seconds = fields.Nested(PercentilesSchema)


class StaffReportSchema(AnswerSchema):
    window = fields.Nested(WindowSchema)
    staff = fields.List(fields.Nested(MakerFiguresSchema))


class QueueStateSchema(AnswerSchema):
    ready = fields.Integer(metadata={"description": "messages that no consumer has got yet"})
    consumers = fields.Integer()
    put_off = fields.Integer(metadata={"description": "messages that wait to be tried again"})
    dead_letters = fields.Integer()


class StatusSchema(AnswerSchema):
    """What is going on now; a figure is null where the part that knows it is away."""

    orders_today = fields.Integer(allow_none=True)
    drinks_open = fields.Integer(allow_none=True)
    drinks_late = fields.Integer(allow_none=True)
    oldest_age_seconds = fields.Float(allow_none=True, metadata={"description": "null also where no drink is open"})
    queue = fields.Nested(QueueStateSchema, allow_none=True)
    database = fields.String()
    broker = fields.String()
