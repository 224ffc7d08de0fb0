"""SQL names to Python names."""

import keyword
import re

# An annotation in a class looks among the class's own fields first, so a field may not be called like a type.
_TYPES = frozenset({"bool", "bytes", "date", "datetime", "float", "int", "list", "str", "time", "timedelta"})
# Names that the rendered functions use themselves.
_LOCALS = frozenset({"conn", "each", "scalar"})


def identifier(name: str) -> str:
    """A column's or parameter's name in Python: `from` → `from_`, `Total Price` → `total_price`."""
    plain = re.sub(r"\W", "_", name, flags=re.ASCII).lower()
    if not plain or plain[0].isdigit():
        plain = f"_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) or plain in _TYPES | _LOCALS else plain


def snake(name: str) -> str:
    """CamelCase to snake_case: `GetOrder` → `get_order`, `ListHTTPCalls` → `list_http_calls`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return identifier(words)


def camel(name: str) -> str:
    """snake_case to CamelCase: `order_status` → `OrderStatus`."""
    return "".join(word[:1].upper() + word[1:] for word in re.split(r"\W|_", name, flags=re.ASCII))


def member(value: str) -> str:
    """An enum value as a member's name: `in-progress` → `IN_PROGRESS`."""
    plain = re.sub(r"\W", "_", value, flags=re.ASCII).upper()
    return plain if plain[:1].isalpha() else f"VALUE_{plain}"


def singular(word: str) -> str:
    """One of many: `categories` → `category`, `boxes` → `box`, `statuses` → `status`, `orders` → `order`."""
    if re.search(r"[^aeiou]ies$", word):
        return f"{word[:-3]}y"
    if re.search(r"(ss|x|z|ch|sh|us)es$", word):
        return word[:-2]
    return word if re.search(r"(^|ss|us|is|[^s])$", word) else word[:-1]


def class_name(table: str) -> str:
    """The class of a table's rows, singular in its last word: `order_items` → `OrderItem`."""
    start, underscore, last = table.rpartition("_")
    return camel(f"{start}{underscore}{singular(last)}")
