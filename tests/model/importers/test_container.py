from __future__ import annotations

import io
import os
import stat
import struct
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fpgaq.base.errors import ModelError, UnsupportedError
from fpgaq.model.importers import load, load_stream
from fpgaq.model.importers.container import Archive
from tests.support.nnp_builder import affine, build_nnp, relu, zip_bytes


def small() -> bytes:
    generator = np.random.default_rng(0)
    return build_nnp([affine("a", generator.normal(size=(6, 3))), relu("r")], (6,))


def write(folder: Path, data: bytes, name: str = "model.nnp") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def refused(path: Path, error: type[Exception] = ModelError) -> str:
    """The message of a refusal: one line, quick, naming the file."""
    start = time.process_time()
    with pytest.raises(error) as caught:
        load(path)
    message = str(caught.value)
    assert time.process_time() - start < 5 and "\n" not in message and repr(path.name)[1:-1] in message
    return message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty; expected a model"),
        (bytes(range(256)) * 8, "not a zip file, or a truncated one"),
        (small()[:-40], "not a zip file, or a truncated one"),
        (small()[200:], "damaged"),
        (zip_bytes({"readme.txt": b""}), "holds no network"),
        (zip_bytes({}), "holds no network"),
        (zip_bytes({"a.nntxt": b"", "b.prototxt": b""}), "holds 2 network members, 'a.nntxt' and 'b.prototxt'"),
        (zip_bytes({"a.nntxt": b"", "b.h5": b"", "c.protobuf": b""}), "holds 2 parameter members"),
        (zip_bytes({"../../x": b"", "a.nntxt": b""}), "member '../../x' points outside the archive"),
        (zip_bytes({"/etc/x.nntxt": b""}), "member '/etc/x.nntxt' points outside the archive"),
        (zip_bytes({"C:x.nntxt": b""}), "member 'C:x.nntxt' points outside the archive"),
        (zip_bytes({"a\nb.nntxt": b""}), "holds characters that a file name must not"),
        (zip_bytes({"a.nntxt": b"x" * 99}, zipfile.ZIP_BZIP2), "compression method 12; stored and deflate are read"),
    ],
)
def test_damaged_and_unsafe_zips(tmp_path: Path, data: bytes, message: str) -> None:
    assert message in refused(write(tmp_path, data))


def test_truncation_anywhere_is_refused(tmp_path: Path) -> None:
    data = small()
    for length in range(0, len(data), 37):
        refused(write(tmp_path, data[:length]))


def test_corruption_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    data = small()
    generator = np.random.default_rng(1)
    for _ in range(300):
        broken = bytearray(data)
        broken[generator.integers(len(data))] ^= 1 << generator.integers(8)
        path = write(tmp_path, bytes(broken))
        try:
            load(path)
        except (ModelError, UnsupportedError) as error:
            assert "\n" not in str(error)


def test_duplicate_member(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("a.nntxt", b"")
        archive.writestr("a.nntxt", b"")
    assert "member 'a.nntxt' is in the zip twice" in refused(write(tmp_path, stream.getvalue()))


def test_link_and_encryption(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.nntxt")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
    assert "is a symbolic link" in refused(write(tmp_path, stream.getvalue()))
    data = bytearray(zip_bytes({"a.nntxt": b"x"}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refused(write(tmp_path, bytes(data)))


def test_bomb_is_refused_without_unpacking(tmp_path: Path) -> None:
    bomb = zip_bytes({"network.nntxt": b"a: 1", "parameter.h5": bytes(300 << 20)}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 400_000
    assert "member 'parameter.h5' declares 314572800 bytes; at most 134217728" in refused(write(tmp_path, bomb))


@pytest.mark.parametrize("declared", [10, 1 << 20])
def test_lying_size(tmp_path: Path, declared: int) -> None:
    data = bytearray(zip_bytes({"network.nntxt": b"#" * 50_000}, zipfile.ZIP_DEFLATED))
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, declared)
    message = refused(write(tmp_path, bytes(data)))
    assert "is damaged" in message or f"declares {declared} bytes but holds 50000" in message


def test_many_members(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for index in range(2000):
            archive.writestr(str(index), b"")
    assert "has 2000 members" in refused(write(tmp_path, stream.getvalue()))
    forged = bytearray(stream.getvalue())
    struct.pack_into("<HH", forged, len(forged) - 14, 5, 5)
    refused(write(tmp_path, bytes(forged)))
    many = bytearray(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    with pytest.raises(ModelError, match="65535 members"):
        Archive(bytes(many))
    with pytest.raises(ModelError, match="a zip64 file"):
        Archive(b"PK\x06\x07" + bytes(16) + bytes(many))


def test_not_a_file(tmp_path: Path) -> None:
    assert "is a folder, not a file; a model file is needed" in refused(tmp_path)
    fifo = tmp_path / "fifo.nnp"
    os.mkfifo(fifo)
    assert "is a FIFO, not a file; a model file is needed" in refused(fifo)
    assert "no such file" in refused(tmp_path / "absent.nnp")
    dangling = tmp_path / "dangling.nnp"
    dangling.symlink_to(tmp_path / "nowhere")
    assert "no such file" in refused(dangling)
    loop = tmp_path / "loop.nnp"
    loop.symlink_to(loop)
    assert "cannot be read" in refused(loop)
    assert "is a device" in refused(Path("/dev/null"))
    with pytest.raises(ModelError, match="cannot be read"):
        load("a\0b.nnp")


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, small())

    def forbidden(*_arguments: object) -> None:
        raise PermissionError(13, "Permission denied")

    # Root, whom no permission stops, runs the tests too.
    monkeypatch.setattr("os.open", forbidden)
    assert "cannot be read (Permission denied)" in refused(path)


@pytest.mark.parametrize("name", ["a b.nnp", "-x.nnp", 'it\'s "q".nnp', "new\nline.nnp", "ÄÖ.NNP"])
def test_odd_paths_work(tmp_path: Path, name: str) -> None:
    assert load(write(tmp_path, small(), name)).inputs == ("x",)
    broken = write(tmp_path, b"", name)
    with pytest.raises(ModelError) as caught:
        load(broken)
    assert "\n" not in str(caught.value)


def test_symlink_and_compression_work(tmp_path: Path) -> None:
    layers = [affine("a", np.ones((4, 2)))]
    path = write(tmp_path, build_nnp(layers, (4,), compression=zipfile.ZIP_DEFLATED))
    link = tmp_path / "link.nnp"
    link.symlink_to(path)
    assert load(link).name == "main"
    assert load(str(path)).name == "main"


def test_other_formats_are_named(tmp_path: Path) -> None:
    for name in ("m.txt", "m", "m.npz"):
        message = refused(write(tmp_path, b"\x08\x01rest", name), UnsupportedError)
        assert "supported: nnabla's .nnp" in message
    assert load(write(tmp_path, small(), "model.bin")).name == "main"


def test_members_beside_the_model_are_not_looked_at(tmp_path: Path) -> None:
    extra = {"Optimizer_Adam_optimizer.h5.optimizer": b"junk", "output_result.zip": b"junk", "sub/": b""}
    assert load(write(tmp_path, build_nnp([affine("a", np.ones((4, 2)))], (4,), extra=extra))).outputs == ("y",)


def test_stream() -> None:
    assert load_stream(io.BytesIO(small())).outputs == ("y",)
    with pytest.raises(ModelError, match="is empty"):
        load_stream(io.BytesIO())


def test_nothing_is_imported_for_protobuf_parameters(tmp_path: Path) -> None:
    import subprocess

    path = write(tmp_path, small())
    code = f"import sys; from fpgaq.model.importers import load; load({str(path)!r}); sys.exit('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
