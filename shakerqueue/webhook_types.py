"""What webhooks tell of, and what is made of the log of events. No I/O."""

from enum import StrEnum


class WebhookType(StrEnum):
    """The types of messages. An order's name the status that it has from now on, a drink's what happened to it."""

    ORDER_PLACED = "order.placed"
    ORDER_PENDING = "order.pending"  # again: what was begun of it was given back
    ORDER_IN_PROGRESS = "order.in_progress"
    ORDER_COMPLETE = "order.complete"
    ORDER_FAILED = "order.failed"
    ORDER_CANCELED = "order.canceled"
    DRINK_STARTED = "drink.started"
    DRINK_COMPLETED = "drink.completed"
    DRINK_FAILED = "drink.failed"
    DRINK_CANCELED = "drink.canceled"
    DRINK_RECALLED = "drink.recalled"
    DRINK_RELEASED = "drink.released"
    DRINK_ACKNOWLEDGED = "drink.acknowledged"
    DRINK_SERVED = "drink.served"
    DRINK_UNSERVED = "drink.unserved"
    MENU_CHANGED = "menu.changed"
    BAR_CHANGED = "bar.changed"


TEST = "webhook.test"  # sent when asked for, whatever an endpoint wants to hear of
