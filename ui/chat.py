"""The frame of the chat page: Gradio's theme, the header, and the places that the page's own script fills.

Chat, history and sources are that script's (``static/page.js``) and not Gradio's: its chat loses what is typed while
an answer comes to its end, sends the whole conversation with every step, and hangs where a browser blocks the storage
of third parties. What stands here is drawn once, and no connection is held open for it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

TITLE = "消保问答"
STATIC = Path(__file__).parent / "static"
STYLES = STATIC / "page.css"
FAVICON = STATIC / "favicon.svg"
_SCRIPTS = ("page.js", "chat.js", "dom.js", "history.js", "server.js", "sources.js", "status.js")
HEAD = "\n".join(
    [
        *(f'<link rel="modulepreload" href="page/static/{name}">' for name in _SCRIPTS),
        f'<script type="module" src="page/static/{_SCRIPTS[0]}"></script>',
    ]
)
HEADER = (
    '<div class="xb-header"><h1>消保问答</h1>'
    "<p>只依据资料原文回答，每句话都能查到出处；资料里没有的，会直接说没有。</p></div>"
)
_OPENING = '<p class="xb-hint">正在打开…</p>'
_FONTS = (
    "system-ui",
    "-apple-system",
    "PingFang SC",
    "Microsoft YaHei",
    "Noto Sans SC",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "sans-serif",
)
_MONOSPACE = ("ui-monospace", "Consolas", "Noto Sans Mono CJK SC", "monospace")


def theme() -> Any:
    """A calm theme of system fonts and one accent colour; it loads nothing."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.slate,
        radius_size=gr.themes.sizes.radius_md,
        font=_FONTS,
        font_mono=_MONOSPACE,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        input_background_fill="white",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
    )


class Frame(gr.Blocks):  # type: ignore[misc]
    """Blocks without events, and so without the worker that looks for them a thousand times a second."""

    def run_startup_events(self) -> None:
        """Starts nothing."""


def build_page() -> Any:
    """The frame as Gradio Blocks: header, and history, chat and sources side by side, each to be filled."""
    with Frame(title=TITLE, analytics_enabled=False, fill_width=True, fill_height=True) as page:
        gr.Markdown(HEADER, elem_id="xb-header", latex_delimiters=[])
        with gr.Row(elem_id="xb-main", equal_height=False):
            for place in ("xb-left", "xb-middle", "xb-right"):
                with gr.Column(elem_id=place, min_width=0):
                    gr.Markdown(_OPENING, latex_delimiters=[])
    return page
