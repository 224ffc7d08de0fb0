"""The backend that runs a bar's drink orders."""

__version__ = "0.1.0"  # as in setup.cfg; a container has our files but no installed package to ask
