"""The pages' own files, as they are sent to browsers."""

from __future__ import annotations

from os import PathLike
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class PageFiles(StaticFiles):
    """Scripts, styles and pictures. A browser asks each time whether they are still the same: they name each other
    without a version, and half of an old page with half of a new one is no page."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file as ``StaticFiles`` finds it; whole pages have addresses of their own, and are not found here."""
        if path.endswith(".html"):
            raise HTTPException(404)
        return await super().get_response(path, scope)

    def file_response(self, full_path: PathLike[str] | str, *args: Any, **kwargs: Any) -> Response:
        """A file as ``StaticFiles`` sends it, to be kept but asked for again."""
        response = super().file_response(full_path, *args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        if str(full_path).endswith(".js"):
            # What the machine's own tables say of scripts differs, and a browser takes no module of another type.
            response.headers["Content-Type"] = "text/javascript; charset=utf-8"
        return response
