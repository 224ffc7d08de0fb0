"""Who may is said at every route: one that forgot it fails here."""

from flask import Flask

from shakerqueue.api.guards import GUARD_ATTRIBUTE

PUBLIC = {"/bar", "/livez", "/login", "/menu", "/readyz"}


def test_every_route_says_who_may(app: Flask) -> None:
    unguarded = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], GUARD_ATTRIBUTE)
    ]
    assert [] == unguarded


def test_what_anyone_may_is_listed_here(app: Flask) -> None:
    views = app.view_functions
    open_to_all = {
        rule.rule for rule in app.url_map.iter_rules() if getattr(views[rule.endpoint], GUARD_ATTRIBUTE, None) is None
    }
    assert PUBLIC == open_to_all
