"""What requests about accounts may hold, and what is answered of a user: never a password, hashed or not."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, validate, validates_schema

from shakerqueue.api.fields import AnswerSchema, StrictSchema, YesOrNo
from shakerqueue.api.pages import Cursor, PageSchema
from shakerqueue.queries.models import UserRole
from shakerqueue.roles import PEOPLE

MAX_USERNAME_LENGTH = 64
MAX_EMAIL_LENGTH = 254  # RFC 5321
MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = 1000
MIN_PIN_DIGITS = 4
MAX_PIN_DIGITS = 8
MIN_PIN_VARIETY = 3


def _printable(text: str) -> None:
    """No control and no direction-changing characters, which could make one name look like another."""
    if not text.isprintable() or text != text.strip():
        raise ValidationError("Only printable characters, and no space around them.")


# As far as a pattern can say it: Unicode's lists of what cannot be printed are too long for one.
PRINTABLE = {
    "pattern": r"(?! )[^\x00-\x1f\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]*(?<! )",
    "description": "printable characters, and no blank at either end",
}


def username_text(**options: Any) -> fields.String:
    """What a principal is called, a person or a program."""
    return fields.String(validate=[validate.Length(1, MAX_USERNAME_LENGTH), _printable], metadata=PRINTABLE, **options)


def _new_password() -> fields.String:
    return fields.String(required=True, validate=validate.Length(MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH))


PIN_PATTERN = rf"[0-9]{{{MIN_PIN_DIGITS},{MAX_PIN_DIGITS}}}\Z"
_pin_digits = validate.Regexp(PIN_PATTERN, error=f"{MIN_PIN_DIGITS} to {MAX_PIN_DIGITS} digits.")


def _new_pin(pin: str) -> None:
    """None of those that are tried first: 0000, 1212, 2000, 1234, 8642."""
    _pin_digits(pin)
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(set(pin)) < MIN_PIN_VARIETY or len(steps) == 1:
        raise ValidationError(f"Too easy to guess: use {MIN_PIN_VARIETY} different digits, not in equal steps.")


class RegisterSchema(StrictSchema):
    username = username_text(required=True)
    email = fields.Email(required=True, validate=[validate.Length(max=MAX_EMAIL_LENGTH), _printable])
    password = _new_password()


class LoginSchema(StrictSchema):
    email = fields.String(required=True, validate=validate.Length(max=MAX_EMAIL_LENGTH))
    password = fields.String(required=True)


class RefreshSchema(StrictSchema):
    refresh_token = fields.String(required=True, validate=validate.Length(1, 200))


class PasswordChangeSchema(StrictSchema):
    password = _new_password()
    old_password = fields.String(required=True)


class PinSchema(StrictSchema):
    pin = fields.String(
        required=True,
        validate=_new_pin,
        metadata={"pattern": PIN_PATTERN, "description": "three different digits at least, not in equal steps"},
    )
    password = fields.String(required=True)


class SwitchSchema(StrictSchema):
    user_id = fields.UUID(required=True)
    pin = fields.String(required=True, validate=_pin_digits)


class RightsChangeSchema(StrictSchema):
    """`role`, `disabled`, or both. Integrations are made with their keys, so nobody becomes one."""

    role = fields.Enum(UserRole, by_value=True, validate=validate.OneOf(PEOPLE, error="Not a role for people."))
    disabled = YesOrNo()

    rules: ClassVar[Mapping[str, Any]] = {"minProperties": 1}

    @validates_schema
    def something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Give role or disabled.", "role")


class UserListSchema(PageSchema):
    cursor = Cursor(str)
    role = fields.Enum(UserRole, by_value=True)


class UserSchema(AnswerSchema):
    id = fields.UUID()
    username = fields.String()
    email = fields.String(allow_none=True)
    role = fields.Enum(UserRole, by_value=True, metadata={"open": True})


class ColleagueSchema(AnswerSchema):
    id = fields.UUID()
    username = fields.String()


class ColleaguesSchema(AnswerSchema):
    colleagues = fields.List(fields.Nested(ColleagueSchema))


class ManagedUserSchema(UserSchema):
    """What admins see of a user."""

    disabled = fields.Function(lambda user: user.disabled_at is not None, metadata={"type": "boolean"})
    created_at = fields.AwareDateTime()


class UserPageSchema(AnswerSchema):
    users = fields.List(fields.Nested(ManagedUserSchema))
    next_cursor = fields.String(allow_none=True)


class PageSessionSchema(AnswerSchema):
    """Whom a web page acts for. `role` is what the session may do: never more than the user may."""

    user = fields.Nested(UserSchema, dump_default=None, allow_none=True)
    role = fields.Enum(UserRole, by_value=True, dump_default=None, allow_none=True, metadata={"open": True})
    table = fields.String(
        dump_default=None, allow_none=True, metadata={"description": "where a guest without an account sits"}
    )
    expires_in = fields.Integer(
        dump_default=None, allow_none=True, metadata={"description": "seconds until the session has to be refreshed"}
    )
    refreshable = fields.Boolean(metadata={"description": "whether a refresh may bring it back"})


class SignInSchema(AnswerSchema):
    user = fields.Nested(UserSchema)
    token = fields.String()
    expires_in = fields.Integer(metadata={"description": "seconds until the token expires"})
    refresh_token = fields.String(metadata={"description": "good once, for the next pair of tokens"})
