"""Accounts of the pages: let somebody in, shut them out, list them. They need no hub."""

import secrets
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from node.actions.session import in_folder
from node.config import load_settings
from node.records import accounts
from node.records.accounts import NewAccount
from node.records.clearance import set_dates as set_clearances
from node.store.account_acts import By
from node.views.accounts import accounts_value
from runtime.environment import Environment
from runtime.system_user import system_user


async def invite(folder: Path, said: NewAccount) -> tuple[str, str]:
    """Let somebody choose a password: what they type to sign in, and the one-time link. Raises
    LocalError.
    """
    settings, now = load_settings(folder), Environment().clock()
    secret = secrets.token_urlsafe(24)
    account = await in_folder(folder, lambda tables: accounts.invite(tables, said, secret, now))
    port = settings.web_port or "PORT"
    address = settings.web_address or f"http://{settings.web_host}:{port}"
    return account.name, f"{address}/welcome/{secret}"


async def shut(folder: Path, name: str) -> None:
    """Let somebody sign in no longer. Raises LocalError."""
    now = Environment().clock()
    await in_folder(folder, lambda tables: accounts.shut(tables, name, now))


async def sign_out(folder: Path, name: str) -> int:
    """Sign somebody out of every browser; of how many. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: accounts.sign_out(tables, name, now))


async def set_dates(folder: Path, name: str, dates: Mapping[str, date | None]) -> None:
    """Say until when what is required of a person holds. Raises LocalError."""
    now, by = Environment().clock(), By(system_user=system_user())
    await in_folder(folder, lambda tables: set_clearances(tables, name, dates, by, now))


async def listed(folder: Path) -> list[dict[str, object]]:
    """All accounts as values. Raises LocalError."""
    now = Environment().clock()
    return await in_folder(folder, lambda tables: accounts_value(tables, now))
