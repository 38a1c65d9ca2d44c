"""Mappings by which files were imported: kept by their titles, for the pages to offer."""

from pathlib import Path

from node.actions.session import in_folder
from node.records.importer.mapping import ColumnMapping, dump_mapping
from node.store.uploads import SavedMapping
from runtime.environment import Environment


async def keep_mapping(folder: Path, mapping: ColumnMapping) -> None:
    """Keep a mapping by its title; without one it is nobody's to find again. Raises LocalError."""
    saved = SavedMapping(mapping.title, dump_mapping(mapping), Environment().clock())
    if saved.name:
        await in_folder(folder, lambda tables: tables.uploads.save_mapping(saved))
