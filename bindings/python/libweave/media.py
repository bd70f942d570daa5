"""Values with bytes of their own: datasets, images, sounds and other content, to be published or logged anywhere."""
from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from .errors import INVALID_ARGUMENT, error_of
from .refs import ObjectRef

if TYPE_CHECKING:
    from typing_extensions import Self

    from .client import Client


class Dataset:
    """Rows under a name. `weave.publish` gives it a `ref`; `row_ref(i)` then names one row in the inputs of calls."""

    def __init__(self, name: Optional[str] = None, rows: Any = (), description: Optional[str] = None) -> None:
        self.name, self.description = name, description
        self.rows: list[Any] = list(rows)
        self.ref: Optional[ObjectRef] = None
        self._client: Optional[Client] = None

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Any:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Any:
        return self.rows[index]

    def row_ref(self, index: int) -> ObjectRef:
        """The reference of a row."""
        if self.ref is None or self._client is None:
            raise error_of(INVALID_ARGUMENT, f"dataset {self.name!r}: not published; call weave.publish on it first")
        return self._client.dataset_row_ref(self.ref, self.rows[index])


class Media:
    """Bytes in a known format. They are stored when the value is logged or published."""

    _function = ""
    _formats: dict[str, str] = {}

    def __init__(self, data: bytes, format: str) -> None:
        self.data, self.format = bytes(data), self._formats.get(format.lower(), format.lower())

    @classmethod
    def from_path(cls, path: Union[str, "os.PathLike[str]"], format: Optional[str] = None) -> Self:
        """A file's bytes; the format is the end of its name unless given."""
        path = Path(path)
        return cls(path.read_bytes(), format or path.suffix.lstrip("."))

    def stored_by(self) -> tuple[str, dict[str, str], bytes]:
        """The function of C that stores it, the texts that it takes, by their names, and the bytes."""
        return self._function, {"format": self.format}, self.data

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.format}, {len(self.data)} bytes>"


class Image(Media):
    """An image as the bytes of a PNG, JPEG or WebP file. Images of PIL need no wrapping."""

    _function, _formats = "weave_image_create", {"jpeg": "jpg"}


class Audio(Media):
    """A sound as the bytes of a WAV or MP3 file."""

    _function = "weave_audio_create"


class Content:
    """Any other bytes, such as a PDF or HTML, with a file name and a type."""

    def __init__(self, data: bytes, filename: str, mimetype: Optional[str] = None) -> None:
        guessed = mimetypes.guess_type(filename)[0]
        self.data, self.filename = bytes(data), filename
        self.mimetype = mimetype or guessed or "application/octet-stream"

    @classmethod
    def from_bytes(cls, data: bytes, filename: str = "content.bin", mimetype: Optional[str] = None) -> Self:
        """Bytes under a name."""
        return cls(data, filename, mimetype)

    @classmethod
    def from_text(cls, text: str, filename: str = "content.txt", mimetype: Optional[str] = None) -> Self:
        """A text, stored as UTF-8."""
        return cls(text.encode("utf-8"), filename, mimetype)

    @classmethod
    def from_path(cls, path: Union[str, "os.PathLike[str]"], mimetype: Optional[str] = None) -> Self:
        """A file's bytes and name."""
        path = Path(path)
        return cls(path.read_bytes(), path.name, mimetype)

    def stored_by(self) -> tuple[str, dict[str, str], bytes]:
        """The function of C that stores it, the texts that it takes, by their names, and the bytes."""
        return "weave_content_create", {"filename": self.filename, "mimetype": self.mimetype}, self.data

    def __repr__(self) -> str:
        return f"<Content {self.filename} {self.mimetype}, {len(self.data)} bytes>"
