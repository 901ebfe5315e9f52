"""A process of the load check: threads that encode and decode, and compare every result with that of one thread."""

import hashlib
import itertools
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from aez.codec import api
from aez.codec.codec import Codec
from aez.codec.picture.reading import read_picture
from aez.codec.threads import set_threads

_ERRORS = 5
_SIDE = 512
"""Pixels of the longer side to which pictures are cut, so that each is coded often."""
Job = Callable[[], bytes]


def job_files(pictures: Sequence[Path], model: str, folder: Path) -> None:
    """Write what the jobs read: pictures as arrays, and files with all that decoding meets."""
    codec = api.load(model, "cpu", runtime="light")
    (folder / "model").write_text(model, encoding="utf-8")
    for number, path in enumerate(pictures):
        colour = np.ascontiguousarray(np.atleast_3d(read_picture(path).samples)[:_SIDE, :_SIDE])
        colour = np.broadcast_to(colour, (*colour.shape[:2], 3))
        row, col = np.mgrid[: colour.shape[0], : colour.shape[1]]
        alpha = (127 * (1 + np.sin(row / 40) * np.cos(col / 40))).astype(np.uint8)
        np.save(folder / f"{number}.npy", colour)
        files = {
            "tiles": codec.encode(colour, 60, effort=1, tile_log2=4, preview=True),
            "alpha": codec.encode(np.dstack([colour, alpha]), 30, effort=0, alpha_quality=50),
            "grey": codec.encode(colour[..., 1], 80, effort=0),
            "exact": codec.encode(colour[:128, :128], lossless=True),
        }
        for name, data in files.items():
            (folder / f"{number}-{name}.aez").write_bytes(data)


def _jobs(codec: Codec, folder: Path) -> dict[str, Job]:
    """Return the work by name; each gives bytes that are always the same."""
    jobs: dict[str, Job] = {}
    for path in sorted(folder.glob("*.aez")):
        data = path.read_bytes()
        jobs[f"decode {path.stem}"] = partial(_decode, codec, data)
        jobs[f"region {path.stem}"] = partial(_decode, codec, data, region=(9, 7, 40, 30))
        jobs[f"preview {path.stem}"] = partial(_preview, codec, data)
        jobs[f"digest {path.stem}"] = partial(_digest, codec, data)
    for path in sorted(folder.glob("*.npy")):
        samples = np.load(path)
        jobs[f"encode {path.stem}"] = partial(codec.encode, samples, 50, effort=1)
        jobs[f"encode {path.stem} again"] = partial(codec.encode, samples[:200, :200], 90, effort=0)
    return jobs


def _decode(codec: Codec, data: bytes, region: tuple[int, int, int, int] | None = None) -> bytes:
    return codec.decode_array(data, region=region).tobytes()


def _preview(codec: Codec, data: bytes) -> bytes:
    return codec.preview(data).tobytes()


def _digest(codec: Codec, data: bytes) -> bytes:
    return codec.digest(data).encode()


def work(runtime: str, folder: Path, seconds: float, threads: int) -> dict[str, object]:
    """Do all jobs once in one thread; print a line, and after one on standard input do them again and again in many.

    Returns:
        ``jobs``, the number of results by kind; ``errors``; ``digests`` of all files.
    """
    set_threads(1)
    codec = api.load((folder / "model").read_text(encoding="utf-8"), "cpu", runtime=runtime)
    assert isinstance(codec, Codec)  # the default model is one
    jobs = _jobs(codec, folder)
    results = {name: job() for name, job in jobs.items()}
    expected = {name: hashlib.sha256(result).digest() for name, result in results.items()}
    digests = [result.decode() for name, result in results.items() if name.startswith("digest")]
    results.clear()
    counts: Counter[str] = Counter()
    errors: list[str] = []
    lock = threading.Lock()
    endless = itertools.cycle(jobs.items())
    print(flush=True)
    sys.stdin.readline()
    end = time.monotonic() + seconds

    def repeat() -> None:
        while time.monotonic() < end:
            with lock:
                name, job = next(endless)
            try:
                wrong = None if hashlib.sha256(job()).digest() == expected[name] else "another result"
            except Exception as error:
                wrong = repr(error)
            with lock:
                counts[name.split()[0]] += 1
                if wrong and len(errors) < _ERRORS:
                    errors.append(f"{name}: {wrong}")

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(repeat) for _ in range(threads)]:
            done.result()
    return {"jobs": counts, "errors": errors, "digests": digests}


if __name__ == "__main__":
    print(json.dumps(work(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
