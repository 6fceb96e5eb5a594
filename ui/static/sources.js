// The panel beside the chat: one answer's sources, a whole article, or the list of all articles.

import { button, coverRest, el, icon, isCalm, uncoverRest } from "./dom.js";
import { Trouble } from "./server.js";

const EMPTY = "提问后，回答的出处会显示在这里：引用的段落、原句和来源。";

export class Sources {
  constructor(place, frame, server) {
    this.frame = frame;
    this.server = server;
    this.turn = null;
    this.returnTo = null;
    this.body = el("div", { class: "xb-side-body", id: "xb-panel", role: "tabpanel", tabindex: "0", "aria-labelledby": "xb-tab-sources" });
    this.tabs = {
      sources: this.#tab("sources", "出处", () => this.showTurn(this.turn)),
      library: this.#tab("library", "资料库", () => this.showLibrary()),
    };
    this.of = el("span", { class: "xb-of" });
    const tablist = el("div", { class: "xb-tabs", role: "tablist", "aria-label": "出处和资料库", onkeydown: (event) => this.#arrow(event) },
      this.tabs.sources, this.tabs.library);
    this.side = el("aside", { class: "xb-side", "aria-label": "出处" },
      el("div", { class: "xb-side-head" }, tablist, this.of,
        button("关闭", "close", () => this.close(), { class: "xb-button xb-drawer-only" })),
      this.body);
    place.append(this.side);
    this.body.addEventListener("click", (event) => {
      const read = event.target.closest(".xb-read");
      if (read) this.showArticle(read.dataset.article, (read.dataset.quoted ?? "").split(" ").filter(Boolean));
    });
    this.side.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); this.close(); }
    });
    this.showTurn(null);
  }

  // Opens the panel where it is a drawer; where it stands beside the chat it is open always.
  open() {
    this.frame.classList.add("xb-side-open");
    coverRest(this.side.parentElement);
  }

  close() {
    this.frame.classList.remove("xb-side-open");
    uncoverRest();
    this.returnTo?.focus();
    this.returnTo = null;
  }

  showTurn(turn) {
    this.turn = turn;
    this.#select("sources");
    this.of.textContent = turn?.number ? `第 ${turn.number} 问` : "";
    const html = turn?.sources_html;
    this.body.replaceChildren(
      html ? el("div", { html }) : el("p", { class: "xb-hint" }, turn ? "这个回答没有引用资料。" : EMPTY));
    this.body.scrollTop = 0;
  }

  // Shows what citation ``number`` of a turn rests on: scrolls to the quote and flashes it.
  showCitation(turn, number, from) {
    if (this.turn !== turn || !this.body.querySelector(".xb-sources")) this.showTurn(turn);
    this.returnTo = from;
    this.open();
    const card = document.getElementById(`source-${number}`)?.closest(".xb-card");
    if (!card) return;
    const marks = [...card.querySelectorAll(`mark.xb-quote-${number}`)];
    (marks[0] ?? card).scrollIntoView({ block: "center", behavior: isCalm() ? "auto" : "smooth" });
    this.#flash(marks.length ? marks : [card]);
    card.focus({ preventScroll: true });
  }

  async showLibrary() {
    this.#select("library");
    this.of.textContent = "";
    // What arrives late goes into a place of its own, which something else may have replaced meanwhile.
    const place = el("div", {}, el("p", { class: "xb-hint" }, "正在载入资料库…"));
    this.body.replaceChildren(place);
    await this.#load(async () => {
      const { html } = await this.server.library();
      place.innerHTML = html;
    }, place);
  }

  // A whole article in place of what is shown, at its first quote.
  async showArticle(id, quoted) {
    const before = [...this.body.childNodes];
    const scrolled = this.body.scrollTop;
    const returnFocus = document.activeElement;
    const back = el("button", { type: "button", class: "xb-button xb-back", onclick: () => {
      this.body.replaceChildren(...before);
      this.body.scrollTop = scrolled;
      returnFocus?.focus({ preventScroll: true });
    } }, icon("back"), el("span", {}, "返回"));
    const text = el("div", {}, el("p", { class: "xb-hint" }, "正在打开原文…"));
    this.body.replaceChildren(el("div", { class: "xb-article-head" }, back), text);
    this.body.scrollTop = 0;
    back.focus({ preventScroll: true });
    await this.#load(async () => {
      const { html } = await this.server.article(id, quoted);
      text.innerHTML = html;
      const marks = [...text.querySelectorAll("mark")];
      marks[0]?.scrollIntoView({ block: "center" });
      this.#flash(marks);
    }, text);
  }

  async #load(load, place) {
    try {
      await load();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      place.replaceChildren(el("p", { class: "xb-hint xb-bad", role: "alert" }, error.message));
    }
  }

  #flash(elements) {
    for (const element of elements) {
      element.classList.remove("xb-flash");
      void element.offsetWidth;  // starts the animation anew
      element.classList.add("xb-flash");
    }
  }

  #tab(id, name, onclick) {
    return el("button", { type: "button", role: "tab", id: `xb-tab-${id}`, "aria-controls": "xb-panel", onclick }, name);
  }

  #select(chosen) {
    for (const [name, tab] of Object.entries(this.tabs)) {
      tab.setAttribute("aria-selected", String(name === chosen));
      tab.tabIndex = name === chosen ? 0 : -1;
    }
    this.body.setAttribute("aria-labelledby", `xb-tab-${chosen}`);
  }

  #arrow(event) {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = event.target === this.tabs.sources ? this.tabs.library : this.tabs.sources;
    other.focus();
    other.click();
  }
}

// The quote of a citation, shown where its chip is pointed at or focused.
export class Tip {
  constructor(within) {
    this.tip = el("div", { class: "xb-tip", id: "xb-tip", role: "tooltip", hidden: true });
    within.append(this.tip);
    this.chip = null;
    const chipOf = (event) => event.target.closest?.(".xb-cite");
    within.addEventListener("mouseover", (event) => chipOf(event) && this.show(chipOf(event)));
    within.addEventListener("focusin", (event) => chipOf(event) && this.show(chipOf(event)));
    within.addEventListener("click", (event) => chipOf(event) && this.hide());
    within.addEventListener("mouseout", (event) => chipOf(event) && this.#leave());
    within.addEventListener("focusout", (event) => chipOf(event) && this.hide());
    within.addEventListener("scroll", () => this.chip && this.#place(), true);
    // What is hovered stays, so that a long quote can be read and selected.
    this.tip.addEventListener("mouseenter", () => clearTimeout(this.leaving));
    this.tip.addEventListener("mouseleave", () => this.#leave());
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.hide());
  }

  show(chip) {
    clearTimeout(this.leaving);
    this.chip?.removeAttribute("aria-describedby");
    this.chip = chip;
    this.tip.replaceChildren(
      el("div", { class: "xb-tip-quote" }, `“${chip.dataset.quote}”`), el("div", { class: "xb-meta" }, chip.dataset.origin));
    this.tip.hidden = false;
    chip.setAttribute("aria-describedby", "xb-tip");
    this.#place();
  }

  #place() {
    if (!this.chip.isConnected) return this.hide();
    const at = this.chip.getBoundingClientRect();
    const { width, height } = this.tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left + at.width / 2 - width / 2, innerWidth - width - 8));
    const above = at.top - height - 8;
    this.tip.style.left = `${left}px`;
    this.tip.style.top = `${above >= 8 ? above : at.bottom + 8}px`;
    return undefined;
  }

  hide() {
    clearTimeout(this.leaving);
    this.tip.hidden = true;
    this.chip?.removeAttribute("aria-describedby");
    this.chip = null;
  }

  #leave() {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.hide(), 150);
  }
}
