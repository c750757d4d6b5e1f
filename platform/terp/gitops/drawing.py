"""The graph as a picture: Mermaid for Markdown, SVG for anything else. The critical path is drawn heavy."""

from itertools import pairwise

from terp.gitops.graph import Graph, with_needs

WIDTH, HEIGHT = 210, 26
"""Of a box."""
BESIDE, BELOW = 70, 14
"""Room between boxes."""
MARGIN = 34
STYLE = """\
text { font: 12px sans-serif; fill: #1f2328 }
rect { fill: #f6f8fa; stroke: #8c959f }
path { fill: none; stroke: #b6bcc4 }
rect.critical { fill: #fff1e5; stroke: #bc4c00; stroke-width: 2 }
path.critical { stroke: #bc4c00; stroke-width: 2.5 }"""


def mermaid(graph: Graph) -> str:
    """A flowchart, a box for each wave."""
    critical = set(pairwise(graph.critical_path))
    lines = ["flowchart LR"]
    for number, names in enumerate(graph.waves):
        lines += [
            f'    subgraph wave-{number}["wave {number}"]',
            *(f"        {name}" for name in names),
            "    end",
        ]
    for need, name in _edges(graph):
        lines.append(f"    {need} {'==>' if (need, name) in critical else '-->'} {name}")
    lines += ["    classDef critical stroke-width:3px,stroke:#bc4c00"]
    lines += [f"    class {','.join(graph.critical_path)} critical"] if graph.critical_path else []
    return "\n".join([*lines, ""])


def svg(graph: Graph) -> str:
    """A column for each wave, from left to right."""
    critical = set(pairwise(graph.critical_path))
    places = {
        name: (MARGIN + number * (WIDTH + BESIDE), MARGIN + row * (HEIGHT + BELOW))
        for number, names in enumerate(graph.waves)
        for row, name in enumerate(names)
    }
    width = 2 * MARGIN + len(graph.waves) * (WIDTH + BESIDE) - BESIDE
    height = 2 * MARGIN + max(map(len, graph.waves), default=0) * (HEIGHT + BELOW) - BELOW
    titles = [
        f'<text x="{MARGIN + number * (WIDTH + BESIDE)}" y="{MARGIN - 12}">wave {number}</text>'
        for number in range(len(graph.waves))
    ]
    edges = sorted(_edges(graph), key=lambda edge: edge in critical)  # heavy ones above the others
    lines = [_line(places[need], places[name], _class((need, name) in critical)) for need, name in edges]
    boxes = [_box(name, place, _class(name in graph.critical_path)) for name, place in places.items()]
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>\n{STYLE}\n</style>'
    return "\n".join([head, *titles, *lines, *boxes, "</svg>", ""])


def _edges(graph: Graph) -> list[tuple[str, str]]:
    """Needs that no other need implies."""
    edges = []
    for name in (name for names in graph.waves for name in names):
        needs = graph.needs[name]
        implied = with_needs((far for need in needs for far in graph.needs[need]), graph.needs)
        edges += [(need, name) for need in needs if need not in implied]
    return edges


def _class(critical: bool) -> str:
    return ' class="critical"' if critical else ""


def _line(start: tuple[int, int], end: tuple[int, int], style: str) -> str:
    (left, top), (right, bottom) = (start[0] + WIDTH, start[1] + HEIGHT // 2), (end[0], end[1] + HEIGHT // 2)
    bend = BESIDE // 2
    return f'<path{style} d="M{left},{top} C{left + bend},{top} {right - bend},{bottom} {right},{bottom}"/>'


def _box(name: str, place: tuple[int, int], style: str) -> str:
    x, y = place
    box = f'<rect{style} x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
    return f'{box}\n<text x="{x + 10}" y="{y + 17}">{name}</text>'
