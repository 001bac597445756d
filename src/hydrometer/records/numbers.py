"""How numbers are written for people: the same in equations, on screen and on paper."""

from __future__ import annotations

from decimal import Decimal

_SCALES = ((1e12, "trillion"), (1e9, "billion"))


def as_printed(value: int | Decimal) -> str:
    """Returns a published number with its digits, without an exponent: 180,000 for 180e3, 272.80 for 272.80."""
    return f"{value:,f}" if isinstance(value, Decimal) else f"{value:,}"


def readable(value: float) -> str:
    """Returns the number as a person writes it: 2,788,000, 14.8 trillion, 3.94e24, 19.93.

    Args:
        value: any finite number.
    """
    size = abs(value)
    # Above ten thousand trillion words help nobody any more.
    if size >= 1e16:
        return f"{value:.3e}".replace("e+", "e")
    for scale, word in _SCALES:
        if size >= scale:
            return f"{_plain(value / scale, 5)} {word}"
    if size >= 1e3:
        return f"{value:,.0f}"
    return _plain(value, 4)


def _plain(value: float, digits: int) -> str:
    text = f"{value:.{digits}g}"
    return f"{float(text):,.0f}" if "e" in text else text


def usd(value: float) -> str:
    """Returns dollars as a person writes them: $14.20, $5.576 million, $1.6 billion."""
    size = abs(value)
    if size >= 1e9:
        return f"${_plain(value / 1e9, 4)} billion"
    if size >= 1e6:
        return f"${_plain(value / 1e6, 4)} million"
    if size >= 1e3:
        return f"${value:,.0f}"
    return f"${value:,.2f}"


def usd_range(low: float, high: float) -> str:
    """Returns a range of estimated dollars with two digits each: more would claim what no estimate knows."""
    return f"{rough_usd(low)} to {rough_usd(high)}"


def rough_usd(value: float) -> str:
    """Returns estimated dollars with two digits; below $100 with cents."""
    return usd(float(f"{value:.2g}")) if value >= 100 else usd(value)


def percent(value: float, digits: int = 1) -> str:
    """Returns a fraction as a percentage."""
    return f"{100 * value:.{digits}f} %"


def fraction(pvalue: float, n_models: int) -> str:
    """Returns a p-value over so many models as it was counted, as `1/28`: it can never be 0."""
    return f"{round(pvalue * (n_models + 1))}/{n_models + 1}"


def amount(value: float, unit: str) -> str:
    """Returns the number with its unit, in the form that people use for that unit."""
    if unit == "USD":
        return usd(value)
    if unit == "USD per accelerator-hour":
        return f"{usd(value)} per accelerator-hour"
    if unit == "fraction":
        return percent(value, 2 if value < 1 else 0)
    if unit == "FLOP/s per accelerator":
        return f"{_plain(value / 1e12, 4)} TFLOP/s per accelerator"
    return f"{readable(value)} {unit}"


def estimated(value: float) -> str:
    """Returns an estimated number with two digits: 0.33, 9.6, 110, 1.2 million; more would claim what nobody knows."""
    rounded = float(f"{value:.2g}")
    return readable(rounded) if abs(rounded) >= 1e6 else f"{rounded:,.0f}" if abs(rounded) >= 10 else f"{rounded:g}"


def chance(value: float) -> str:
    """Returns a probability as a whole percentage, without claiming that anything is impossible or certain."""
    if 0 < value < 0.01:
        return "below 1 %"
    return "above 99 %" if 0.99 < value < 1 else percent(value, 0)
