"""The phases of a recovery as a picture: a bar for each, where it began and as long as it took."""

from collections.abc import Sequence
from html import escape

from terp.progress import readable
from terp.recovery.rebuild import Phase

NAMES, BARS, TIMES = 150, 520, 90
"""Widths of the columns."""
ROW, BAR = 30, 18
MARGIN = 20
HEAD = 34
STYLE = """\
text { font: 12px sans-serif; fill: #1f2328 }
text.title { font-weight: bold }
rect { fill: #54aeff; stroke: #0969da }
line { stroke: #d0d7de }"""


def chart(title: str, phases: Sequence[Phase]) -> str:
    """An SVG."""
    whole = sum(each.seconds for each in phases) or 1.0
    width, height = 2 * MARGIN + NAMES + BARS + TIMES, 2 * MARGIN + HEAD + ROW * len(phases)
    left = MARGIN + NAMES
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">',
        f"<style>\n{STYLE}\n</style>",
        f'<text class="title" x="{MARGIN}" y="{MARGIN + 12}">{escape(title)}</text>',
        f'<line x1="{left}" y1="{MARGIN + HEAD - 6}" x2="{left}" y2="{height - MARGIN}"/>',
    ]
    begin = 0.0
    for number, phase in enumerate(phases):
        y = MARGIN + HEAD + ROW * number
        x, length = left + BARS * begin / whole, max(1.0, BARS * phase.seconds / whole)
        lines += [
            f'<text x="{MARGIN}" y="{y + 13}">{escape(phase.name)}</text>',
            f'<rect x="{x:.1f}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"/>',
            f'<text x="{x + length + 8:.1f}" y="{y + 13}">{readable(phase.seconds)}</text>',
        ]
        begin += phase.seconds
    return "\n".join([*lines, "</svg>", ""])
