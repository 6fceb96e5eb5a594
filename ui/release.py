"""Which release of the product this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

FROM_SOURCE = "source"
"""What is said where the package runs from a checkout that is not installed."""


def release() -> str:
    """The version of the installed package."""
    try:
        return version("xiaobao")
    except PackageNotFoundError:
        return FROM_SOURCE
