"""Which PINs can be chosen."""

import pytest
from marshmallow import ValidationError

from shakerqueue.api.account_schemas import PinSchema, SwitchSchema

SOMEBODY = "0b5c7f0e-6c1d-4a53-9d7e-0f6f4f6b0a11"


@pytest.mark.parametrize("pin", ["2580", "1379", "90210", "12346", "73519024"])
def test_most_pins_of_four_to_eight_digits_will_do(pin: str) -> None:
    assert pin == PinSchema().load({"pin": pin, "password": "x"})["pin"]


@pytest.mark.parametrize("pin", ["0000", "1234", "4321", "7890", "0987", "2468", "1212", "6969", "2000", "12345678"])
def test_one_of_those_that_are_tried_first_will_not(pin: str) -> None:
    with pytest.raises(ValidationError, match="Too easy to guess") as refusal:
        PinSchema().load({"pin": pin, "password": "x"})
    assert ["pin"] == list(refusal.value.messages_dict)
    assert pin == SwitchSchema().load({"user_id": SOMEBODY, "pin": pin})["pin"]  # and yet it may be tried


@pytest.mark.parametrize("pin", ["", "258", "258025802", "25 80", "258a", "2580\n", "٢٥٨٠", 2580, None])
def test_what_is_no_pin_is_refused(pin: object) -> None:
    for schema, other in ((PinSchema(), {"password": "x"}), (SwitchSchema(), {"user_id": SOMEBODY})):
        with pytest.raises(ValidationError) as refusal:
            schema.load({"pin": pin, **other})
        assert ["pin"] == list(refusal.value.messages_dict)
