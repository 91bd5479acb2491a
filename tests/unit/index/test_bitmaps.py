"""Bitmaps to numpy and back."""

from __future__ import annotations

import numpy as np
import pytest
from pyroaring import BitMap

from redisvss.index.bitmaps import bitmap_of, bitmap_of_mask, ids_of, is_among

RNG = np.random.default_rng(1)


def test_ids_come_back_ascending() -> None:
    ids = RNG.permutation(200_000)[:5000]
    docs = bitmap_of(ids)
    assert docs == BitMap(ids.tolist())
    assert ids_of(docs).tolist() == sorted(ids.tolist())
    assert ids_of(BitMap()).tolist() == []


# Around what a container holds as a list of values, as bits, and what it covers.
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 200_001])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.0625, 0.07, 0.5, 1.0])
def test_a_mask_is_the_bitmap_of_its_true_places(size: int, share: float) -> None:
    mask = RNG.random(size) < share
    assert bitmap_of_mask(mask) == BitMap(np.flatnonzero(mask).tolist())


@pytest.mark.parametrize("count", [4095, 4096, 4097])
def test_containers_of_4096_values_are_lists_and_larger_ones_bits(count: int) -> None:
    mask = np.zeros(65536, np.bool_)
    mask[RNG.choice(65536, count, replace=False)] = True
    assert bitmap_of_mask(mask) == BitMap(np.flatnonzero(mask).tolist())


def test_an_empty_container_between_full_ones_is_left_out() -> None:
    mask = np.ones(3 * 65536, np.bool_)
    mask[65536 : 2 * 65536] = False
    assert bitmap_of_mask(mask) == BitMap(np.flatnonzero(mask).tolist())


@pytest.mark.parametrize("below", [100_000, 10_000_000])
def test_ids_in_any_order_and_twice_make_a_bitmap(below: int) -> None:
    ids = RNG.integers(0, below, 50_000)
    assert bitmap_of(ids) == BitMap(ids.tolist())


@pytest.mark.parametrize("known", [0, 1, 40, 5000, 90_000])
@pytest.mark.parametrize("asked", [0, 1, 40, 5000, 90_000])
@pytest.mark.parametrize("below", [100_000, 4_000_000])
def test_membership_however_many_are_asked_of_however_many(known: int, asked: int, below: int) -> None:
    holders, ids = (np.sort(RNG.choice(below, count, replace=False)).astype(np.uint32) for count in (known, asked))
    assert is_among(ids, holders).tolist() == np.isin(ids, holders).tolist()
