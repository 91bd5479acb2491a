"""Quarter-size copies of rows, and bounds on distances read from them."""

from __future__ import annotations

import numpy as np

from redisvss.index.kernels.arith import dot, jit

_SLACK = 2.0**-21  # covers rounding in float32 of what is stored and of the reported distance


@jit
def encode(rows, chosen, first, last, centre, codes, scales, errors, lengths):
    """Code rows chosen[first:last]: codes·scale ≈ row − centre, off by `errors` at most; lengths: ‖row − centre‖."""
    for at in range(first, last):
        row = chosen[at]
        peak, length, error = 0.0, 0.0, 0.0
        for j in range(rows.shape[1]):
            value = np.float64(rows[row, j]) - centre[j]
            peak = max(peak, abs(value))
            length += value * value
        scale = np.float64(np.float32(peak / 127)) if peak > 0 else 1.0
        for j in range(rows.shape[1]):
            value = np.float64(rows[row, j]) - centre[j]
            code = np.rint(value / scale)
            codes[row, j] = np.int8(min(127.0, max(-127.0, code)))
            gap = value - scale * codes[row, j]
            error += gap * gap
        scales[row] = scale
        lengths[row] = np.sqrt(length)
        errors[row] = np.sqrt(error) * (1 + _SLACK)


@jit
def bounds(
    query, step, norm, error, squared, constant, codes, scales, errors, lengths, owner, first, last, lower, best
):
    """lower[first:last] = lower bounds of distances (infinite for rows without a doc); best: smallest upper bounds.

    query (dim,) int16, `step` per unit, off by `error`; norm: ‖query‖. Distance is constant − dot, or with `squared`
    constant + ‖row‖² − 2 dot. best (k,) float64 ascending, initially infinite.
    """
    k = len(best)
    for row in range(first, last):
        if owner[row] < 0:
            lower[row] = np.inf
            continue
        scale, length, off = np.float64(scales[row]), np.float64(lengths[row]), np.float64(errors[row])
        product = np.float64(dot(query, codes, row)) * scale * step
        doubt = norm * off + error * (length + off) + _SLACK * norm * length
        if squared:
            middle = constant + length * length - 2 * product
            doubt = 2 * doubt + _SLACK * (length * length + constant)
        else:
            middle = constant - product
            doubt += _SLACK * abs(constant)
        lower[row] = middle - doubt - _SLACK * abs(middle)
        upper = middle + doubt + _SLACK * abs(middle)
        if upper < best[k - 1]:
            place = k - 1
            while place > 0 and best[place - 1] > upper:
                best[place] = best[place - 1]
                place -= 1
            best[place] = upper
