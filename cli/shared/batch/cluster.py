"""The same jobs on a Ray cluster (extra `ray`); nothing of Ray is imported elsewhere."""

import importlib
import logging
from collections.abc import Generator, Sequence
from typing import Any

from aez.bitstream.errors import AezError
from aez.cli.shared.batch.jobs import Job
from aez.cli.shared.batch.results import Result
from aez.cli.shared.paths import Pair

BATCH = 16
"""Files that an actor is given at a time: few enough to share out evenly, enough to hide Ray's own work."""


class _Worker:
    """An actor of Ray Data: prepares the job once, then does batches of pairs."""

    def __init__(self, job: Job) -> None:
        job.prepare()
        self.job = job

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[Result]]:
        pairs = zip(batch["source"], batch["target"], strict=True)
        return {"result": [self.job(str(source), str(target)) for source, target in pairs]}


def run_on_ray(job: Job, pairs: Sequence[Pair], address: str) -> Generator[Result, None, None]:
    """Do every pair on a cluster, one core a file, and yield results as they come.

    Args:
        job: what to do; it uses one thread.
        pairs: inputs and outputs, which every node must be able to reach: URLs, or paths on a shared file system.
        address: of the cluster; ``auto`` for the one around, ``local`` for a new one on this machine.

    Raises:
        AezError: Ray is not installed, the cluster is not there, or the job cannot be prepared.
    """
    try:
        ray: Any = importlib.import_module("ray")
        importlib.import_module("ray.data")
    except ImportError as error:
        raise AezError(f"--ray needs the extra `ray` (pip install 'aez[ray]'): {error}") from None
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
