"""Small accessible pieces of HTML for the tables: verdict pills, intervals, the score, chips. Colours come from whence.css."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

VERDICTS = {"holds": "✓", "fails": "✗", "undecided": "~", "not run": "–"}
WORDS = {"holds": "hold", "fails": "fail", "undecided": "undecided", "not run": "not run"}


def number(value: float) -> str:
    """Three significant figures, without an exponent where a reader needs none."""
    if value == 0 or not 1e-3 <= abs(value) < 1e6:
        return f"{value:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def pill(verdict: str) -> str:
    """A verdict in words, with a sign and a colour that only repeat it."""
    name = verdict.replace(" ", "-")
    return f'<span class="verdict verdict-{name}"><span aria-hidden="true">{VERDICTS[verdict]}</span> {verdict}</span>'


def score(counts: Mapping[str, int]) -> str:
    """How many verdicts are holds, fails, undecided or not run: one bar and the same in words."""
    total = sum(counts.values())
    shown = [(v, counts.get(v, 0)) for v in VERDICTS if counts.get(v, 0) or v != "not run"]
    bar = "".join(f'<span class="verdict-{v.replace(" ", "-")}" style="flex-grow:{n}"></span>' for v, n in shown if n)
    words = "".join(f'<li><b>{n}</b> <span class="verdict-{v.replace(" ", "-")}">{WORDS[v]}</span></li>' for v, n in shown)
    count = f"<li><b>{total}</b> {'verdict' if total == 1 else 'verdicts'}</li>"
    return f'<div class="claims-score"><div class="bar" aria-hidden="true">{bar}</div><ul>{count}{words}</ul></div>'


def interval(value: float, low: float, high: float, accept: tuple[float, float], published: float | None) -> str:
    """The measured interval over the range the test accepts (shaded), as an SVG of 150 x 26 px with the same in words."""
    finite = [x for x in (value, low, high, *accept, published) if x is not None and math.isfinite(x)]
    start, end = min(finite), max(finite)
    pad = 0.14 * (end - start) or 0.5 * abs(end) or 1.0
    start, end = start - pad, end + pad

    def x(v: float) -> float:
        return round(min(max((v - start) / (end - start), 0), 1) * 146 + 2, 1)

    left, right = x(accept[0]), x(accept[1])
    words = f"measured {number(value)}, interval {number(low)} to {number(high)}"
    parts = [f'<rect class="accepted" x="{left}" y="3" width="{max(right - left, 2):.1f}" height="20"/>']
    parts += [f'<path class="bound" d="M{x(b)} 3v20"/>' for b in accept if math.isfinite(b)]
    if published is not None:
        p = x(published)
        parts.append(f'<path class="published" d="M{p} 8l5 5l-5 5l-5-5z"/>')
        words += f", published {number(published)}"
    parts += [f'<path class="measured" d="M{x(low)} 13H{x(high)}"/>', f'<circle class="measured" cx="{x(value)}" cy="13" r="3.6"/>']
    return (
        f'<svg class="interval" role="img" aria-label="{escape(words)}" viewBox="0 0 150 26" width="150" height="26">'
        f"<title>{escape(words)}; the shaded range passes the test</title>{''.join(parts)}</svg>"
    )


def chips(pairs: Mapping[str, str], more: str = "") -> str:
    """Named facts in a row: what a badge is made of."""
    items = "".join(f"<li><span>{escape(name)}</span> {escape(value)}</li>" for name, value in pairs.items())
    return f'<ul class="run-badge" aria-label="The run shown on this page">{items}{more}</ul>'


def duration(seconds: float) -> str:
    """Seconds as a reader would say them: 8.4 s, 2 min 5 s, 1 h 12 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size(bytes_: float) -> str:
    """Bytes in kB or MB (decimal)."""
    return f"{bytes_ / 1e6:,.1f} MB" if bytes_ >= 1e6 else f"{bytes_ / 1e3:,.0f} kB"
