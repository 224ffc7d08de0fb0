"""What an API key may do. People have roles; programs have scopes."""

from enum import StrEnum


class Scope(StrEnum):
    """The scopes there are; the constraint api_keys_scopes_known lists them too."""

    ORDERS_WRITE = "orders:write"  # place orders, cancel own ones
    ORDERS_READ = "orders:read"  # own orders, and what happens to them
    MENU_READ = "menu:read"  # the recipes on the books, also what is sold out
    MENU_WRITE = "menu:write"  # add and change recipes, 86 them
    QUEUE_READ = "queue:read"  # what the bar has to make
    WEBHOOKS_WRITE = "webhooks:write"  # its own webhooks
