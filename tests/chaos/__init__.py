"""Fault injection: every part is broken while orders come in, and afterwards each order must be there once.

`rows` says what is broken and what must hold, `slices` carries it out, `ledger` compares what guests were told with
what is stored. `make chaos` runs it at its figures, `make test` in small.
"""
