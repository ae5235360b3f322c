"""The wiring document as pydantic models: what a YAML file may hold. What its words refer to is resolved later."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1

Reference = Annotated[
    Any,
    Field(
        description="NODE.port, a number, none, a list of these, or NODE.port@-1 else VALUE for the step before",
        json_schema_extra={"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "array"}]},
    ),
]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ModelSection(_Section):
    """The file with the numbers of a fitted layer, as `stratoquant fit` writes it."""

    file: str = Field(description="path of the model file, relative to this one")
    sha256: str = Field(description="SHA-256 of the file; the fit prints it")


class NodeSection(_Section):
    """One placed layer. The key of the section is the node's name; by default it also names the layer."""

    layer: str | None = Field(None, description="key of the layer, such as L14 or sma; default: the node's own key")
    clock: str | None = Field(None, description="step when a bar of this clock closes, such as 15m; default: the base")
    inputs: dict[str, Reference] = Field(default_factory=dict, description="what feeds each input port")
    params: dict[str, int | float] = Field(default_factory=dict, description="parameters that differ from the default")
    model: ModelSection | None = Field(None, description="where a layer that was fitted to data has its numbers")


class Overrides(_Section):
    """What differs from the included files: any node by its key, and the ports of the orders."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, NodeSection] = Field(init=False)

    orders: dict[str, Reference] = Field(default_factory=dict, description="ports of the orders that differ here")

    @property
    def nodes(self) -> dict[str, NodeSection]:
        return self.__pydantic_extra__


class Wiring(_Section):
    """A wiring file, or a file that one includes."""

    stratoquant: Literal[1] = Field(description="version of this format")
    name: str = Field("", description="short name, used for files and reports")
    description: str = ""
    clock: str | None = Field(None, description="spacing of the base bars, such as 1m")
    symbols: list[str] = Field(default_factory=list, description="default symbols; the command line may name others")
    include: list[str] = Field(default_factory=list, description="files whose nodes are added, relative to this one")
    layers: list[str] = Field(default_factory=list, description="folders with layers of your own")
    nodes: dict[str, NodeSection] = Field(default_factory=dict)
    override: Overrides = Field(
        default_factory=lambda: Overrides(),
        description="inputs, parameters or clock of included nodes that differ here; `orders` for ports of the orders",
    )
    orders: dict[str, Reference] = Field(default_factory=dict, description="what is sent to the venue")
    record: list[str] = Field(default_factory=list, description="ports to keep for every bar")
    outputs: Literal["all", "used"] = Field(
        "all", description="`used` leaves out of the compiled step what is neither read, recorded, ordered nor a role"
    )
    roles: dict[str, str] = Field(default_factory=dict, description="which port reports show as price, regime, ...")
