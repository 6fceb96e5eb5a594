"""The chat page: questions and answers on the left, their sources on the right.

Handlers only take events from the service and hand values to ``conversation`` and ``sources``, which
make the HTML; what is shown can so be tested without a browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.schema import Finished
from index.errors import IndexingError
from ui.conversation import Turn, history, messages
from ui.errors import ServiceError
from ui.rendering import clean, error_html, event_html, progress_html, safe
from ui.service import Failed, Loading, Ready, Service, State
from ui.sources import library_html, panel_html

TITLE = "消保问答"
STATIC = Path(__file__).parent / "static"
STYLES = STATIC / "page.css"
FAVICON = STATIC / "favicon.svg"
HEAD = f"<script>{(STATIC / 'page.js').read_text('utf-8')}</script>"

PROMPT = "请输入问题，回车发送"
EMPTY = "还没有输入问题，请输入后再发送"
EXAMPLE_BUTTONS = 3
LOADING_PATIENCE_SECONDS = 120.0
_QUEUE_LENGTH = 100
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


def build_page(service: Service, workers: int, max_chars: int) -> Any:
    """The page as Gradio Blocks, answering at most ``workers`` questions at a time.

    The box takes ``max_chars``: far more than a question may have, so that what is too long is told in
    words, and less than the server would refuse to receive, which Gradio could not tell.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True, fill_height=True) as page:
        turns = gr.State(())
        header = gr.Markdown(header_html(service.state), elem_id="xb-header", latex_delimiters=[])
        with gr.Row(elem_id="xb-main", equal_height=False):
            with gr.Column(scale=3, min_width=320, elem_id="xb-left"):
                chat = gr.Chatbot(
                    elem_id="xb-chat",
                    show_label=False,
                    label="问答",
                    height="100%",
                    buttons=["copy", "copy_all"],
                    layout="bubble",
                    latex_delimiters=[],
                    allow_tags=False,
                    feedback_options=None,
                    placeholder=placeholder_html(service.state),
                )
                with gr.Row(elem_id="xb-examples"):
                    examples = [
                        gr.Button("", size="sm", visible=False, elem_classes="xb-example")
                        for _ in range(EXAMPLE_BUTTONS)
                    ]
                with gr.Row(elem_id="xb-ask"):
                    box = gr.Textbox(
                        placeholder=PROMPT,
                        label="问题",
                        show_label=False,
                        container=False,
                        lines=1,
                        max_lines=5,
                        max_length=max_chars,
                        autofocus=True,
                        scale=1,
                        elem_id="xb-box",
                    )
                    send = gr.Button("发送", variant="primary", scale=0, min_width=88, elem_id="xb-send")
            with gr.Column(scale=2, min_width=320, elem_id="xb-right"):
                panel = gr.Markdown(panel_html(()), elem_id="xb-panel", latex_delimiters=[])
                # Apart from the panel, which the style sheet shows in its place: a refresh that is still under
                # way when an answer arrives must not write over the answer's sources.
                library = gr.Markdown(library_html(()), elem_id="xb-library", latex_delimiters=[])
        timer = gr.Timer(1.0)

        def refresh(shown: tuple[Turn, ...]) -> list[Any]:
            """Bring the page in line with how far loading has come."""
            state = service.state
            untouched = [gr.skip()] * (1 + EXAMPLE_BUTTONS)
            return [
                gr.Timer(active=not isinstance(state, Ready)),
                header_html(state),
                gr.update(placeholder=placeholder_html(state)),
                *(untouched if shown else opening(state)),
            ]

        def answer(question: str, shown: tuple[Turn, ...]) -> Iterator[list[Any]]:
            """Ask, showing every step; the outputs are ``[chat, box, panel, turns, send, *examples]``."""
            same = gr.skip()
            idle = [same] * (1 + EXAMPLE_BUTTONS)
            question = clean(question).strip()
            if not question:
                yield [same, gr.update(value="", placeholder=EMPTY), same, same, *idle]
                return
            off = [gr.update(interactive=False)] * (1 + EXAMPLE_BUTTONS)
            on = [gr.update(interactive=True)] * (1 + EXAMPLE_BUTTONS)
            first = "正在查找" if isinstance(service.state, Ready) else "正在加载资料，好了就回答"
            yield [messages(shown, question, progress_html(first)), "", same, same, *off]
            service.settle(LOADING_PATIENCE_SECONDS)
            turn = Turn(question)
            try:
                for event in service.stream(question, history(shown)):
                    if isinstance(event, Finished):
                        turn = Turn(question, event.answer)
                    else:
                        yield [messages(shown, question, event_html(event)), same, same, same, *idle]
            except (AssistantError, IndexingError, ServiceError) as error:
                turn = Turn(question, error=str(error))
            shown = (*shown, turn)
            if turn.answer is None:
                # The question goes back into the box, to be mended or sent again.
                yield [messages(shown), question, same, shown, *on]
                return
            buttons = example_buttons(turn.answer.suggestions) if turn.answer.suggestions else on[1:]
            yield [messages(shown), same, panel_html(shown), shown, on[0], *buttons]

        def clear() -> list[Any]:
            """Begin anew; the outputs are ``[turns, panel, library, *examples]``."""
            return [(), panel_html(()), *opening(service.state)]

        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        outcome = [timer, header, chat, library, *examples]
        loading = {"inputs": [turns], "outputs": outcome, "queue": False, **quiet}
        page.load(refresh, **loading)
        timer.tick(refresh, **loading)
        asking = {
            "outputs": [chat, box, panel, turns, send, *examples],
            "concurrency_limit": workers,
            "concurrency_id": "ask",
            **quiet,
        }
        gr.on([box.submit, send.click], answer, inputs=[box, turns], **asking)
        for button in examples:
            button.click(answer, inputs=[button, turns], **asking)
        chat.clear(clear, outputs=[turns, panel, library, *examples], queue=False, **quiet)
    page.queue(api_open=False, max_size=_QUEUE_LENGTH, default_concurrency_limit=workers)
    return page


def opening(state: State) -> list[Any]:
    """The articles and example buttons of a conversation not begun; the outputs are ``[library, *examples]``."""
    match state:
        case Ready(assistant):
            return [library_html(assistant.articles), *example_buttons(assistant.examples)]
        case _:
            return [library_html(()), *example_buttons(())]


def example_buttons(labels: Sequence[str]) -> list[Any]:
    """Updates that put ``labels`` on the example buttons and hide those left over."""
    padded = [*labels[:EXAMPLE_BUTTONS], *[""] * (EXAMPLE_BUTTONS - len(labels))]
    return [gr.update(value=clean(label), visible=bool(label), interactive=True) for label in padded]


def header_html(state: State) -> str:
    """The page's name, what it promises, and whether it can be asked."""
    match state:
        case Ready(assistant):
            dot, label = "ready", f"已就绪 · {len(assistant.articles)} 篇资料"
        case Failed():
            dot, label = "failed", "暂时无法回答"
        case Loading():
            dot, label = "loading", "正在加载"
    return (
        '<div class="xb-header"><div><h1>消保问答</h1>'
        "<p>只依据资料原文回答，每句话都能查到出处；资料里没有的，会直接说没有。</p></div>"
        f'<span class="xb-state xb-{dot}" role="status">{safe(label)}</span></div>'
    )


def placeholder_html(state: State) -> str:
    """What an empty chat shows."""
    match state:
        case Ready():
            return '<div class="xb-welcome"><h2>想了解什么？</h2><p>直接提问，或点下面的例子。</p></div>'
        case Failed(message):
            return error_html(message)
        case Loading():
            return (
                '<div class="xb-welcome"><h2>正在加载</h2><p>资料和模型马上就好，可以先输入问题。</p></div>'
            )
