"""The stage that makes images of weights for hardware that loads them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..base.errors import ModelError, UsageError
from ..base.output import check_file, write_file
from ..base.regular import open_regular
from ..integer.graph import IntegerGraph
from .hardware import LOWERED_FILE, NETWORK_FILE
from .hardware_files import loadable_form
from .models import load_integer

if TYPE_CHECKING:
    from ..proof.bus_bench import Loaded


@dataclass(frozen=True)
class ImageResult:
    """What `image` wrote: the weights of a network for hardware that was made of another.

    `digest` is the network's SHA-256, `identity` the word by which the hardware knows images of its own.
    """

    file: Path
    bytes: int
    words: int
    digest: str
    identity: str

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "file": str(self.file)}


def image(integer: IntegerGraph | str | Path, directory: str | Path, output: str | Path) -> ImageResult:
    """Write the weights of a network as an image for a folder that was generated with loadable weights.

    Parameters
    ----------
    integer : IntegerGraph, str or Path
        Of the same layers, shapes and formats as the folder's network.
    directory : str or Path
        What `generate` or `bitstream` wrote.
    output : str or Path
        The file to write.

    Raises
    ------
    UsageError
        The folder's weights are constants, or the network differs in more than an image can change; the message names
        the first difference.
    VerificationError
        A file of the folder is not as it was generated.
    """
    from ..integer.file import digest
    from ..proof.folder import check_digests, read_manifest

    check_file(output)
    folder = Path(directory)
    manifest = read_manifest(folder)
    check_digests(folder, manifest)
    loaded = weights_for(folder, manifest, integer)
    write_file(output, loaded.image)
    words = len(loaded.image) // 4
    return ImageResult(Path(output), len(loaded.image), words, digest(loaded.network), manifest["image"]["identity"])


def weights_for(folder: Path, manifest: dict[str, Any], integer: IntegerGraph | str | Path | None) -> Loaded:
    """A network for the hardware of a folder whose digests were checked, with its image; None: the folder's own.

    Raises
    ------
    UsageError
        As `image`.
    ModelError
        The folder's own description is damaged.
    """
    from ..hardware.emit.image import LAYOUT, make_image, read_layout
    from ..hardware.lowering.loadable import check_same
    from ..integer.file import digest, load
    from ..proof.bus_bench import Loaded

    if not isinstance(manifest.get("image"), dict):
        raise UsageError(f"{folder}: its weights are constants; generate it with --weights loadable")
    name = "the network" if isinstance(integer, IntegerGraph) or integer is None else str(integer)
    base = load_integer(folder / NETWORK_FILE)
    network = base if integer is None else integer if isinstance(integer, IntegerGraph) else load_integer(integer)
    check_same(network, base, name)
    lowered = loadable_form(network)
    check_same(lowered, load(folder / LOWERED_FILE), name)
    try:
        with open_regular(folder / LAYOUT, "a layout of weights") as stream:
            layout = read_layout(stream, str(folder / LAYOUT))
    except OSError as error:
        raise ModelError(f"{folder / LAYOUT}: cannot be read ({error.strerror}); generate the folder anew") from None
    return Loaded(network, lowered, make_image(lowered, layout, digest(network), name))


__all__ = ["ImageResult", "image", "weights_for"]
