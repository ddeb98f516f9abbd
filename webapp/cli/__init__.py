"""The command line: thin skins over :mod:`webapp.engine.commands`."""

from webapp.cli.entry import main

__all__ = ["main"]
