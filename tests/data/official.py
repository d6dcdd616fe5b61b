"""Encoders of the published formats, written from their descriptions: the independent twins of whence.data.decode."""

from __future__ import annotations

import hashlib
import io
import struct
import tarfile

import numpy as np


def idx(array: np.ndarray) -> bytes:
    """The official idx format, written out from its description: magic 0x0000_08_rank, sizes, bytes."""
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def cifar_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    """The official binary batch, record by record: label, then the red, green and blue planes."""
    return b"".join(
        bytes([label]) + b"".join(image[:, :, c].tobytes() for c in range(3)) for image, label in zip(images, labels, strict=True)
    )


def tar_gz(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def digest(content: bytes | np.ndarray) -> str:
    return hashlib.sha256(content if isinstance(content, bytes) else content.tobytes()).hexdigest()


def entry_toml(
    name: str, fmt: str, shape: list[int], mirrors: list[str], files: dict[str, bytes], arrays: dict, splits: str
) -> str:
    """One entry of a registry. `arrays` maps a name to (images, labels, files, members)."""
    lines = [f'[{name}]\ntitle = "{name}"\nkind = "download"\nformat = "{fmt}"\nshape = {shape}\nwhite = 255\nlicence = "none"']
    lines += [f'citation = "nobody2026"\nnote = ""\nmirrors = {mirrors}\n{splits}']
    for key, (images, labels, parts, members) in arrays.items():
        lines += [f"[{name}.array.{key}]\nfiles = {parts}\nmembers = {members}\ncount = {len(images)}"]
        lines += [f'sha256 = "{digest(images)}"\nlabels_sha256 = "{digest(labels)}"']
    for file, content in files.items():
        lines += [f'[[{name}.source]]\nfile = "{file}"\nbytes = {len(content)}\nsha256 = "{digest(content)}"']
    return "\n".join(lines) + "\n"
