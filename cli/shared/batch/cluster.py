"""Jobs on a Ray cluster (extra `ray`). No other file imports Ray."""

import importlib
import logging
from collections.abc import Generator, Sequence
from typing import Any

from aez.bitstream.errors import AezError
from aez.cli.shared.batch.jobs import Job
from aez.cli.shared.batch.results import Result
from aez.cli.shared.paths import Pair
from aez.codec.extras import missing_package

BATCH = 16
"""Files per call of an actor: few enough to balance the load, enough to hide Ray's overhead."""


class _Worker:
    """A Ray Data actor, which prepares the job once and then converts batches of files."""

    def __init__(self, job: Job) -> None:
        try:
            job.prepare()
        except ImportError as error:
            raise AezError(missing_package(error) or f"a package cannot be loaded ({error})") from None
        self.job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Result]]:
        pairs = zip(batch["source"], batch["target"], strict=True)
        return {"result": [self.job(str(source), str(target)) for source, target in pairs]}


def run_on_ray(job: Job, pairs: Sequence[Pair], address: str) -> Generator[Result, None, None]:
    """Convert all files on a cluster, one core per file, and yield results as they arrive.

    Args:
        job: the conversion; it uses one thread.
        pairs: inputs and outputs that every node can reach: URLs, or paths on a shared file system.
        address: address of the cluster; ``auto`` for a running one, ``local`` for a new one on this machine.

    Raises:
        AezError: Ray is not installed, the cluster cannot be reached, or the job cannot be prepared.
    """
    try:
        ray: Any = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise AezError(missing_package(error, "--ray") or f"--ray: a package cannot be loaded ({error})") from None
    started = not ray.is_initialized()
    try:
        if started:
            settings: dict[str, Any] = {"include_dashboard": False} if address == "local" else {}
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **settings)
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        workers = max(1, int(ray.cluster_resources().get("CPU", 1)))
        rows = [{"source": source, "target": target} for source, target in pairs]
        blocks = max(1, min(len(rows), max(4 * workers, len(rows) // (8 * BATCH))))
        results = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            _Worker,
            fn_constructor_args=(job,),
            batch_size=BATCH,
            num_cpus=1,
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(rows))),
        )
        for row in results.iter_rows():
            yield row["result"]
    except (AezError, GeneratorExit, KeyboardInterrupt):
        raise
    except Exception as error:  # Ray wraps what its actors raise in classes of its own
        reason = str(error).strip().splitlines()
        raise AezError(f"Ray at {address}: {reason[-1] if reason else type(error).__name__}") from None
    finally:
        if started:
            ray.shutdown()
