"""What a part of a path may be, beyond what werkzeug knows."""

import re

from werkzeug.routing import Map, UnicodeConverter


class OtherThan(UnicodeConverter):
    """A text, but none of these: ``<other_than(retry, discard):letter_id>``.

    Where a fixed path stands beside a variable one, so that `Allow` does not list the methods of the other.
    """

    def __init__(self, url_map: Map, *taken: str) -> None:
        super().__init__(url_map)
        self.regex = rf"(?!(?:{'|'.join(map(re.escape, taken))})\Z){self.regex}"
