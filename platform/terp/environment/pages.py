"""The pages of docs/environment: an overview, and one for each section of the file; made from the models."""

import inspect

from terp.environment import schema
from terp.environment.findings import Key
from terp.environment.reference import entry, is_next
from terp.environment.rules import RULES

DEPTH = 2
"""Sections down to here have a page; what lies deeper is part of it."""
SPELLING = {"ip": "IP", "ips": "IPs", "ipv6": "IPv6", "ssh": "SSH"}
OVERVIEW = """\
# The environment

One file, `stacks/Pulumi.<environment>.yaml`, says what an environment is. All of it stands under one key,
`config: terp:environment:`. These pages are made from its models in `platform/terp/environment`; the command
line says the same:

```sh
scripts/terp explain                      # every key
scripts/terp explain nodes.pools.flavor   # one of them
scripts/terp config check production      # is the file right, and what does it amount to?
```

The file is checked as a whole before anything is changed: its form, and its keys against each other (ranges
that overlap, a subnet that is too small, an address that two servers would have). Every mistake is told with
its line and with what would be right. What only the cloud knows (flavors, images, quota, other networks) is
asked of the cloud by [preflight](../preflight.md), which says as well what the credential may not see.

Editors complete and check a file that begins with `# yaml-language-server: $schema=` and the way to
[schema.json](schema.json), as those in `stacks/` do.

| section | what it says |
|---|---|"""


def pages() -> dict[str, str]:
    """Markdown by the name of the file: an overview, and a page for each section."""
    sections = [key for key, node in schema.every_key() if _has_page(key, node)]
    return {"index.md": _overview(sections), **{f"{shown_page(key)}.md": _page(key) for key in sections}}


def shown_page(key: Key) -> str:
    """`nodes.pools`, the name of a page."""
    return ".".join(str(step) for step in key)


def _has_page(key: Key, node: schema.Node) -> bool:
    return len(key) <= DEPTH and bool(_properties(node))


def _properties(node: schema.Node) -> schema.Node:
    inner = schema.named(node)
    found: schema.Node = (schema.resolved(inner) if inner else node).get("properties", {})
    return found


def _overview(sections: list[Key]) -> str:
    table = [
        f"| [{shown_page(key)}]({shown_page(key)}.md) | {_cell(entry(key).description)} |" for key in sections
    ]
    alone = [key for key, _ in schema.every_key() if len(key) == 1 and key not in sections]
    rules = [f"- **{_sentence(rule.__name__)}.** {inspect.getdoc(rule)}" for rule in RULES]
    keys = [line for key in alone for line in _section(key)]
    return "\n".join([OVERVIEW, *table, "", *keys, "## What is checked between the keys", "", *rules, ""])


def _sentence(name: str) -> str:
    """`a_port_has_one_floating_ip` as words."""
    words = " ".join(SPELLING.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def _page(key: Key) -> str:
    own = entry(key)
    mapping = schema.named(schema.at(key) or {}) is not None
    lines = [f"# {shown_page(key)}", "", own.description, ""]
    if mapping:
        lines += [f"A name of your own for each: {schema.name_kind(schema.at(key) or {}).rstrip(',;')}.", ""]
    lines += [
        "Must be given." if own.required else "May be left out.",
        "",
        "| key | what it is |",
        "|---|---|",
    ]
    inside = [each for each, _ in schema.every_key(schema.at(key), key)]
    direct = [each for each in inside if is_next(key, each)]
    for each in direct:
        lines.append(
            f"| {_link(each)} | {_cell(entry(each).title)}{' (required)' if entry(each).required else ''} |"
        )
    lines.append("")
    for each in inside:
        if not any(
            _has_page(each[:length], schema.at(each[:length]) or {}) for length in range(len(key) + 1, 3)
        ):
            lines += _section(each)
    return "\n".join(lines)


def _link(key: Key) -> str:
    name = str(key[-1])
    return (
        f"[{name}]({shown_page(key)}.md)"
        if _has_page(key, schema.at(key) or {})
        else f"[{name}](#{_anchor(key)})"
    )


def _anchor(key: Key) -> str:
    return "-".join(str(step) for step in key if step != "*")


def _section(key: Key) -> list[str]:
    each = entry(key)
    facts = {
        "Value": each.value if not each.inner else "a mapping" if not each.key.endswith("[]") else each.value,
        "Unit": each.unit,
        "Default": f"`{each.default}`"
        if each.default not in {None, "none", "as its keys say"}
        else each.default,
        "Example": f"`{each.example}`" if each.example else None,
    }
    return [
        f"## {each.key} {{ #{_anchor(key)} }}"
        if "<" not in each.key
        else f"## `{each.key}` {{ #{_anchor(key)} }}",
        "",
        f"**{each.title}.** {each.description}",
        "",
        *(["- Must be given."] if each.required else []),
        *(f"- {name}: {fact}" for name, fact in facts.items() if fact),
        "",
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
