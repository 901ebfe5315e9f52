"""Read and write `.aez` files with Pillow.

``import aez.codec.pillow`` registers the format; then ``Image.open("x.aez")`` and ``image.save("x.aez")`` work. The
import is needed because Pillow has no entry points for plugins. Files are recognised and described without torch, which
is imported when pixels are needed.

Opened images have the size and pixels as stored, as with Pillow's JPEG plugin: the orientation is in the EXIF data, and
``ImageOps.exif_transpose`` applies it. Deep grey pictures have mode I;16; Pillow has no mode for other deep pictures,
which are rounded to 8 bits. ``info`` holds ``icc_profile``, ``exif`` and ``xmp`` if the file has them.

What a file may ask for is limited by ``aez.codec.pillow.limits``, which may be replaced, and by twice Pillow's own
``Image.MAX_IMAGE_PIXELS``.
"""

import contextlib
from dataclasses import replace
from typing import IO, Any

from PIL import ExifTags, Image, ImageFile

from aez.bitstream import AezError, ChunkType, FormatError, LimitError, Limits, is_aez, read_container, read_header
from aez.codec.options import EncodeOptions, option_names
from aez.codec.picture.metadata.orientation import orientation_of

FORMAT, SUFFIX, MIME = "AEZ", ".aez", "image/x-aez"
limits = Limits()
"""The most that a file may ask for."""


class AezImageFile(ImageFile.ImageFile):
    """An opened `.aez` file; pixels are decoded when they are first needed."""

    format = FORMAT
    format_description = "aez, a learned image codec"
    _data: bytes | None = None
    _limits = Limits()

    def _open(self) -> None:
        fp: IO[bytes] = self.fp  # type: ignore[assignment]
        data = fp.read()
        # Pillow's own check of the number of pixels follows, and warns below the size that it rejects.
        bomb = Image.MAX_IMAGE_PIXELS
        self._limits = replace(limits, max_pixels=min(limits.max_pixels, 2 * bomb)) if bomb else limits
        try:
            header = read_header(data, self._limits)
        except FormatError as error:
            raise SyntaxError(str(error)) from None
        except LimitError as error:
            raise Image.DecompressionBombError(str(error)) from None
        self._size = header.width, header.height
        self._mode = ("L" if header.colour == "grey" else "RGB") + ("A" if header.alpha else "")
        if self._mode == "L" and header.depth > 8:
            self._mode = "I;16"
        self._data = data
        self.tile = []
        # A file that is damaged further on still opens, as in other formats; load() reports the damage.
        with contextlib.suppress(AezError):
            self._read_info(read_container(data, self._limits).metadata)
        self._state_orientation(header.orientation)

    def _read_info(self, metadata: dict[ChunkType, bytes]) -> None:
        for kind, name in ((ChunkType.ICC, "icc_profile"), (ChunkType.XMP, "xmp")):
            if kind in metadata:
                self.info[name] = metadata[kind]
        if ChunkType.EXIF in metadata:
            self.info["exif"] = b"Exif\0\0" + metadata[ChunkType.EXIF]

    def _state_orientation(self, orientation: int) -> None:
        """Set EXIF's orientation to the header's; drop EXIF that Pillow cannot read."""
        try:
            self._set_orientation(orientation)
        except Exception:  # whatever Pillow's parser raises
            self.info.pop("exif", None)
            self._exif = None
            self._set_orientation(orientation)

    def _set_orientation(self, orientation: int) -> None:
        exif = self.getexif()
        if orientation_of(exif) != orientation:
            exif[ExifTags.Base.Orientation] = orientation
            self.info["exif"] = exif.tobytes()

    def load(self) -> Any:
        """Decode the pixels, once.

        Raises:
            OSError: the file is damaged, or its model is not in the package.
        """
        if self._data is not None:
            from aez.codec.api import codec_for

            try:
                codec = codec_for(self._data, limits=self._limits)
                samples = codec.decode_picture(self._data, limits=self._limits).pillow_array()
            except AezError as error:
                raise OSError(f"the .aez file cannot be decoded: {error}") from None
            self._data = None
            if self.fp and self._exclusive_fp:
                self.fp.close()
            # A tile of raw samples would make Pillow map them from the file of this name, which holds coded data.
            decoded = Image.fromarray(samples)
            self.im, self.readonly = decoded.im, decoded.readonly
        return super().load()


def _save(image: Image.Image, file: IO[bytes], filename: str | bytes) -> None:
    """Write an image as Pillow's `Image.save` does.

    Options are those of :func:`aez.codec.encode`, and ``icc_profile``, ``exif`` and ``xmp``. These three default to the
    image's ``info``; None leaves them out.
    """
    from aez.codec.api import encode

    options: dict[str, Any] = image.encoderinfo
    known = {*option_names(EncodeOptions), "model", "device"}
    settings: dict[str, Any] = {k: v for k, v in options.items() if k in known}
    described = image.copy()
    for name in ("icc_profile", "exif", "xmp"):
        if name in options:
            value = options[name]
            described.info[name] = value.tobytes() if isinstance(value, Image.Exif) else value
            if not described.info[name]:
                del described.info[name]
    if "exif" in options:
        described._exif = None
    try:
        file.write(encode(described, **settings))
    except AezError as error:
        raise OSError(f"cannot be written as .aez: {error}") from None


def _accept(prefix: bytes) -> bool:
    return is_aez(prefix)


Image.register_open(FORMAT, AezImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, SUFFIX)
Image.register_mime(FORMAT, MIME)
