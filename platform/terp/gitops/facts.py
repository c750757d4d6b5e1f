"""What the components are told of the environment: one typed object, from which their values are made."""

from pydantic import Field

from terp.model import Model


class Facts(Model):
    """The environment as the platform sees it."""

    environment: str = Field(title="Environment", description="Name of the stack.", examples=["production"])
    domain: str = Field(
        title="Domain", description="Below it lie the platform's names.", examples=["ml.example.org"]
    )
    replicas: int = Field(
        title="Replicas", description="Of what must not fail: one, or three in the profile ha.", examples=[3]
    )


FACTS = frozenset(Facts.model_fields)
"""The words that a component's values may ask for, beside capabilities."""
