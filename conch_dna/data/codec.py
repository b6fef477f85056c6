"""Compact codec for soft targets: sorted ids as Rice-coded gaps, log-probabilities on a non-uniform grid.

Each row, of k ids and a tail, is coded independently:

- ids in rising order, as gaps to the previous id, in the shortest Rice code for the row (Rice and Plaunt 1971): the low
  bits unchanged, the rest in unary;
- log-probabilities as distances d from the row's greatest, rounded to a grid of u = log(1 + d / 2): fine near the
  top, where the mass is, and coarse far below. The grid's step is 2^-3 to 2^-6: the coarsest one that costs the row at
  most :data:`NEAR` nats within :func:`row_bits`;
- the rank of the greatest id, so that rounding never changes it;
- the odds of the tail against the k ids, in steps of 1/128, so that decoded rows always sum to 1.

A grid contains all points of the coarser grids, and a row that is on a grid stays on it: coding decoded targets again
changes nothing.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from conch_dna.errors import DataError
from conch_dna.plugin.protocols import Targets

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT = 1
NEAR = 3e-4  # nats of added KL that are negligible: no finer grid is tried
COARSEST, FINEST = 3, 6  # a grid's step is 2 to the power of minus this
FARTHEST = 100.0  # nats below the row's greatest; lower values are clipped to it
BEYOND = 101.0  # nats: more than the grid points that FARTHEST rounds to (94.4 and 100.6)
SCALE = 2.0  # nats: the grid is nearly even up to this distance; beyond it, steps grow in proportion to the distance
ON_GRID = 1 / 64  # of a step: a value this close to a grid point was decoded from it
LOWS = {"id_rice": 5, "level_rice": 3, "grid": 2, "lowest": 8, "tail": 12}  # bits of the columns in a row's fixed part
ODDS_STEPS, NO_TAIL = 128, 0
CHOSEN_BITS, CHOSEN_STEPS = 16, 2048
MAX_RICE = {"id_rice": 31, "level_rice": 7}
PREFIX = struct.Struct("<IHBB")  # positions, k, whether the answer's own token is included, format


def row_bits(k: int) -> int:
    """Return the bits that a row may use before a coarser grid is chosen: 125 bytes at k = 64.

    An id takes more bits when k is small, because the gaps are larger.
    """
    return max(13 * k + 168, 16 * k - 24)


def encode(targets: Targets) -> bytes:
    """Encode ``targets``; the ids of a row may be in any order, and a row need not sum to 1 with its tail.

    :raises DataError: shapes differ, an id is negative or repeated in a row, or a value is not a log-probability.
    """
    _check(targets)
    length, k = targets.ids.shape
    prefix = PREFIX.pack(length, k, targets.chosen is not None, FORMAT)
    if not length:
        return prefix
    log_probs_TK = targets.log_probs.astype(np.float64)
    by_id_TK = np.argsort(targets.ids, axis=1)
    gaps_TK = np.diff(np.take_along_axis(targets.ids.astype(np.int64), by_id_TK, axis=1), axis=1, prepend=-1) - 1
    top_T1 = log_probs_TK.argmax(axis=1, keepdims=True)
    rank_T = (by_id_TK == top_T1).argmax(axis=1)
    id_rice_T, id_bits_T = _rice(gaps_TK, MAX_RICE["id_rice"])
    sizes = _row_sizes(k, targets.chosen is not None)
    free_T = row_bits(k) - sum(sizes) - id_bits_T
    grid_T, levels_TK = _levels(np.take_along_axis(log_probs_TK, by_id_TK, axis=1), free_T)
    lowest_T = levels_TK.max(axis=1)
    others_TK = _without(lowest_T[:, None] - levels_TK, rank_T)
    level_rice_T, _ = _rice(others_TK, MAX_RICE["level_rice"])
    columns = [id_rice_T, level_rice_T, grid_T, lowest_T, _odds_code(log_probs_TK, targets.tail), rank_T]
    if targets.chosen is not None:
        columns.append(_chosen_code(targets.chosen))
    bits = [
        _bits(np.stack(columns, axis=1).ravel(), np.tile(sizes, length)),
        _bits(gaps_TK.ravel(), np.repeat(id_rice_T, k)),
        _bits(others_TK.ravel(), np.repeat(level_rice_T, k - 1)),
        _unary((gaps_TK >> id_rice_T[:, None]).ravel()),
        _unary((others_TK >> level_rice_T[:, None]).ravel()),
    ]
    return prefix + np.packbits(np.concatenate(bits)).tobytes()


def decode(blob: bytes) -> Targets:
    """Decode ``blob``: ids by falling probability, then by id; each row sums to 1 with its tail.

    :raises DataError: ``blob`` is truncated, has surplus bytes, or contains values that no encoder writes.
    """
    length, k, has_chosen = _prefix(blob)
    bits = np.unpackbits(np.frombuffer(blob, np.uint8, offset=PREFIX.size))
    sizes = _row_sizes(k, has_chosen)
    if length * sum(sizes) > len(bits):
        raise _broken("is truncated")
    columns_CT = _take(bits, 0, np.tile(sizes, length)).reshape(length, len(sizes)).T
    id_rice_T, level_rice_T, grid_T, lowest_T, odds_T, rank_T = columns_CT[:6]
    place = sum(sizes) * length
    low_ids = _take(bits, place, np.repeat(id_rice_T, k))
    place += int(id_rice_T.sum()) * k
    low_levels = _take(bits, place, np.repeat(level_rice_T, k - 1))
    place += int(level_rice_T.sum()) * (k - 1)
    ones = np.flatnonzero(bits[place:])
    high = np.diff(ones, prepend=-1) - 1
    spare = len(bits) - place - (int(ones[-1]) + 1 if len(ones) else 0)
    if len(ones) != length * (2 * k - 1) or not 0 <= spare < 8:
        raise _broken("does not hold as many ids and levels as it says")
    gaps_TK = (high[: length * k].reshape(length, k) << id_rice_T[:, None]) + low_ids.reshape(length, k)
    ids_TK = np.cumsum(gaps_TK + 1, axis=1) - 1
    others_TK = (high[length * k :].reshape(length, k - 1) << level_rice_T[:, None]) + low_levels.reshape(length, k - 1)
    if (rank_T >= k).any() or (others_TK > lowest_T[:, None]).any() or (ids_TK >= 2**31).any():
        raise _broken("contains an id, a rank or a level out of range")
    levels_TK = _with(lowest_T[:, None] - others_TK, rank_T)
    log_probs_TK, tail_T = _log_probs(levels_TK, grid_T, odds_T)
    keys_TK = 2 * levels_TK + (np.arange(k) != rank_T[:, None])  # the greatest id comes first among equals
    order_TK = np.argsort(keys_TK, axis=1, kind="stable")
    return Targets(
        np.take_along_axis(ids_TK, order_TK, axis=1).astype(np.int32),
        np.take_along_axis(log_probs_TK, order_TK, axis=1),
        tail_T,
        (-columns_CT[6] / CHOSEN_STEPS).astype(np.float32) if has_chosen else None,
    )


def positions(blob: bytes) -> int:
    """Return the number of positions in ``blob`` without decoding it.

    :raises DataError: ``blob`` is not a coded target.
    """
    return _prefix(blob)[0]


def added_kl(raw: Targets, coded: Targets) -> np.ndarray:
    """Return float64 (T,): KL(raw || coded) in nats over the k ids and the tail, both normalised first."""
    order = np.argsort(raw.ids, axis=1), np.argsort(coded.ids, axis=1)
    raw_TK, coded_TK = (
        np.concatenate([np.take_along_axis(t.log_probs, o, axis=1), t.tail[:, None]], axis=1).astype(np.float64)
        for t, o in zip((raw, coded), order, strict=True)
    )
    raw_TK = raw_TK - np.logaddexp.reduce(raw_TK, axis=1, keepdims=True)
    coded_TK = coded_TK - np.logaddexp.reduce(coded_TK, axis=1, keepdims=True)
    has_mass = np.isfinite(raw_TK)
    difference = np.subtract(raw_TK, coded_TK, out=np.zeros_like(raw_TK), where=has_mass)
    total: np.ndarray = (np.exp(raw_TK) * difference).sum(axis=1)
    return total


def _broken(what: str) -> DataError:
    return DataError(f"soft targets are damaged: the code {what}")


def _prefix(blob: bytes) -> tuple[int, int, bool]:
    if len(blob) < PREFIX.size:
        raise _broken("is truncated")
    length, k, has_chosen, version = PREFIX.unpack_from(blob)
    if version != FORMAT or has_chosen > 1 or k < 1:
        raise DataError("soft targets of another format", got=version, allowed=FORMAT)
    return length, k, bool(has_chosen)


def _check(targets: Targets) -> None:
    """Raise :class:`DataError` unless the arrays form a set of distributions."""
    ids, log_probs, tail, chosen = targets.ids, targets.log_probs, targets.tail, targets.chosen
    per_position = [tail.shape] if chosen is None else [tail.shape, chosen.shape]
    if ids.ndim != 2 or not 1 <= ids.shape[1] < 2**16 or log_probs.shape != ids.shape:
        raise DataError("shapes of soft targets differ", where="ids and log_probs",
                        got=f"{ids.shape}, {log_probs.shape}", allowed="(T, k) for both")  # fmt: skip
    if any(shape != ids.shape[:1] for shape in per_position):
        raise DataError("shapes of soft targets differ", where="tail and chosen",
                        got=", ".join(map(str, per_position)), allowed=f"({len(ids)},)")  # fmt: skip
    if not np.isfinite(log_probs).all() or not (tail < np.inf).all() or (chosen is not None and np.isnan(chosen).any()):
        raise DataError("soft targets contain a value that is not a log-probability")
    if (ids < 0).any() or (np.diff(np.sort(ids, axis=1), axis=1) == 0).any():
        raise DataError("soft targets contain a repeated or negative id")


def _row_sizes(k: int, has_chosen: bool) -> list[int]:
    """Return the bits of each column in a row's fixed part; the last ones are the greatest id's rank and the token."""
    return [*LOWS.values(), (k - 1).bit_length(), *([CHOSEN_BITS] if has_chosen else [])]


def _rice(values_TK: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the parameter (T,) of each row's shortest Rice code, and the bits (T,) that the row takes in it."""
    count = values_TK.shape[1]
    sizes_RT = np.stack([count * (r + 1) + (values_TK >> r).sum(axis=1) for r in range(most + 1)])
    best_T = sizes_RT.argmin(axis=0)
    return best_T, sizes_RT.min(axis=0)


def _levels(log_probs_TK: np.ndarray, free_T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose each row's grid and round to it.

    :param free_T: bits available for the levels.
    :returns: the grid (T,), 0 being the coarsest, and the levels (T, k); that of the greatest id is 0.
    """
    own_TK = log_probs_TK - np.logaddexp.reduce(log_probs_TK, axis=1, keepdims=True)
    distance_TK = own_TK.max(axis=1, keepdims=True) - own_TK
    u_TK = np.log1p(np.minimum(distance_TK, FARTHEST) / SCALE)
    # FARTHEST may round up to a grid point just beyond it: a decoded row has that distance, and must stay on its grid.
    beyond_TK = np.log1p(np.minimum(distance_TK, BEYOND) / SCALE)
    tried, exact, near, fits = [], [], [], []
    for grid in range(COARSEST, FINEST + 1):
        levels_TK = np.rint(u_TK * 2**grid).astype(np.int64)
        coded_TK = _from_levels(levels_TK, np.full(len(u_TK), grid - COARSEST))
        size_T = _rice(levels_TK.max(axis=1, keepdims=True) - levels_TK, MAX_RICE["level_rice"])[1]
        tried.append(levels_TK)
        exact.append((np.abs(beyond_TK * 2**grid - levels_TK) < ON_GRID).all(axis=1))
        near.append((np.exp(own_TK) * (own_TK - coded_TK)).sum(axis=1) < NEAR)
        fits.append((size_T <= free_T) | (grid == COARSEST))
    exact_GT, good_GT = np.stack(exact), np.stack(near) & np.stack(fits)
    last_fit_T = len(fits) - 1 - np.stack(fits)[::-1].argmax(axis=0)
    grid_T = np.where(good_GT.any(axis=0), good_GT.argmax(axis=0), last_fit_T)
    grid_T = np.where(exact_GT.any(axis=0), exact_GT.argmax(axis=0), grid_T)
    levels_TK = np.stack(tried)[grid_T, np.arange(len(grid_T))]
    for _ in range(COARSEST, FINEST):  # the coarsest grid that contains all these points
        even_T = (grid_T > 0) & (levels_TK % 2 == 0).all(axis=1)
        levels_TK = np.where(even_T[:, None], levels_TK // 2, levels_TK)
        grid_T = grid_T - even_T
    return grid_T, levels_TK


def _from_levels(levels_TK: np.ndarray, grid_T: np.ndarray) -> np.ndarray:
    """Return log-probabilities (T, k), float64, that sum to 1 without the tail."""
    below_TK = -SCALE * np.expm1(levels_TK * 0.5 ** (grid_T + COARSEST)[:, None])
    normalised: np.ndarray = below_TK - np.logaddexp.reduce(below_TK, axis=1, keepdims=True)
    return normalised


def _log_probs(levels_TK: np.ndarray, grid_T: np.ndarray, odds_T: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 log-probabilities (T, k) and tail (T,), rounded down so that they never sum to more than 1."""
    odds = np.where(odds_T == NO_TAIL, -np.inf, (odds_T - 2048) / ODDS_STEPS)
    log_probs_TK = _from_levels(levels_TK, grid_T) - np.logaddexp(0.0, odds)[:, None]
    return _down(log_probs_TK), _down(-np.logaddexp(0.0, -odds))


def _down(values: np.ndarray) -> np.ndarray:
    """Round down to float32."""
    rounded = values.astype(np.float32)
    lower: np.ndarray = np.where(rounded > values, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return lower


def _odds_code(log_probs_TK: np.ndarray, tail_T: np.ndarray) -> np.ndarray:
    """Return the code (T,) of the tail's log-odds, from -16 to 16; 0 means no tail."""
    odds_T = tail_T.astype(np.float64) - np.logaddexp.reduce(log_probs_TK, axis=1)
    codes = np.clip(np.rint(np.clip(odds_T, -20, 20) * ODDS_STEPS) + 2048, 1, 4095).astype(np.int64)
    return np.where(np.isneginf(tail_T), NO_TAIL, codes)


def _chosen_code(chosen_T: np.ndarray) -> np.ndarray:
    """Return the code (T,) of log-probabilities from 0 down to -32."""
    most = 2**CHOSEN_BITS - 1
    return np.rint(np.clip(-chosen_T.astype(np.float64) * CHOSEN_STEPS, 0, most)).astype(np.int64)


def _without(values_TK: np.ndarray, rank_T: np.ndarray) -> np.ndarray:
    """Drop each row's value at ``rank_T``: (T, k) becomes (T, k - 1)."""
    length, k = values_TK.shape
    rest_TK: np.ndarray = values_TK[np.arange(k) != rank_T[:, None]].reshape(length, k - 1)
    return rest_TK


def _with(values_TK: np.ndarray, rank_T: np.ndarray) -> np.ndarray:
    """Put a 0 into each row at ``rank_T``: (T, k - 1) becomes (T, k)."""
    length, k = len(rank_T), values_TK.shape[1] + 1
    whole_TK = np.zeros((length, k), np.int64)
    whole_TK[np.arange(k) != rank_T[:, None]] = values_TK.ravel()
    return whole_TK


def _used(sizes: np.ndarray | Sequence[int]) -> np.ndarray:
    """Return a mask (N, 32) of the lowest ``sizes`` bits in N big-endian 32-bit words."""
    mask: np.ndarray = np.arange(32) >= 32 - np.asarray(sizes)[:, None]
    return mask


def _bits(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the lowest ``sizes`` bits of each value, uint8 of 0 and 1."""
    used: np.ndarray = np.unpackbits(values.astype(">u4").view(np.uint8)).reshape(-1, 32)[_used(sizes)]
    return used


def _take(bits: np.ndarray, start: int, sizes: np.ndarray) -> np.ndarray:
    """Return int64 values of ``sizes`` bits each, read consecutively from ``start``."""
    total = int(sizes.sum())
    if start + total > len(bits):
        raise _broken("is truncated")
    words = np.zeros((len(sizes), 32), np.uint8)
    words[_used(sizes)] = bits[start : start + total]
    values: np.ndarray = np.packbits(words).view(">u4").astype(np.int64)
    return values


def _unary(values: np.ndarray) -> np.ndarray:
    """Return each value n as n zeros and a one, uint8 of 0 and 1."""
    ends = np.cumsum(values + 1)
    bits = np.zeros(int(ends[-1]) if len(ends) else 0, np.uint8)
    bits[ends - 1] = 1
    return bits
