"""Print the installed distributions that carry a pulumi-plugin.json, as JSON."""

import importlib.metadata
import json

found = []
for distribution in importlib.metadata.distributions():
    for file in distribution.files or ():
        if file.name != "pulumi-plugin.json":
            continue
        try:
            plugin = json.loads(distribution.locate_file(file).read_text())
        except FileNotFoundError:  # an installer's record may be older than its files
            continue
        if not plugin.get("resource"):
            continue
        name = distribution.metadata["Name"].lower().replace("_", "-").removeprefix("pulumi-")
        wanted = {
            "name": plugin.get("name") or name,
            "version": plugin.get("version") or distribution.version,
            "server": plugin.get("server") or "",
        }
        if plugin.get("parameterization"):
            wanted["parameterization"] = plugin["parameterization"]
        found.append(wanted)
print(json.dumps(found))
