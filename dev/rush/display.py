"""The display: a view as a screen of text, for terminals from 80 by 24 on. Pure."""

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dev.rush.pulse import sparkline
from dev.rush.view import Line, Maker, RecipeQueue, View

WIDTH, HEIGHT = 100, 30  # what it is made for
HEAD_LINES, FIGURES_LINES, FOOT_LINES, FRAME_LINES = 3, 5, 4, 2
FRAME_COLUMNS = 4  # a panel's border and padding
ACCENT, CALM, TROUBLE, QUIET = "bold bright_cyan", "green", "bold bright_red", "bright_black"
IN_HAND, WAITING = "green", "yellow"
KINDS = {
    "placed": "bright_white",
    "completed": "green",
    "failed": "red",
    "canceled": "magenta",
    "recalled": "yellow",
    "trouble": TROUBLE,
    "news": ACCENT,
}
BAR = "█"
LONGEST_NAME = 17
COUNT_COLUMNS = 5  # with the space on both sides
QUEUE_SHARE = 0.4  # of the width


def screen(view: View, width: int, height: int) -> Layout:
    """All of it, for a terminal of that size."""
    makers_lines = len(view.makers) + FRAME_LINES
    body_lines = height - HEAD_LINES - FIGURES_LINES - FOOT_LINES
    layout = Layout()
    layout.split_column(
        Layout(_head(view), size=HEAD_LINES),
        Layout(_figures(view, width), size=FIGURES_LINES),
        Layout(name="body"),
        Layout(_foot(view), size=FOOT_LINES),
    )
    queue_width = int(QUEUE_SHARE * width)
    queue = _queue(view, queue_width - FRAME_COLUMNS, body_lines - FRAME_LINES)
    layout["body"].split_row(Layout(queue, size=queue_width), Layout(name="right"))
    layout["right"].split_column(
        Layout(_makers(view.makers), size=makers_lines),
        Layout(_happenings(view.happenings, body_lines - makers_lines - FRAME_LINES)),
    )
    return layout


def line(view: View) -> str:
    """The same in a line, for where there is no terminal."""
    parts = ", ".join(f"{part.name} {part.state}" for part in view.parts)
    return (
        f"{view.clock} {view.wave}: {view.orders_per_minute:.1f} orders/min in, "
        f"{view.drinks_per_minute:.1f} drinks/min out; {view.waiting} wait, {view.in_hand} in hand, "
        f"{view.late} late, the oldest {minutes(view.oldest_seconds)}; {parts}; {view.unexpected} unexpected"
    )


def minutes(seconds: float | None) -> str:
    """A duration as it is said at a bar."""
    if seconds is None:
        return "-"
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def _head(view: View) -> RenderableType:
    row = Table.grid(expand=True, padding=(0, 2))
    row.add_column()
    row.add_column(justify="center")
    row.add_column(ratio=1)
    row.add_column(justify="right")
    row.add_row(
        Text(view.clock, style=ACCENT),
        Text(view.wave, style="bold"),
        ProgressBar(total=1.0, completed=view.progress, complete_style="cyan", finished_style="cyan"),
        Text(f"×{view.speed:g}", style=QUIET),
    )
    return Panel(row, title="ShakerQueue · a Friday night", title_align="left", border_style="cyan")


def _figures(view: View, width: int) -> RenderableType:
    row = Table.grid(expand=True)
    for _ in range(3):
        row.add_column(ratio=1)
    bars = width // 3 - FRAME_COLUMNS
    row.add_row(
        _flow("in", view.orders_per_minute, "orders", view.orders, sparkline(view.orders_course, bars)),
        _flow("out", view.drinks_per_minute, "drinks", view.drinks, sparkline(view.drinks_course, bars)),
        _waits(view),
    )
    return row


def _flow(way: str, per_minute: float, noun: str, total: int, history: str) -> RenderableType:
    lines = [
        Text.assemble((f"{per_minute:.1f}", "bold"), f" {noun}/min"),
        Text(history, style=CALM),
        Text(f"{total} in all", style=QUIET),
    ]
    return Panel(Group(*lines), title=way, title_align="left", border_style=QUIET)


def _waits(view: View) -> RenderableType:
    late = TROUBLE if view.late else CALM
    lines = [
        Text.assemble((f"{view.waiting}", WAITING), " wait  ", (f"{view.in_hand}", IN_HAND), " in hand"),
        Text.assemble("oldest ", (minutes(view.oldest_seconds), "bold"), "  ", (f"{view.late} late", late)),
        Text.assemble("p50 ", minutes(view.wait_p50_seconds), "  p90 ", minutes(view.wait_p90_seconds)),
    ]
    return Panel(Group(*lines), title="waits", title_align="left", border_style=QUIET)


def _queue(view: View, width: int, rows: int) -> RenderableType:
    longest = max((_drinks(one) for one in view.queue), default=1)
    bar_cells = width - LONGEST_NAME - COUNT_COLUMNS
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, width=LONGEST_NAME, overflow="ellipsis")
    table.add_column(justify="right", no_wrap=True, width=COUNT_COLUMNS - 2)
    table.add_column(no_wrap=True)
    shown = view.queue[: rows if len(view.queue) <= rows else rows - 1]
    for one in shown:
        name = Text.assemble((one.recipe, "strike red" if one.recipe in view.sold_out else ""))
        table.add_row(name, str(_drinks(one)), _bar(one, bar_cells / max(longest, bar_cells)))
    if rest := view.queue[len(shown) :]:
        table.add_row(Text(f"and {len(rest)} more", style=QUIET), str(sum(_drinks(one) for one in rest)))
    sold_out = f" · 86 {', '.join(view.sold_out)}" if view.sold_out else ""
    return Panel(table, title=f"queue{sold_out}", title_align="left", border_style="red" if sold_out else WAITING)


def _drinks(one: RecipeQueue) -> int:
    return one.waiting + one.in_hand


def _bar(one: RecipeQueue, cells_per_drink: float) -> Text:
    in_hand, waiting = (BAR * round(cells_per_drink * drinks) for drinks in (one.in_hand, one.waiting))
    return Text.assemble((in_hand, IN_HAND), (waiting, WAITING))


def _makers(makers: tuple[Maker, ...]) -> RenderableType:
    table = Table.grid(expand=True, padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, ratio=3, overflow="ellipsis")
    table.add_column(ratio=2)
    for maker in makers:
        if maker.recipe is None:
            table.add_row(maker.name, Text("free", style=QUIET), "")
        else:
            bar = ProgressBar(total=1.0, completed=maker.progress, complete_style=IN_HAND, finished_style=IN_HAND)
            table.add_row(maker.name, f"{maker.drinks} × {maker.recipe}", bar)
    return Panel(table, title="behind the bar", title_align="left", border_style=IN_HAND)


def _happenings(happenings: tuple[Line, ...], rows: int) -> RenderableType:
    lines = [
        Text.assemble((f"{one.clock} ", QUIET), (one.text, KINDS.get(one.kind, "")), no_wrap=True, overflow="ellipsis")
        for one in happenings[: max(0, rows)]
    ]
    return Panel(Group(*lines), title="what happens", title_align="left", border_style=QUIET)


def _foot(view: View) -> RenderableType:
    parts = Text("   ", no_wrap=True, overflow="ellipsis").join(
        Text.assemble(f"{part.name} ", (part.state, CALM if part.ok else TROUBLE)) for part in view.parts
    )
    answers = Text.assemble(
        (f"{view.requests_per_second:.0f} requests/s, {view.repeated} sent again, ", QUIET),
        (f"{view.unexpected} answered unexpectedly", TROUBLE if view.unexpected else CALM),
    )
    trouble = not all(part.ok for part in view.parts)
    group = Group(parts, answers)
    return Panel(group, title="the product", title_align="left", border_style="red" if trouble else QUIET)
