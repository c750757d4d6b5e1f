"""What the components of an environment ask for together, as far as it is known."""

from terp.environment.quantities import Requests, amount, thousandths
from terp.gitops.component import Component, Footprint
from terp.gitops.selection import Selection
from terp.gitops.surroundings import INSTANCE


def footprint(selection: Selection, replicas: int) -> Requests:
    """At least this much: more replicas than one are counted of databases alone."""
    each = (requests(component, replicas) for component in selection.components.values())
    return sum(each, start=Requests())


def requests(component: Component, replicas: int) -> Requests:
    """Of one component, with its volumes and databases."""
    own = component.footprint or Footprint(cpu="0", memory="0")
    instances = replicas * len(component.databases)
    sizes = [amount(each.size) for each in component.storage]
    sizes += [replicas * amount(each.size) for each in component.databases]
    return Requests(
        cpu=thousandths(own.cpu) + instances * thousandths(INSTANCE.cpu),
        memory=amount(own.memory) + instances * amount(INSTANCE.memory),
        storage=sum(sizes),
    )


def unknown(selection: Selection) -> tuple[str, ...]:
    """Of whom it is not known what they request, though something of them must be healthy."""
    components = selection.components.items()
    return tuple(name for name, each in components if each.health and not each.footprint)
