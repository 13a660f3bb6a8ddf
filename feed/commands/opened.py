"""The settings and the feed of a command, opened once, with failures said in words."""

import pathlib

import typer

from feed.commands.failure import misconfigured
from feed.opening import Feed, open_feed
from feed.settings import Settings, SettingsError, load
from feed.store.database import StoreError
from feed.store.secret import SecretError


def settings_of(context: typer.Context) -> Settings:
    """Return the settings that `--config`, `BSF_CONFIG` or the working folder name."""
    file = context.find_root().obj
    try:
        return load(file if isinstance(file, pathlib.Path) else None)
    except SettingsError as problem:
        misconfigured(str(problem))


def feed_of(context: typer.Context) -> Feed:
    """Return the opened feed."""
    settings = settings_of(context)
    try:
        return open_feed(settings)
    except (StoreError, SecretError) as problem:
        misconfigured(str(problem))
