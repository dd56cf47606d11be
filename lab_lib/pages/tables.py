"""Write tables and images for a notebook as HTML. Text has no colour of its own: a dark theme has another."""

import base64
from collections.abc import Iterable
from html import escape


def table(rows: Iterable[Iterable[str]], titles: Iterable[str] = ()) -> str:
    """Return a table of these cells, which are HTML."""
    cell = '<td style="text-align:left;vertical-align:top">{}</td>'
    body = "".join(f"<tr>{''.join(map(cell.format, row))}</tr>" for row in rows)
    head = "".join(f'<th scope="col" style="text-align:left;white-space:nowrap">{title}</th>' for title in titles)
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>{body}</tbody></table>"


def image(svg: bytes, alt: str, kind: str = "") -> str:
    """Return an SVG file as an image with its description in words, the only kind that JupyterLab reads out."""
    data = base64.b64encode(svg).decode()
    attribute = f'class="{kind}" ' if kind else ""
    return f'<img {attribute}alt="{escape(alt)}" src="data:image/svg+xml;base64,{data}">'


def badge(text: str, colour: str) -> str:
    """Return the text in white on a label of this colour."""
    style = "color:white;padding:1px 6px;border-radius:3px;white-space:nowrap;background:"
    return f'<span style="{style}{colour}">{text}</span>'
