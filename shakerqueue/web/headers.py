"""What every answer tells a browser of how little it may do."""

from flask import Flask, Response

from shakerqueue.config import Settings

# Pages load scripts, styles and data from their own host alone, run nothing that stands in the page itself, and build
# no markup from text (W3C CSP 3, Trusted Types).
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
# Swagger UI builds its markup from text, so no Trusted Types; and its pictures stand in its styles.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NOT_KEPT = "no-store"  # no cache knows whom a cookie's answer is for
TWO_YEARS_SECONDS = 63_072_000


def register(app: Flask, settings: Settings) -> None:
    """Set them on every answer; over HTTPS, ask the browser to stay with it."""
    headers = common_headers(settings)

    @app.after_request
    def add_headers(response: Response) -> Response:
        response.headers.extend(headers)
        policy = PAGE_POLICY if response.mimetype == "text/html" else DATA_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        response.headers.setdefault("Cache-Control", NOT_KEPT)
        return response


def data_headers(settings: Settings) -> dict[str, str]:
    """All of them, on an answer that is data."""
    return {**common_headers(settings), "Content-Security-Policy": DATA_POLICY, "Cache-Control": NOT_KEPT}


def common_headers(settings: Settings) -> dict[str, str]:
    """Those that pages and data have alike."""
    if not settings.secure_cookies:
        return HEADERS
    return {**HEADERS, "Strict-Transport-Security": f"max-age={TWO_YEARS_SECONDS}"}
