"""Targeting in memory on one core: nearest covering store of each resident, 500 stores."""

import resource
import time

import numpy as np
from numpy.typing import NDArray

from vouchers.rules.audience.store_cover import StoreCover

RESIDENTS = 10_000_000
STORES = 500
_CENTRES = 94
_SEED = 20260601
_SLICE = 1 << 18


def targeting_10m_s(residents: int = RESIDENTS) -> float:
    """CPU seconds to index the stores and place every resident, arrays in memory.

    Residents are fed in slices, and of each answer is kept what selection needs: the store in two
    bytes and the distance in four.
    """
    rng = np.random.default_rng(_SEED)
    centres = rng.uniform((121.0, 30.8), (121.9, 31.6), (_CENTRES, 2))
    weights = rng.pareto(1.2, _CENTRES) + 0.05
    stores_lon, stores_lat = _crowd(rng, centres, weights, STORES)
    radius_m = rng.integers(30, 51, STORES) * 100.0
    lon, lat = _crowd(rng, centres, weights, residents)
    started = time.process_time()
    cover = StoreCover.build(stores_lon, stores_lat, radius_m)
    store, distance_m = np.empty(residents, np.int16), np.empty(residents, np.float32)
    for start in range(0, residents, _SLICE):
        part = slice(start, start + _SLICE)
        found = cover.nearest(lon[part], lat[part], edges_m=(3000.0, 5000.0))
        store[part], distance_m[part] = found.store_index, found.distance_m
    return time.process_time() - started


def _crowd(
    rng: np.random.Generator, centres: NDArray[np.float64], weights: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def peak_memory_mb() -> float:
    """Greatest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
