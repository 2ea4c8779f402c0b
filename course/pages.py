"""Executed notebooks as HTML pages that are complete without a network.

nbconvert's own pages load MathJax and require.js from the internet. These carry their style with
them, turn formulas into MathML (which browsers draw themselves), and contain no script at all.
"""

import html
import re
from typing import Any

from jinja2 import Environment
from latex2mathml.converter import convert
from nbconvert import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments.formatters import HtmlFormatter

__all__ = [
    "formula_to_mathml",
    "formulas_in",
    "render_index",
    "render_markdown",
    "render_notebook",
]

STYLE = """
:root { color-scheme: light; --ink: #1d2430; --soft: #5b6675; --line: #dde2e9; --paper: #f6f8fa;
  --accent: #0b5cad; --bad: #b3261e; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: #fff; font: 17px/1.6 system-ui, -apple-system,
  "Segoe UI", Roboto, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
main, nav { max-width: 52rem; margin: 0 auto; padding: 0 1.1rem; }
main { padding-bottom: 3rem; }
nav { display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; justify-content: space-between;
  padding-top: .8rem; padding-bottom: .8rem; font-size: .9rem;
  border-bottom: 1px solid var(--line); }
nav + main { padding-top: .5rem; }
footer nav { border: 0; border-top: 1px solid var(--line); }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .15em; }
h1 { font-size: 2rem; line-height: 1.2; margin: 1.6rem 0 1rem; }
h2 { font-size: 1.45rem; line-height: 1.3; margin: 2.6rem 0 .6rem; }
h3 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.anchor-link { visibility: hidden; margin-left: .3em; text-decoration: none; font-weight: normal; }
h1:hover .anchor-link, h2:hover .anchor-link, h3:hover .anchor-link { visibility: visible; }
pre, code { font-family: ui-monospace, "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono",
  monospace; font-size: .9em; }
pre { margin: 0; line-height: 1.45; overflow-x: auto; }
:not(pre) > code { background: var(--paper); padding: .1em .3em; border-radius: 4px; }
.md pre, .input pre { background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  padding: .7rem .9rem; }
.md .highlight { background: none; }
.input { margin-top: 1rem; }
.output { margin: .35rem 0 1rem; padding-left: .8rem; border-left: 3px solid var(--line);
  overflow-x: auto; }
.output > * + * { margin-top: .5rem; }
.output.error { border-color: var(--bad); }
.output img, .output svg, .md img { max-width: 100%; height: auto; }
.failed { color: var(--bad); }
table { border-collapse: collapse; font-size: .93rem; }
.md table, .output table { display: block; overflow-x: auto; margin: 1rem 0; }
th, td { padding: .35rem .8rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
.output td, .output th { text-align: right; }
blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid var(--line);
  color: var(--soft); }
math { font-size: 1.08em; font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math",
  "STIX Math", "Noto Sans Math", "DejaVu Math TeX Gyre", math; }
math[display="block"] { margin: 1rem 0; overflow-x: auto; overflow-y: hidden; padding: .2rem 0; }
math [mathvariant="bold"], math [mathvariant="bold-italic"] { font-weight: bold; }
math mtd[columnalign="left"] { text-align: left; }
math mtd[columnalign="right"] { text-align: right; }
math [columnspacing] > mtr > mtd { padding-left: 0; padding-right: 0; }
math [mathvariant="monospace"] { font-family: ui-monospace, Menlo, Consolas, monospace; }
.lessons { width: 100%; font-size: 1rem; }
.lessons td, .lessons th { padding: .6rem .5rem; }
.lessons .number { text-align: right; white-space: nowrap; }
.soft { color: var(--soft); }
"""

NOTEBOOK_TEMPLATE = """
{%- extends 'base/display_priority.j2' -%}
{%- from 'base/cell_id_anchor.j2' import cell_id_anchor -%}
{%- block header -%}
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ resources.course.title | escape }}</title>
<style>{{ resources.course.style }}</style>
</head>
<body>
{{ resources.course.nav }}
<main>
{%- endblock header -%}
{%- block markdowncell -%}
<section class="md" {{ cell_id_anchor(cell) }}>{{ cell.source | course_markdown }}</section>
{% endblock markdowncell -%}
{%- block input -%}
<div class="input" {{ cell_id_anchor(cell) }}>{{ cell.source | course_code }}</div>
{% endblock input -%}
{%- block output_group -%}
<div class="output{% if cell.outputs | selectattr('output_type', 'equalto', 'error') | list %} error
{%- endif %}">{{ super() }}</div>
{% endblock output_group -%}
{%- block execute_result -%}{{ self.display_data() }}{%- endblock execute_result -%}
{%- block stream -%}<pre>{{ output.text | ansi2html }}</pre>{%- endblock stream -%}
{%- block error -%}<pre>{{ output.traceback | join('\\n') | ansi2html }}</pre>{%- endblock error -%}
{%- block data_svg -%}{{ output.data['image/svg+xml'] }}{%- endblock data_svg -%}
{%- block data_png -%}
<img alt="{{ output.data['text/plain'] | default('figure') | escape }}"
 src="data:image/png;base64,{{ output.data['image/png'] | replace('\\n', '') }}">
{%- endblock data_png -%}
{%- block data_jpg -%}
<img alt="picture"
 src="data:image/jpeg;base64,{{ output.data['image/jpeg'] | replace('\\n', '') }}">
{%- endblock data_jpg -%}
{%- block data_html -%}<div>{{ output.data['text/html'] }}</div>{%- endblock data_html -%}
{%- block data_markdown -%}
<div>{{ output.data['text/markdown'] | course_markdown }}</div>
{%- endblock data_markdown -%}
{%- block data_latex -%}
<div>{{ output.data['text/latex'] | course_markdown }}</div>
{%- endblock data_latex -%}
{%- block data_text -%}
<pre>{{ output.data['text/plain'] | ansi2html }}</pre>
{%- endblock data_text -%}
{%- block footer -%}
</main>
<footer>{{ resources.course.nav }}</footer>
</body>
</html>
{% endblock footer -%}
"""

INDEX_TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Deep learning in notebooks</title>
<style>{{ style | safe }}</style>
</head>
<body>
<main>
<h1>Deep learning in notebooks</h1>
<p>Every lesson below was executed on this computer just now. Read them in order; the notebooks
themselves are in the folder <code>notebooks</code>, and <code>make lab</code> opens them.</p>
<table class="lessons">
<thead><tr><th>Lesson</th><th class="number">Minutes to run</th></tr></thead>
<tbody>
{% for run in runs -%}
<tr><td><a href="{{ run.name | urlencode }}.html">{{ run.title or run.name }}</a><br>
<span class="soft">{{ run.name }}</span>
{%- if run.problem %} <strong class="failed">stopped at an error</strong>{% endif %}</td>
<td class="number">{{ "%.1f" | format(run.seconds / 60) }}</td></tr>
{% endfor -%}
{% for name in unreadable -%}
<tr><td>{{ name }} <strong class="failed">cannot be read</strong></td><td></td></tr>
{% endfor -%}
</tbody>
</table>
<p class="soft">{{ "%.1f" | format(runs | sum(attribute="seconds") / 60) }} minutes in all.</p>
</main>
</body>
</html>
"""


def formula_to_mathml(formula: str, *, block: bool = False) -> str:
    """Turn a TeX formula (without its dollars) into MathML.

    Raises:
        ValueError: the formula holds something that is not understood.
    """
    # Forms that latex2mathml does not know, or would number, put as ones that it does; a word set
    # upright is one word, not a product of letters.
    tex = re.sub(r"(\\(?:begin|end)\{)(?:align|aligned|split)\}", r"\1align*}", formula.strip())
    tex = re.sub(r"\\(?:begin|end)\{equation\*?\}", "", tex).strip()
    tex = re.sub(r"\\mathrm\{([A-Za-z]{2,})\}", r"\\text{\1}", tex)
    if tex.count("{") - tex.count(r"\{") != tex.count("}") - tex.count(r"\}"):
        raise ValueError(f"the formula {formula!r} has braces that do not match")
    try:
        mathml = convert(tex, display="block" if block else "inline")
    except Exception as error:  # latex2mathml raises many kinds, some of them without a message
        raise ValueError(f"the formula {formula!r} cannot be shown: {error!r}") from error
    if unknown := re.search(r">\s*(\\[A-Za-z]+|&)\s*<", mathml):
        raise ValueError(f"the formula {formula!r} cannot be shown: {html.unescape(unknown[1])!r}")
    return mathml


class _Renderer(IPythonRenderer):
    """nbconvert's Markdown renderer, with formulas as MathML and links between the pages."""

    def inline_math(self, body: str) -> str:
        return self._formula(body, block=False)

    def block_math(self, body: str) -> str:
        return self._formula(body, block=True)

    def latex_environment(self, name: str, body: str) -> str:
        return self._formula(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    def link(self, text: str, url: str, title: str | None = None) -> str:
        url = re.sub(r"^([^:/]+)\.ipynb(?=#|$)", r"\1.html", url)
        return super().link(text, url, title)

    def _formula(self, body: str, *, block: bool) -> str:
        try:
            return formula_to_mathml(body, block=block)
        except ValueError:  # a reader is better off with its source than without the page
            return f"<code>{html.escape(body)}</code>"


class _Collector(_Renderer):
    """A renderer that notes the formulas it meets."""

    def __init__(self) -> None:
        super().__init__(escape=False)
        self.formulas: list[str] = []

    def _formula(self, body: str, *, block: bool) -> str:
        self.formulas.append(body)
        return ""


def formulas_in(source: str) -> list[str]:
    """Return the formulas in the Markdown of a cell, without their dollars; code is left alone."""
    collector = _Collector()
    MarkdownWithMath(renderer=collector).render(source)
    return collector.formulas


def render_markdown(source: str) -> str:
    """Turn the Markdown of a cell into HTML."""
    return MarkdownWithMath(renderer=_Renderer(escape=False)).render(source)


def _links(neighbours: list[tuple[str, str] | None]) -> str:
    """Return the line of links to the lesson before, the index and the lesson after."""
    before, after = (
        f'<a href="{html.escape(link[0])}.html">{html.escape(link[1] or link[0])}</a>'
        if link
        else ""
        for link in neighbours
    )
    before = f"<span>{'← ' if before else ''}{before}</span>"
    after = f"<span>{after}{' →' if after else ''}</span>"
    return f'<nav>{before}<a href="index.html">All lessons</a>{after}</nav>'


def render_notebook(
    notebook: Any, *, title: str, links: list[tuple[str, str] | None] | None = None
) -> str:
    """Return an executed notebook as one page.

    Args:
        notebook: as nbformat reads it.
        title: of the page.
        links: name and title of the lesson before and of the one after, None where there is none.
    """
    exporter = HTMLExporter(raw_template=NOTEBOOK_TEMPLATE)
    exporter.register_filter("course_markdown", render_markdown)
    exporter.register_filter("course_code", Highlight2HTML(pygments_lexer="ipython3"))
    course = {
        "title": title,
        "style": STYLE + HtmlFormatter(style="default").get_style_defs(".highlight"),
        "nav": _links(links or [None, None]),
    }
    return exporter.from_notebook_node(notebook, resources={"course": course})[0]


def render_index(runs: list, unreadable: list[str]) -> str:
    """Return the page that lists the lessons: names, titles, minutes and failures."""
    template = Environment(autoescape=True).from_string(INDEX_TEMPLATE)
    return template.render(runs=runs, unreadable=unreadable, style=STYLE)
