"""Rewrite an sdist so that its bytes depend on its files alone: sorted names, no owners, the time SOURCE_DATE_EPOCH.

setuptools does this for wheels only.

    python .ci/settle_sdist.py FILE.tar.gz
"""

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path


def settle(path: Path, time: int) -> None:
    """Rewrite an sdist in place.

    Args:
        path: of the sdist.
        time: of all files, in seconds since 1970.
    """
    packed = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda one: one.name):
            settled = tarfile.TarInfo(member.name)
            settled.type, settled.size, settled.mtime = member.type, member.size, time
            settled.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            new.addfile(settled, old.extractfile(member) if member.isfile() else None)
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=time) as out:
        out.write(packed.getvalue())


if __name__ == "__main__":
    settle(Path(sys.argv[1]), int(os.environ["SOURCE_DATE_EPOCH"]))
