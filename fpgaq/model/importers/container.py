"""Bounded reading of the zip files that models come in: nothing touches the disk, every size is capped first."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from ...base.errors import ModelError
from ...base.regular import open_regular

MAX_FILE_BYTES = 256 << 20
MAX_MEMBERS = 1_000
MAX_DIRECTORY_BYTES = 1 << 20
MAX_NETWORK_BYTES = 16 << 20
MAX_PARAMETER_BYTES = 128 << 20

_END_RECORD = struct.Struct("<4s4H2LH")
_METHODS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}


def read_file(path: Path, most: int = MAX_FILE_BYTES) -> bytes:
    """The content of a regular file of at most `most` bytes; anything else in its place is a ModelError."""
    try:
        with open_regular(path, "a model file") as stream:
            return read_stream(stream, most)
    except ModelError as error:
        # Who calls names the file.
        raise ModelError(str(error).removeprefix(f"{path}: ")) from None
    except FileNotFoundError:
        raise ModelError("no such file; check the path") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ModelError(f"cannot be read ({reason}); check the path and its permissions") from None


def read_stream(stream: BinaryIO, most: int = MAX_FILE_BYTES) -> bytes:
    """The rest of a binary stream, capped like a file."""
    data = stream.read(most + 1)
    if len(data) > most:
        raise ModelError(f"is larger than {most >> 20} MiB; models of that size do not fit an FPGA: make it smaller")
    if not data:
        raise ModelError("is empty; expected a model: save it again")
    return data


class Archive:
    """A zip file whose directory has been checked; `read` decompresses one member within a cap.

    Raises
    ------
    ModelError
        For a damaged zip, more than 1,000 members, names that leave the archive, duplicates, links, encryption,
        unknown compression, and later for members whose content is not what the directory declares.
    """

    def __init__(self, data: bytes) -> None:
        _check_directory_size(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OSError) as error:
            raise ModelError(f"damaged zip file ({_one_line(error)}); save the model again") from None
        if len(self._zip.infolist()) > MAX_MEMBERS:
            raise ModelError(f"the zip has {len(self._zip.infolist())} members; at most {MAX_MEMBERS} are read")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for info in self._zip.infolist():
            _check_member(info)
            if info.filename in self._members:
                raise ModelError(f"member {info.filename!r} is in the zip twice; save the model again")
            self._members[info.filename] = info

    def names(self) -> tuple[str, ...]:
        """The members in the order of the directory."""
        return tuple(self._members)

    def read(self, name: str, limit: int) -> bytes:
        """The content of one member, at most `limit` bytes."""
        info = self._members[name]
        if info.file_size > limit:
            raise ModelError(f"member {name!r} declares {info.file_size} bytes; at most {limit} are read")
        try:
            with self._zip.open(info) as stream:
                content = stream.read(limit + 1)
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            NotImplementedError,
            RuntimeError,
            OSError,
            ValueError,
        ) as error:
            raise ModelError(f"member {name!r} is damaged ({_one_line(error)}); save the model again") from None
        if len(content) != info.file_size:
            raise ModelError(f"member {name!r} declares {info.file_size} bytes but holds {len(content)}")
        return content


def _check_directory_size(data: bytes) -> None:
    """Cap what the zip reader will parse before it starts: it reads the whole directory whatever its size."""
    start = data.rfind(b"PK\x05\x06", max(0, len(data) - _END_RECORD.size - 0xFFFF))
    if start < 0 or len(data) - start < _END_RECORD.size:
        raise ModelError("not a zip file, or a truncated one: its directory is missing; save the model again")
    members, directory_bytes = _END_RECORD.unpack_from(data, start)[4:6]
    if data[max(0, start - 20) : start].startswith(b"PK\x06\x07"):
        raise ModelError(
            f"a zip64 file; a model needs no more than {MAX_MEMBERS} members and {MAX_FILE_BYTES >> 20} MiB"
        )
    if members > MAX_MEMBERS or directory_bytes > MAX_DIRECTORY_BYTES:
        raise ModelError(
            f"the zip has {members} members and a directory of {directory_bytes} bytes; at most {MAX_MEMBERS}"
        )


def _check_member(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    parts = name.replace("\\", "/").split("/")
    if name != info.filename or not name or not name.isprintable():
        raise ModelError(f"member name {name!r} holds characters that a file name must not")
    if name.startswith(("/", "\\")) or ".." in parts or name[1:2] == ":":
        raise ModelError(f"member {name!r} points outside the archive; refused")
    if info.create_system == 3 and stat.S_ISLNK(info.external_attr >> 16):
        raise ModelError(f"member {name!r} is a symbolic link; refused")
    if info.flag_bits & 0x41:
        raise ModelError(f"member {name!r} is encrypted; save the model without a password")
    if info.compress_type not in _METHODS:
        raise ModelError(f"member {name!r} uses compression method {info.compress_type}; stored and deflate are read")


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
