"""Requests that schemathesis makes up from the OpenAPI document, sent by every kind of caller to the real processes.

`callers` says who asks, `real_values` what there is to ask for, `schemathesis.toml` what is checked, and `exclusions`
where a check does not hold, and why. `make fuzz` sends ten thousand and more, `make test` a few hundred.
"""
