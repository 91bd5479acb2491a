"""Quarter-size copies of rows, and the rows that bounds on distances read from them leave over."""

from __future__ import annotations

import numpy as np

from redisvss.index.kernels.arith import decode, jit, leaf
from redisvss.index.kernels.products import ROWS, products

_SLACK = 2.0**-21  # covers rounding in float32 of what is stored and of the reported distance
_AMPLE = 4 * _SLACK  # covers as much in a sum of the same terms
TIE = 2.0**-22  # distances this close to one another may be reported as equal


@jit
def encode(rows, chosen, first, last, centre, codes, scales, errors, lengths):
    """Code rows chosen[first:last]: codes·scale ≈ row − centre, off by `errors` at most; lengths: ‖row − centre‖.

    codes: laid out as `products` wants them.
    """
    values = np.empty(rows.shape[1])
    for at in range(first, last):
        row = chosen[at]
        peak, length, error = 0.0, 0.0, 0.0
        for j in range(rows.shape[1]):
            values[j] = np.float64(decode(rows[row, j])) - centre[j]
            peak = max(peak, abs(values[j]))
            length += values[j] * values[j]
        scale = np.float64(np.float32(peak / 127)) if peak > 0 else 1.0
        per_scale = 1 / scale
        block, lane = row // ROWS, row % ROWS
        for j in range(rows.shape[1]):
            code = min(127.0, max(-127.0, np.rint(values[j] * per_scale)))
            codes[block, (j >> 2) * (4 * ROWS) + 4 * lane + (j & 3)] = np.int8(code)
            gap = values[j] - scale * code
            error += gap * gap
        scales[row] = scale
        lengths[row] = np.sqrt(length)
        errors[row] = np.sqrt(error) * (1 + _SLACK)


@jit
def select(
    queries, terms, squared, codes, scales, errors, lengths, owner, first, last, limits, best, found, lowers, counts
):
    """Rows [first, last) with a doc that may be among the nearest of each query.

    queries: as `products` wants them.  terms (q, 5) float64 per query: the step of its code, ‖query‖, the norm of what
    the code leaves out, a constant, and what to add to products. Distance is constant − dot, or with `squared`
    constant + ‖row‖² − 2 dot.  scales, errors, lengths (blocks, ROWS): of `encode`, so laid out that the loop over a
    block is compiled for vectors.  limits (q,): distances beyond which rows are not wanted; lowered as best (q, k), the
    smallest upper bounds, ascending, fills.  found, lowers (q, rows), counts (q,): rows whose lower bound was within
    the limit when they were met, and that bound. A NaN in `errors` keeps a row out.
    """
    together, factor = best.shape[0] // queries.shape[0], 2.0 if squared else 1.0
    sums = np.empty((together, ROWS), np.int32)
    scale, off, whole, square = np.empty(ROWS), np.empty(ROWS), np.empty(ROWS), np.empty(ROWS)
    lower, middle = np.empty(ROWS), np.empty(ROWS)
    factors = _factors(terms)
    for block in range(first // ROWS, (last + ROWS - 1) // ROWS):
        start = block * ROWS
        for r in range(ROWS):
            length = np.float64(lengths[block, r])
            scale[r] = factor * np.float64(scales[block, r])
            off[r] = factor * (np.float64(errors[block, r]) + _SLACK * length)
            whole[r] = factor * (np.float64(errors[block, r]) + length)
            square[r] = length * length if squared else 0.0
        for group in range(queries.shape[0]):
            products(codes, block, queries, group, sums)
            for i in range(together):
                q = group * together + i
                constant, bias, within = terms[q, 3], terms[q, 4], 0
                per_step, by_square, by_off, by_whole = factors[q, 0], factors[q, 1], factors[q, 2], factors[q, 3]
                level = (constant - limits[q] - _AMPLE * abs(constant)) * per_step
                for r in range(ROWS):
                    least = level + by_square * square[r] - by_off * off[r] - by_whole * whole[r]
                    lower[r] = scale[r] * (sums[i, r] + bias) - least  # stored, or the loop is compiled for one row
                    within += lower[r] >= 0
                if within:
                    _bound(sums, i, terms, q, scale, off, whole, square, lower, middle)
                    _keep(start, first, last, owner, lower, middle, q, limits, best, found, lowers, counts)


@jit
def _factors(terms):
    """(q, 4) float64: 1 / step of each query, and of what `select` knows of a row the weights, in steps, in its test.

    The test is by a bound a little below that of `_bound`, of half the arithmetic: there |middle| is at most
    |constant| + square + (norm + error) · whole.
    """
    factors = np.empty((len(terms), 4))
    for q in range(len(terms)):
        step, norm, error = terms[q, 0], terms[q, 1], terms[q, 2]
        per_step = 1 / step if step > 0 else 0.0  # a query that only fills a group
        factors[q, 0] = per_step
        factors[q, 1] = (1 - 2 * _AMPLE) * per_step
        factors[q, 2] = norm * per_step
        factors[q, 3] = (error + _AMPLE * (norm + error)) * per_step
    return factors


@leaf
def _bound(sums, i, terms, q, scale, off, whole, square, lower, middle):
    """Of each row of a block: a lower bound on its distance, and the middle between that and an upper bound."""
    step, norm, error, constant, bias = terms[q, 0], terms[q, 1], terms[q, 2], terms[q, 3], terms[q, 4]
    slack = _SLACK * abs(constant)
    for r in range(ROWS):
        middle[r] = constant + square[r] - step * scale[r] * (sums[i, r] + bias)
        doubt = norm * off[r] + error * whole[r] + slack + _SLACK * (square[r] + abs(middle[r]))
        lower[r] = middle[r] - doubt


@leaf
def _keep(start, first, last, owner, lower, middle, q, limits, best, found, lowers, counts):
    """Note the rows of a block that are within the limit, and lower the limit by their upper bounds."""
    k, count = best.shape[1], counts[q]
    for row in range(max(first, start), min(last, start + ROWS)):
        low = lower[row - start]
        if not low <= limits[q] or owner[row] < 0:
            continue
        found[q, count] = row
        lowers[q, count] = low
        count += 1
        upper = 2 * middle[row - start] - low
        if upper < best[q, k - 1]:
            place = k - 1
            while place > 0 and best[q, place - 1] > upper:
                best[q, place] = best[q, place - 1]
                place -= 1
            best[q, place] = upper
            limits[q] = min(limits[q], best[q, k - 1] + abs(best[q, k - 1]) * TIE)
    counts[q] = count
