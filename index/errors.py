"""What can go wrong with an index. One tree; every message says what, where, and what to do about it.

    IndexingError
    ├── SettingsError       the settings file or environment holds something unusable
    ├── SourceError         an article cannot be read
    ├── ModelError          the embedding model cannot be loaded
    ├── IngestBusyError     another ingest holds the lock
    └── IndexUnusableError  there is no index that can be asked
        ├── IndexMissingError    none has been built
        ├── IndexDamagedError    files are missing, changed or unreadable
        └── IndexMismatchError   it was built with another model or format

Messages are in Chinese: they are shown to staff as they are.
"""

from __future__ import annotations


class IndexingError(Exception):
    """Root of everything this package raises on purpose."""


class SettingsError(IndexingError):
    """The settings file or the environment holds something unusable."""


class SourceError(IndexingError):
    """An article cannot be read, or its description in ``articles.toml`` is wrong."""


class ModelError(IndexingError):
    """The embedding model cannot be loaded."""


class IngestBusyError(IndexingError):
    """Another ingest is at work on the same index."""


class IndexUnusableError(IndexingError):
    """There is no index that can be asked; ``xiaobao ingest`` mends all of these."""


class IndexMissingError(IndexUnusableError):
    """No index version has been published yet."""


class IndexDamagedError(IndexUnusableError):
    """The published version has files missing, changed or unreadable."""


class IndexMismatchError(IndexUnusableError):
    """The published version was built with another embedding model or format."""
