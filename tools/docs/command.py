"""`stratoquant docs`: writes the catalogue as static HTML."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def docs(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the pages; one that is there is replaced.")
    ] = Path("docs/layers"),
    folder: Annotated[Path | None, typer.Option(help="Also the layers of your own in this folder.")] = None,
) -> None:
    """Write the catalogue as static HTML: an index, and a page a layer with its formulas, ports and parameters.

    Example: stratoquant docs -o site/
    """
    from stratoquant.graph.passes.p2_resolve import read_layer
    from stratoquant.layers import catalogue
    from stratoquant.runtime.files import write_text
    from stratoquant.runtime.folders import write_folder
    from stratoquant.tools.docs.pages import pages

    registry = catalogue()
    if folder is not None:
        if not folder.is_dir():
            raise typer.BadParameter(f"{folder} is no folder")
        registry = registry.with_folder(folder)
    made = pages([read_layer(key, registry) for key in registry.keys()])  # noqa: SIM118 - a registry is no mapping
    with write_folder(output, made) as part:
        for name, text in made.items():
            write_text(part / name, text)
    print(output / "index.html")
