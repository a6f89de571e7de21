"""Compiled loops of the insulin task: what the pump and plate deliver, what is sensed and judged.

All arrays have the patient first. The formulas are those named in ``therapy`` (dosing, onboard,
view, risk); tests hold the two against each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..physiology import respond
from ..physiology.jit import njit
from ..physiology.respond import EATING_G_PER_MIN
from ..therapy import dosing, onboard, protocols, pump, view
from ..therapy.onboard import FILTERS_MIN
from ..therapy.protocols import KOVATCHEV as _KOVATCHEV
from ..therapy.protocols import MAGNI as _MAGNI
from ..therapy.view import INSULIN_VIEW, LAGS_MIN
from . import reward as _reward
from . import stale
from .reward import LARGEST_RISK

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_rise: Any = njit(dosing.rise)
_rise_inverse: Any = njit(dosing.rise_inverse)
_pump: Any = njit(pump.pump_deliver)
_SPAN, _SHARE = dosing.BASAL_SPAN, dosing.BOLUS_SHARE

N_FILTERS, N_LAGS = len(FILTERS_MIN), len(LAGS_MIN)
N_FEATURES = len(INSULIN_VIEW.features)
_OFFSET = np.array([f.offset for f in INSULIN_VIEW.features])
_SCALE = np.array([f.scale for f in INSULIN_VIEW.features])
_LOW, _HIGH = INSULIN_VIEW.low.astype(np.float64), INSULIN_VIEW.high.astype(np.float64)

MINUTES_A_DAY = 1440
LOW_MG_DL = 80.0
_DAY = 2.0 * np.pi * np.arange(MINUTES_A_DAY) / MINUTES_A_DAY
_CLOCK = np.stack([np.sin(_DAY), np.cos(_DAY), np.sin(2 * _DAY), np.cos(2 * _DAY)], axis=1)

# columns of a chart row; from LOGS on, the logarithms that the view shows, in its order
BASAL, RATIO, CORRECTION, DAILY, WEIGHT, IOB_CAP, LOGS = range(7)
IN_LOGS = (BASAL, DAILY, WEIGHT, RATIO, CORRECTION)
N_LOGS = len(IN_LOGS)
# positions of a memory row: two on-board compartments, dose filters, told carbohydrate, CGM, lows
TOLD = 2 + N_FILTERS
CGM_DAY, LOW_DAY = TOLD + 1, TOLD + 2
# the reward's codes
MAGNI, KOVATCHEV, TIME_IN_RANGE, SIMGLUCOSE = range(4)


@njit(nogil=True, cache=True)
def deliver(
    mode: int, action: Floats, minute: Ints, index: Ints, chart: Floats, plate: Floats,
    meal_next: Ints, meals: Floats, told_now: Floats, pumps: Floats, flow: Floats, step: int,
    u: Floats, dose: Floats, applied: Singles,
) -> int:  # fmt: skip
    """Fill inputs ``u`` (T, 2, B) and ``dose`` (B, 3: basal U/h, bolus U, limited).

    ``dose`` is what the pump is set to; ``flow`` (B, steps or 1, 2) is what really flows against
    it. ``plate`` and ``meal_next`` are overwritten, ``applied`` (B, A) receives the action that
    asks for just what the pump is set to. Returns the first lane whose action is not finite or
    out of [-1, 1], or -1.
    """
    for b in range(action.shape[0]):
        for a in range(action.shape[1]):
            if not (-1.000001 <= action[b, a] <= 1.000001):
                return b
            applied[b, a] = min(max(action[b, a], -1.0), 1.0)
        usual, standard = chart[b, BASAL], told_now[b] / chart[b, RATIO]
        most_basal, most_bolus = _SPAN * usual, _SHARE * chart[b, DAILY]
        first = min(max(action[b, 0], -1.0), 1.0)
        basal, bolus = usual, 0.0
        if mode == 2:
            bolus = standard * (1.0 + first)
        else:
            basal = most_basal * _rise(first)
            if mode == 1:
                bolus = most_bolus * _rise(min(max(action[b, 1], -1.0), 1.0))
        given, shot = _pump(basal, bolus, pumps[0], pumps[1], pumps[2], pumps[3])
        if mode == 2 and shot != bolus:
            applied[b, 0] = shot / standard - 1.0
        if mode < 2 and given != basal:
            applied[b, 0] = _rise_inverse(min(given / most_basal, 1.0))
        if mode == 1 and shot != bolus:
            applied[b, 1] = _rise_inverse(min(shot / most_bolus, 1.0))
        limited = basal > pumps[0] + 1e-9 or bolus > pumps[2] + 1e-9
        dose[b, 0], dose[b, 1], dose[b, 2] = given, shot, 1.0 if limited else 0.0
        k = min(index[b], flow.shape[1] - 1)
        rate = given * flow[b, k, 0] / 60.0 + shot * flow[b, k, 1] / step
        food, ahead = plate[b], meal_next[b]
        for t in range(step):
            now = minute[b] + t
            while ahead < meals.shape[1] and meals[b, ahead, 0] <= now:
                food += meals[b, ahead, 1]
                ahead += 1
            bite = min(food, EATING_G_PER_MIN)
            food -= bite
            u[t, 0, b] = bite
            u[t, 1, b] = rate
        plate[b], meal_next[b] = food, ahead
    return -1


@njit(nogil=True, cache=True)
def treat_low(
    minute: Ints, history: Floats, heed: Floats, rescue: Floats, last: Ints, plate: Floats,
    eaten: Floats,
) -> None:  # fmt: skip
    """Put rescue carbohydrate on the plate of those who notice a low; fills ``eaten`` (B,) in g.

    ``rescue``: grams, thresholds awake and asleep (mg/dL), wait (min), heeding awake and asleep;
    ``heed`` (B, hours) is uniform; ``last`` (B,), minute of the last treatment, is overwritten.
    """
    for b in range(minute.shape[0]):
        eaten[b] = 0.0
        hour = minute[b] // 60
        awake = 7 <= hour % 24 < 23
        threshold = rescue[1] if awake else rescue[2]
        heeds = heed[b, hour % heed.shape[1]] < (rescue[4] if awake else rescue[5])
        if heeds and history[b, 0] < threshold and minute[b] - last[b] >= rescue[3]:
            plate[b] += rescue[0]
            eaten[b], last[b] = rescue[0], minute[b]


@njit(nogil=True, cache=True)
def hear(minute: Ints, told: Floats, told_next: Ints, told_now: Floats) -> None:
    """Fill ``told_now`` (B,) with the grams announced up to ``minute``; advances ``told_next``."""
    for b in range(minute.shape[0]):
        grams, ahead = 0.0, told_next[b]
        while ahead < told.shape[1] and told[b, ahead, 0] <= minute[b]:
            grams += told[b, ahead, 1]
            ahead += 1
        told_now[b], told_next[b] = grams, ahead


@njit(nogil=True, cache=True)
def remember(
    chart: Floats, dose: Floats, told_now: Floats, cgm: Floats, decays: Floats, step: int,
    memory: Floats,
) -> None:  # fmt: skip
    """Update the memories (B, M) in place after one interval that ended at reading ``cgm`` (B,)."""
    for b in range(chart.shape[0]):
        usual = chart[b, BASAL]
        extra = (dose[b, 0] - usual) * step / 60.0 + dose[b, 1]
        keep = decays[0]
        first = memory[b, 0] + extra
        memory[b, 1] = keep * (memory[b, 1] - np.log(keep) * first)
        memory[b, 0] = keep * first
        ratio = (dose[b, 0] + dose[b, 1] * 60.0 / step) / usual
        for i in range(N_FILTERS):
            keep = decays[1 + i]
            memory[b, 2 + i] = keep * memory[b, 2 + i] + (1.0 - keep) * ratio
        memory[b, TOLD] = decays[1 + N_FILTERS] * memory[b, TOLD] + told_now[b]
        keep = decays[2 + N_FILTERS]
        memory[b, CGM_DAY] = keep * memory[b, CGM_DAY] + (1.0 - keep) * cgm[b]
        memory[b, LOW_DAY] = keep * memory[b, LOW_DAY] + (1.0 - keep) * max(LOW_MG_DL - cgm[b], 0.0)


@njit(nogil=True, cache=True)
def observe(
    minute: Ints, history: Floats, lags: Ints, between: Floats, memory: Floats, told_now:
    Floats, chart: Floats, out: Singles,
) -> None:  # fmt: skip
    """Write the stored observation (B, N_FEATURES) float32; see ``therapy.view``.

    A lag that falls between two kept readings, ``lags`` and a part ``between`` of a step ago, is
    read by linear interpolation.
    """
    row = np.empty(N_FEATURES)
    for b in range(minute.shape[0]):
        row[0] = history[b, 0]
        for i in range(N_LAGS):
            past = history[b, lags[i]]
            if between[i] > 0.0:
                past += between[i] * (history[b, lags[i] + 1] - past)
            row[1 + i] = history[b, 0] - past
        k = 1 + N_LAGS
        row[k] = (memory[b, 0] + memory[b, 1]) / chart[b, DAILY]
        for i in range(N_FILTERS):
            row[k + 1 + i] = np.log1p(max(memory[b, 2 + i], 0.0))
        k += 1 + N_FILTERS
        clock = minute[b] % MINUTES_A_DAY
        for i in range(4):
            row[k + i] = _CLOCK[clock, i]
        for i in range(N_LOGS):
            row[k + 4 + i] = chart[b, LOGS + i]
        row[k + 9] = told_now[b]
        row[k + 10] = memory[b, TOLD]
        row[k + 11] = memory[b, CGM_DAY]
        row[k + 12] = memory[b, LOW_DAY]
        for i in range(N_FEATURES):
            value = (row[i] - _OFFSET[i]) / _SCALE[i]
            out[b, i] = min(max(value, _LOW[i]), _HIGH[i])


@njit(nogil=True, cache=True)
def sense(
    interstitial: Floats, gain: Floats, offset: Floats, step_index: Ints, low: float, high:
    float, history: Floats, fresh: Floats,
) -> None:  # fmt: skip
    """Put the new reading in front of the CGM history: ``fresh`` (B, H) from ``history``."""
    last, end = history.shape[1] - 1, gain.shape[1] - 1
    for b in range(interstitial.shape[0]):
        # A lane that waits for its reset is stepped once past its end.
        k = min(step_index[b], end)
        reading = gain[b, k] * interstitial[b] + offset[b, k]
        fresh[b, 0] = min(max(reading, low), high)
        for i in range(last):
            fresh[b, i + 1] = history[b, i]


# Numba freezes plain numbers of the module into the compiled code, not attributes of records.
_K_SCALE, _K_POWER, _K_SHIFT = _KOVATCHEV.scale, _KOVATCHEV.power, _KOVATCHEV.shift
_K_LOW, _K_HIGH = _KOVATCHEV.clamp_low, _KOVATCHEV.clamp_high
_M_SCALE, _M_POWER, _M_SHIFT, _M_FLOOR = _MAGNI.scale, _MAGNI.power, _MAGNI.shift, _MAGNI.floor


@njit(nogil=True)
def kovatchev(glucose: float) -> float:
    """Return the Kovatchev risk of one glucose in mg/dL (see ``therapy.risk``)."""
    if glucose <= _K_LOW or glucose >= _K_HIGH:
        return LARGEST_RISK
    f = _K_SCALE * (np.log(glucose) ** _K_POWER - _K_SHIFT)
    return 10.0 * f * f


@njit(nogil=True)
def magni(glucose: float) -> float:
    """Return the Magni risk of one glucose in mg/dL (see ``therapy.risk``)."""
    f = _M_SCALE * (np.log(max(glucose, _M_FLOOR)) ** _M_POWER - _M_SHIFT)
    return 10.0 * f * f


@njit(nogil=True)
def reward_of(code: int, glucose: float, before: float, died: bool, caps: Floats) -> float:
    """Return the reward of one interval; ``caps`` are the risk caps and penalties by code."""
    if code == MAGNI:
        value = 1.0 - min(magni(glucose), caps[0, 0]) / caps[0, 0]
    elif code == KOVATCHEV:
        value = 1.0 - min(kovatchev(glucose), caps[1, 0]) / caps[1, 0]
    elif code == TIME_IN_RANGE:
        value = 1.0 if caps[2, 0] <= glucose <= caps[2, 2] else 0.0
    else:
        value = kovatchev(before) - kovatchev(glucose)
    return value - caps[code, 1] if died else value


@njit(nogil=True, cache=True)
def judge(
    outputs: Floats, before: Floats, chart: Floats, memory: Floats, dose: Floats, u: Floats,
    history: Floats, rescued: Floats, limits: Floats, ends: Floats, code: int, caps: Floats,
    weights: Floats, minute: Ints, left: Ints, total: Floats, log: Floats, reward: Floats,
    done: Flags,
) -> None:  # fmt: skip
    """Fill ``log`` (B, 17), ``reward`` (B,), ``done`` (B, 2); add the costs to ``total`` (B,)."""
    for b in range(outputs.shape[0]):
        glucose = outputs[b, 1]
        iob = memory[b, 0] + memory[b, 1]
        log[b, 0] = 1.0 if glucose < limits[0] else 0.0
        log[b, 1] = 1.0 if glucose < limits[1] else 0.0
        log[b, 2] = 1.0 if glucose > limits[2] else 0.0
        log[b, 3] = 1.0 if iob > chart[b, IOB_CAP] else 0.0
        cost = log[b, 0] + log[b, 1] + log[b, 2] + log[b, 3]
        total[b] += cost
        eaten = 0.0
        for t in range(u.shape[0]):
            eaten += u[t, 0, b]
        log[b, 4], log[b, 5], log[b, 6], log[b, 7] = cost, total[b], minute[b], dose[b, 2]
        log[b, 8], log[b, 9], log[b, 10] = glucose, outputs[b, 0], outputs[b, 2]
        log[b, 11], log[b, 12], log[b, 13], log[b, 14] = eaten, dose[b, 0], dose[b, 1], iob
        log[b, 15], log[b, 16] = history[b, 0], rescued[b]
        died = glucose < ends[0] or glucose > ends[1]
        paid = 0.0
        for i in range(weights.shape[0]):
            paid += weights[i] * log[b, i]
        reward[b] = reward_of(code, glucose, before[b], died, caps) - paid
        done[b, 0] = died
        done[b, 1] = left[b] <= 0 and not died


_FROZEN = stale.fingerprint((respond, dosing, onboard, protocols, pump, view, _reward))


@njit(cache=True)
def frozen_from() -> int:
    """Return the fingerprint of the files that the compiled kernels have frozen values from."""
    return _FROZEN


stale.forget_stale(
    frozen_from, _FROZEN, (deliver, treat_low, hear, remember, observe, sense, judge)
)
