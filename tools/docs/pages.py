"""The pages: an index of all layers by domain, and a page a layer. All that they say is read from the declarations."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from stratoquant.graph.kernels import kernel_source
from stratoquant.graph.language import DOMAINS, Layer
from stratoquant.tools.catalogue import cost_of, output_rows, param_rows, port_rows, wired_in
from stratoquant.tools.docs.formulas import with_formulas

_HERE = Path(__file__).parent
_SECTIONS = ("Rule:", "Note:")


def pages(layers: Sequence[Layer]) -> dict[str, str]:
    """File name to HTML: index.html and a page for each layer."""
    ordered = sorted(layers, key=_place)
    made = {"index.html": _page("Layers", _index(ordered))}
    for before, layer, after in zip([None, *ordered], ordered, [*ordered[1:], None], strict=False):
        made[file_name(layer)] = _page(f"{layer.key} {layer.name}", _layer(layer, before, after))
    return made


def file_name(layer: Layer) -> str:
    return f"{layer.identifier}.html"


def _place(layer: Layer) -> tuple[int, int, str]:
    return layer.number is None, layer.number or 0, layer.name


def _page(title: str, body: str) -> str:
    template = Template((_HERE / "page.html").read_text(encoding="utf-8"))
    style = (_HERE / "page.css").read_text(encoding="utf-8")
    return template.substitute(title=escape(title), style=style, body=body)


def _index(layers: Sequence[Layer]) -> str:
    numbered = [one for one in layers if one.number is not None]
    parts = [
        "<header><h1>Layers</h1>",
        f"<p>{len(numbered)} numbered layers and {len(layers) - len(numbered)} blocks, as they declare themselves.</p>",
        '<input id="find" type="search" placeholder="Find a layer, a port, a source" aria-label="Find"></header>',
    ]
    for domain in DOMAINS:
        own = [one for one in layers if one.domain == domain]
        if own:
            rows = "".join(_index_row(one) for one in own)
            parts.append(f'<section class="domain"><h2>{domain}</h2><table><tbody>{rows}</tbody></table></section>')
    return "".join(parts)


def _index_row(layer: Layer) -> str:
    words = " ".join([layer.key, layer.name, layer.domain, layer.source, *layer.inputs, *layer.outputs]).lower()
    key = "" if layer.number is None else layer.key
    link = f'<a href="{file_name(layer)}">{escape(layer.name)}</a>'
    return (
        f'<tr data-words="{escape(words)}"><td class="key">{key}</td><td>{link}</td>'
        f'<td>{escape(headline(layer))}</td><td class="ports">{", ".join(layer.outputs)}</td></tr>'
    )


def headline(layer: Layer) -> str:
    """The first sentence of a layer's page, without the key that it begins with."""
    sentence = layer.doc.partition("\n")[0].partition(": ")[2].replace("`", "")
    return sentence[:1].upper() + sentence[1:]


def _layer(layer: Layer, before: Layer | None, after: Layer | None) -> str:
    parts = [
        f'<nav><a href="index.html">Layers</a>{_link(before, "rel=prev")}{_link(after, "rel=next")}</nav>',
        f'<header><p class="key">{layer.key} · {layer.domain}</p><h1>{escape(layer.name)}</h1>',
        f"<p>{escape(headline(layer))}</p></header>",
        *(_prose(layer, title) for title in _SECTIONS),
        _facts(layer),
        _table("Inputs", ("port", "type", "meaning"), port_rows(layer.inputs)),
        _table("Outputs", ("port", "type", "meaning"), output_rows(layer)),
        _table("Parameters", ("name", "default", "meaning"), param_rows(layer)),
        *(_labels(port, names) for port, names in layer.labels.items()),
        f"<details><summary>Kernel</summary><pre>{escape(_source(layer))}</pre></details>",
    ]
    return "".join(parts)


def _link(layer: Layer | None, role: str) -> str:
    return f'<a {role} href="{file_name(layer)}">{layer.key}</a>' if layer else ""


def _prose(layer: Layer, title: str) -> str:
    """A section of the page's text, its equations set; nothing when the layer has none."""
    lines = layer.doc.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith(title)]
    if not starts:
        return ""
    own = [lines[starts[0]].removeprefix(title)]
    for line in lines[starts[0] + 1 :]:
        if line.startswith(_SECTIONS):
            break
        own.append(line)
    names = {*layer.inputs, *layer.outputs, *(layer.params.model_fields if layer.params else ())}
    return f'<section><h2>{title[:-1]}</h2><p class="rule">{with_formulas(" ".join(own), names)}</p></section>'


_ON_TRADINGVIEW = {
    "yes": "translated to Pine",
    "no": "left out of an indicator",
    "source": "the chart's bars",
}


def _facts(layer: Layer) -> str:
    facts = {
        "source": layer.source,
        "compared with": layer.oracle,
        "scope": "portfolio: one step for all symbols" if layer.portfolio else "",
        "loop": "closed: reads the account" if layer.closed_loop else "",
        "on TradingView": _ON_TRADINGVIEW[layer.pine],
        "wired in": ", ".join(wired_in(layer)),
        "cost": cost_of(layer),
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in facts.items() if text)
    return f"<dl>{rows}</dl>"


def _table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(
        f'<tr><td class="key">{escape(a)}</td><td>{escape(b)}</td><td>{escape(c)}</td></tr>' for a, b, c in rows
    )
    head = "".join(f"<th>{h}</th>" for h in heads)
    if not body:
        return ""
    return f"<section><h2>{title}</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"


def _labels(port: str, names: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    return f'<section><h2>{port}</h2><ol start="0" class="labels">{items}</ol></section>'


def _source(layer: Layer) -> str:
    return inspect.cleandoc(kernel_source(layer.step).text)
