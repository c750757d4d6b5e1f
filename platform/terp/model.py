"""The form of every model: frozen, and strict about unknown keys."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """A frozen value without I/O; an unknown key is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
