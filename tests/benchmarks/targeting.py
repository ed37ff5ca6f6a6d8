"""Targeting in memory on one core: the nearest covering store of each of ten million residents.

Residents lie in arrays in the order of a snapshot's blocks. Each measurement is a process of its
own (`python -m tests.benchmarks.targeting FOLDER STORES STEP`), so that its memory is nobody
else's.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.figures import Figure, paired, under
from vouchers.rules.audience.store_cover import StoreCover

Floats = NDArray[np.float64]

RESIDENTS: Final = 10_000_000
STORES, MANY_STORES = 500, 5_000
TENTH: Final = 10
EDGES_M: Final = (3000.0, 5000.0)
SECONDS: Final = "target_10m_500_s"
SECONDS_MANY: Final = "target_10m_5000_s"
MEMORY: Final = "target_rss_mb"
GROWTH: Final = "target_growth_10x"
FIGURES: Final = (SECONDS, SECONDS_MANY, MEMORY, GROWTH)

_CENTRES = 94
_SEED = 20260601
_SLICE = 1 << 18


class Measured(NamedTuple):
    """CPU seconds to index the stores and place every resident, and the process's peak memory."""

    cpu_s: float
    peak_mb: float


class Town(NamedTuple):
    """Where stores and people are."""

    centres: Floats
    weights: Floats
    stores: tuple[Floats, Floats]
    radius_m: Floats

    @classmethod
    def of(cls, stores: int) -> "Town":
        """The same centres for any number of stores."""
        rng = np.random.default_rng(_SEED)
        centres = rng.uniform((121.0, 30.8), (121.9, 31.6), (_CENTRES, 2))
        weights = rng.pareto(1.2, _CENTRES) + 0.05
        places = crowd(rng, centres, weights, stores)
        return cls(centres, weights, places, rng.integers(30, 51, stores).astype(np.float64) * 100)

    def people(self, count: int) -> tuple[Floats, Floats]:
        """Longitudes and latitudes in the order in which snapshots have them."""
        rng = np.random.default_rng((_SEED, count))
        lon, lat = crowd(rng, self.centres, self.weights, count)
        order = np.argsort(_cells(lon, lat), kind="stable")
        return lon[order], lat[order]


def crowd(
    rng: np.random.Generator, centres: Floats, weights: Floats, size: int
) -> tuple[Floats, Floats]:
    """Points clustered about weighted centres as people live, a few per cent anywhere."""
    lon, lat = np.empty(size), np.empty(size)
    for start in range(0, size, _SLICE):
        part = slice(start, min(start + _SLICE, size))
        n = part.stop - part.start
        centre = centres[rng.choice(_CENTRES, n, p=weights / weights.sum())]
        spread_deg = rng.uniform(0.008, 0.036, n)
        lon[part] = centre[:, 0] + rng.standard_normal(n) * spread_deg
        lat[part] = centre[:, 1] + rng.standard_normal(n) * spread_deg
        stray = np.flatnonzero(rng.random(n) < 0.06) + start
        lon[stray] = rng.uniform(120.86, 122.01, stray.size)
        lat[stray] = rng.uniform(30.68, 31.86, stray.size)
    return lon, lat


def measure(
    wants: Callable[[str], bool], *, folder: Path, rounds: int, on_progress: Callable[[str], None]
) -> dict[str, Figure]:
    """The figures that are asked for; `folder` holds the arrays meanwhile."""
    on_progress(f"{RESIDENTS:,} residents in memory")
    for name, values in zip(("lon", "lat"), Town.of(STORES).people(RESIDENTS), strict=True):
        np.save(folder / f"{name}.npy", values)
    whole = [_apart(folder, STORES, 1) for _ in range(rounds)]
    seconds = [one.cpu_s for one in whole]
    found = {
        SECONDS: under(seconds, 1.0, unit="CPU s", goal="≤ 1"),
        MEMORY: under([one.peak_mb for one in whole], 300, unit="MB", goal="≤ 300"),
    }
    if wants(SECONDS_MANY):
        many = [_apart(folder, MANY_STORES, 1).cpu_s for _ in range(rounds)]
        found[SECONDS_MANY] = paired(many, seconds, unit="CPU s", goal="≤ 2 × 500 stores")
    if wants(GROWTH):
        tenth = [_apart(folder, STORES, TENTH).cpu_s for _ in range(rounds)]
        found[GROWTH] = paired(seconds, tenth, unit="CPU s", goal="≤ 11 × a tenth")
    return {name: figure for name, figure in found.items() if wants(name)}


def _apart(folder: Path, stores: int, step: int) -> Measured:
    command = [sys.executable, "-m", "tests.benchmarks.targeting", str(folder)]
    output = subprocess.run(
        [*command, str(stores), str(step)],
        check=True,
        capture_output=True,
        # One core: no threads of the linear algebra beneath numpy either.
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    ).stdout
    return Measured(*json.loads(output))


def place_all(folder: Path, stores: int, step: int) -> Measured:
    """One measurement, of every `step`-th resident.

    Residents are fed in slices, and of each answer is kept what selection needs: the store in two
    bytes and the distance in four.
    """
    lon, lat = (
        np.ascontiguousarray(np.load(folder / f"{name}.npy")[::step]) for name in ("lon", "lat")
    )
    town = Town.of(stores)
    store, distance_m = np.empty(lon.size, np.int16), np.empty(lon.size, np.float32)
    started = time.process_time()
    cover = StoreCover.build(*town.stores, town.radius_m)
    for start in range(0, lon.size, _SLICE):
        part = slice(start, start + _SLICE)
        found = cover.nearest(lon[part], lat[part], edges_m=EDGES_M)
        store[part], distance_m[part] = found.store_index, found.distance_m
    cpu_s = time.process_time() - started
    return Measured(cpu_s, _peak_mb())


def _peak_mb() -> float:
    """Greatest resident size of this process. `ru_maxrss` would begin with its parent's."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _cells(lon: Floats, lat: Floats) -> NDArray[np.int64]:
    """As `vouchers.models.audience.snapshots` orders them."""
    row, column = (np.floor(it).astype(np.int64) for it in ((lat + 90) * 400, (lon + 180) * 400))
    found = np.zeros(lon.size, dtype=np.int64)
    for shift, bits in ((6, 12), (3, 3), (0, 3)):
        mask = (1 << bits) - 1
        found = (found << 2 * bits) | ((row >> shift & mask) << bits) | (column >> shift & mask)
    return found


if __name__ == "__main__":
    arguments = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    print(json.dumps(place_all(*arguments)))
