// The chat: asking, answers as they come, and what can be done with each of them.

import { button, copyText, el, icon, isCalm, say } from "./dom.js";
import { Trouble } from "./server.js";

const REASONS = ["答案错误", "来源不对", "没找到", "其他"];
const PROMPT = "请输入问题，回车发送";
const NEAR_END = 80;  // pixels from the end of the log within which the reader is taken to follow along

export class Chat {
  // ``server`` answers, and keeps the conversation or leaves it to the turns held here (``Server`` in server.js).
  // ``onTurn(turn)`` is told of the turn whose sources are to be seen, ``onCitation(turn, number, chip)`` of a chip
  // that was followed, ``onConversation(conversation)`` of the conversation shown: null where none has begun.
  // ``onOffline()`` says that the server was not there.
  constructor(place, server, { onTurn, onCitation, onConversation, onOffline }) {
    Object.assign(this, { server, onTurn, onCitation, onConversation, onOffline });
    this.conversation = null;
    this.turns = [];
    this.state = { state: "loading", message: "", examples: [] };
    this.stopping = null;
    this.asking = null;
    this.loading = false;
    this.opening = 0;
    this.log = el("div", { class: "xb-log", id: "xb-log", role: "log", "aria-live": "off", "aria-label": "问答记录", tabindex: "0" });
    this.offers = el("div", { class: "xb-offers", role: "group", "aria-label": "可以这样问" });
    this.box = el("textarea", { id: "xb-question", rows: "1", placeholder: PROMPT, "aria-label": "问题", title: "回车发送，Shift+回车换行", autocomplete: "off" });
    this.sendButton = el("button", { type: "submit", id: "xb-send", class: "xb-send" }, "发送");
    this.stopButton = el("button", { type: "button", id: "xb-stop", class: "xb-send xb-stop", hidden: true, onclick: () => this.stop() },
      icon("stop"), "停止");
    const form = el("form", { class: "xb-ask", onsubmit: (event) => { event.preventDefault(); this.send(); } },
      this.box, this.sendButton, this.stopButton);
    place.append(this.log, this.offers, form);
    this.box.addEventListener("keydown", (event) => {
      // While an input method composes, Enter chooses a word.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.send();
    });
    this.box.addEventListener("input", () => this.#fitBox());
    this.log.addEventListener("click", (event) => {
      const chip = event.target.closest(".xb-cite");
      if (chip) this.onCitation(this.turns.find((turn) => turn.element.contains(chip)), Number(chip.dataset.source), chip);
    });
    this.clear();
  }

  get busy() { return this.stopping !== null || this.loading; }

  // Begins anew; what was asked stays in its conversation.
  clear() {
    this.#empty();
    this.conversation = null;
    this.onConversation(null);
    this.onTurn(null);
    this.welcome(this.state);
  }

  // What an empty chat shows, by the server's state: ``ready``, ``loading`` or ``failed``.
  welcome(found) {
    this.state = found;
    const { state, message, examples } = found;
    if (this.log.querySelector(".xb-turn")) return;
    const words = {
      ready: ["想了解什么？", "直接提问，或点下面的例子。"],
      loading: ["正在加载", "资料和模型马上就好，可以先输入问题。"],
      failed: ["暂时无法回答", message],
    }[state];
    this.log.replaceChildren(el("div", { class: `xb-welcome xb-${state}` }, el("h2", {}, words[0]), el("p", {}, words[1])));
    this.#offer(examples);
  }

  async open(id) {
    const opening = this.#empty();
    this.loading = true;  // what is typed meanwhile waits: it belongs to the conversation that is being opened
    this.log.append(el("p", { class: "xb-hint" }, "正在打开这段对话…"));
    try {
      const found = await this.server.conversation(id);
      if (opening !== this.opening) return;
      this.loading = false;
      this.log.replaceChildren();
      this.conversation = found;
      for (const turn of found.turns) this.#append(turn);
      this.onConversation(found);
      this.onTurn(this.turns.at(-1) ?? null);
      this.#offer(this.turns.at(-1)?.suggestions ?? []);
      this.#toEnd(true);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      if (opening !== this.opening) return;
      if (error.code === "not_found") {
        this.clear();
        this.log.append(this.#trouble(error.message));
        return;
      }
      this.loading = false;
      this.conversation = null;  // what is asked now is not of the one shown before
      this.log.replaceChildren(this.#trouble(error.message),
        el("div", { class: "xb-acts" }, button("重试", "retry", () => this.open(id), { word: "重试" })));
    }
  }

  stop() { this.stopping?.abort(); }

  // Takes everything out of the log, and gives up what is being asked; returns the number of what comes next.
  #empty() {
    this.stop();
    this.loading = false;
    this.#idle();
    this.turns = [];
    this.log.replaceChildren();
    this.#offer([]);
    return this.opening += 1;
  }

  send() {
    const question = this.box.value;
    if (this.busy) return;  // what is typed meanwhile stays in the box
    if (!question.trim()) {
      this.box.value = "";
      this.box.placeholder = "还没有输入问题，请输入后再发送";
      say(this.box.placeholder);
      return;
    }
    this.#putInBox("");
    this.ask(question);
  }

  // Asks, unless an answer is under way; with ``replaced``, in place of every turn after the first so many.
  async ask(question, replaced = null) {
    if (this.busy) return;
    this.asking = this.#ask(question, replaced);
    await this.asking;
  }

  // Asks what somebody else than the reader wants to be asked, once its turn has come.
  async askInTurn(question) {
    while (this.stopping) await this.asking;
    await this.ask(question);
  }

  // Begins the reader's question, who is to finish it.
  begin(text) {
    this.#putInBox(text);
    this.box.focus();
  }

  async #ask(question, replaced) {
    const controller = this.stopping = new AbortController();
    // Without ``keep`` the server appends, also to what another tab has asked in this conversation meanwhile.
    const keep = replaced ?? this.turns.length;
    const before = this.turns.slice(0, keep);
    const asked = { question: question.trim(), conversation: this.conversation?.id ?? null, keep: replaced, before };
    for (const turn of this.turns.slice(keep)) turn.element.hidden = true;
    this.log.querySelectorAll(".xb-welcome, .xb-unanswered").forEach((element) => element.remove());
    const waiting = el("div", { class: "xb-bot" }, el("div", { html: '<div class="xb-progress">正在查找<span class="xb-dots">…</span></div>' }));
    const shown = el("article", { class: "xb-turn xb-pending" }, this.#user(question.trim()), waiting);
    this.log.append(shown);
    this.#offer([]);
    this.#busy(true);
    this.#toEnd(true);
    say("正在查找");
    try {
      for await (const [name, values] of this.server.ask(asked, controller.signal)) {
        if (controller.signal.aborted) break;
        if (name === "progress") waiting.firstChild.innerHTML = values.html;
        else this.#answered(values, keep, shown);
      }
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof Trouble)) throw error;
      this.#unanswered(shown, waiting, question, replaced, error.name === "AbortError" ? null : error);
    } finally {
      if (this.stopping === controller) this.#idle();
      this.#keepFocus();
    }
  }

  #answered(turn, keep, pending) {
    this.#idle();  // at once, and not when the stream has closed: the next question may be sent already
    for (const old of this.turns.splice(keep)) old.element.remove();
    pending.remove();
    this.conversation = turn.conversation ?? null;
    this.#append(turn);
    this.onConversation(this.conversation);
    this.onTurn(turn);
    this.#offer(turn.suggestions);
    this.#toEnd(false, turn.element);
    say(turn.plain);
  }

  // Nothing is lost: earlier turns come back, and the question goes back into the box unless another one is there.
  #unanswered(shown, waiting, question, replaced, trouble) {
    for (const turn of this.turns) turn.element.hidden = false;
    if (!shown.isConnected) {  // another conversation was opened meanwhile
      if (!this.box.value.trim()) this.#putInBox(question);
      return;
    }
    if (trouble?.code === "offline") this.onOffline();
    this.#offer(this.turns.at(-1)?.suggestions ?? this.state.examples);
    shown.classList.replace("xb-pending", "xb-unanswered");
    const message = trouble?.message ?? "没有生成回答，可以重试或改问。";
    // A conversation that was deleted elsewhere, or is another browser's now, takes no more questions.
    const gone = trouble?.code === "not_found";
    const name = gone ? "在新对话里问" : "重试";
    const again = () => {
      this.#putInBox("");
      if (gone) this.clear();
      this.ask(question, gone ? null : replaced);
    };
    waiting.replaceChildren(
      this.#trouble(message, trouble ? "没有回答" : "已停止", trouble ? "xb-bad" : ""),
      el("div", { class: "xb-acts" }, button(name, "retry", again, { word: name })));
    if (!this.box.value.trim()) this.#putInBox(question);
    this.#toEnd(true);
    say(message);
  }

  #trouble(message, label = "没有回答", look = "xb-bad") {
    return el("div", { class: "xb-error" }, el("span", { class: `xb-badge ${look}` }, label), el("div", {}, message));
  }

  #append(turn) {
    this.turns.push(turn);
    turn.number = this.turns.length;
    turn.element = el("article", { class: "xb-turn", "aria-label": `第 ${turn.number} 问` });
    const user = el("div", { class: "xb-user" }, el("div", { html: turn.question_html, class: "xb-bubble" }),
      el("div", { class: "xb-acts" }, button("修改问题", "edit", () => this.#edit(turn))));
    const acts = el("div", { class: "xb-acts" },
      button("复制回答和出处", "copy", (event) => this.#copy(event.currentTarget, turn), { word: "复制" }),
      button("重新回答", "retry", () => this.ask(turn.question, turn.number - 1), { class: "xb-button xb-retry" }),
      this.#thumb(turn, "up", "有帮助"), this.#thumb(turn, "down", "没帮助"),
      turn.sources_html && button("查看出处", "book", (event) => this.onCitation(turn, 1, event.currentTarget), { word: "出处", class: "xb-button xb-to-sources" }));
    turn.element.append(user, el("div", { class: "xb-bot" }, el("div", { html: turn.answer_html }), acts));
    this.log.append(turn.element);
    this.#rated(turn);
  }

  #user(question) {
    return el("div", { class: "xb-user" }, el("div", { class: "xb-bubble" }, el("div", { class: "xb-question" },
      question.length > 600 ? `${question.slice(0, 600)}…（共 ${question.length} 字）` : question)));
  }

  #edit(turn) {
    if (this.busy) return;
    const user = turn.element.querySelector(".xb-user");
    const before = [...user.childNodes];
    const text = el("textarea", { class: "xb-edit-box", "aria-label": "修改问题", rows: "2" });
    text.value = turn.question;
    const leave = () => { user.replaceChildren(...before); user.querySelector("button").focus(); };
    const later = this.turns.length - turn.number;
    const form = el("form", { class: "xb-edit", onsubmit: (event) => {
      event.preventDefault();
      if (!text.value.trim()) return text.focus();
      leave();
      this.ask(text.value, turn.number - 1);
    } }, text, later > 0 && el("p", { class: "xb-hint" }, `发送后，这之后的 ${later} 轮问答会被删去。`),
      el("div", { class: "xb-inline" }, el("button", { class: "xb-button xb-primary" }, "发送"),
        el("button", { type: "button", class: "xb-button", onclick: leave }, "取消")));
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); leave(); }
      if (event.key === "Enter" && event.target === text && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
        event.preventDefault();
        form.requestSubmit();
      }
    });
    user.replaceChildren(form);
    text.focus();
  }

  async #copy(pressed, turn) {
    const done = await copyText(turn.copy).then(() => "已复制", () => "浏览器不允许复制，请选中文字复制");
    const word = pressed.querySelector("span");
    word.textContent = done;
    say(done);
    setTimeout(() => { word.textContent = "复制"; }, 1500);
  }

  #thumb(turn, rating, name) {
    return button(name, rating, () => this.#rate(turn, rating), { class: `xb-button xb-${rating}`, "aria-pressed": "false" });
  }

  #rated(turn) {
    for (const rating of ["up", "down"]) {
      turn.element.querySelector(`.xb-button.xb-${rating}`).setAttribute("aria-pressed", String(turn.rating === rating));
    }
  }

  async #rate(turn, rating) {
    if (turn.rating === rating) return this.#record(turn, { rating: null }, "已撤回评价");
    if (rating === "up") return this.#record(turn, { rating: "up" }, "已记录，谢谢");
    const bot = turn.element.querySelector(".xb-bot");
    if (bot.querySelector(".xb-feedback")) return bot.querySelector(".xb-feedback input").focus();
    const comment = el("textarea", { class: "xb-edit-box", rows: "2", maxlength: "1000", placeholder: "补充说明（可不填）：正确的说法、在哪篇资料里……", "aria-label": "补充说明" });
    const leave = () => { form.remove(); bot.querySelector(".xb-button.xb-down").focus(); };
    const form = el("form", { class: "xb-feedback", "aria-label": "哪里不对", onsubmit: async (event) => {
      event.preventDefault();
      const reason = new FormData(form).get("reason");
      if (await this.#record(turn, { rating: "down", reason, comment: comment.value }, "已记录，谢谢")) leave();
    } },
      el("fieldset", {}, el("legend", {}, "哪里不对？"), ...REASONS.map((reason) =>
        el("label", {}, el("input", { type: "radio", name: "reason", value: reason, required: true }), reason))),
      comment,
      el("div", { class: "xb-inline" }, el("button", { class: "xb-button xb-primary" }, "提交"),
        el("button", { type: "button", class: "xb-button", onclick: leave }, "取消")));
    form.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); leave(); } });
    bot.append(form);
    form.querySelector("input").focus();
    form.scrollIntoView({ block: "nearest" });
    return undefined;
  }

  async #record(turn, rating, thanks) {
    if (turn.recording) return false;  // a second click while the first is under way
    turn.recording = true;
    let said = thanks;
    let done = true;
    try {
      await this.server.rate({ answer_id: turn.answer_id, ...rating });
      turn.rating = rating.rating;
      this.#rated(turn);
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      [said, done] = [error.message, false];
    }
    turn.recording = false;
    const acts = turn.element.querySelector(".xb-bot > .xb-acts");
    acts.querySelector(".xb-note")?.remove();
    acts.append(el("span", { class: `xb-note xb-meta${done ? "" : " xb-bad"}` }, said));
    say(said);
    return done;
  }

  #offer(questions) {
    this.offers.replaceChildren(...questions.map((question) =>
      el("button", { type: "button", class: "xb-offer", onclick: () => this.ask(question) }, question)));
  }

  // A button that was pressed may be gone by now, and the focus with it. Where a keyboard would rise over the page, it stays.
  #keepFocus() {
    const lost = document.activeElement === document.body || document.activeElement?.closest("[hidden]");
    if (lost && matchMedia("(hover: hover)").matches) this.box.focus();
  }

  #idle() {
    this.stopping = null;
    this.#busy(false);
  }

  #busy(busy) {
    const pressed = document.activeElement === this.sendButton || document.activeElement === this.stopButton;
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (pressed) (busy ? this.stopButton : this.sendButton).focus();
    this.box.placeholder = PROMPT;
  }

  #putInBox(text) {
    this.box.value = text;
    this.#fitBox();
  }

  #fitBox() {
    if (CSS.supports("field-sizing", "content")) return;
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight + 2, 160)}px`;
  }

  // Follows the conversation, unless the reader has scrolled up; an answer longer than the log is shown from its question on.
  #toEnd(always, element = null) {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    const grown = element ? element.offsetHeight : 0;
    if (!always && scrollHeight - scrollTop - clientHeight > NEAR_END + grown) return;
    const top = element && element.offsetHeight > clientHeight ? element.offsetTop - 8 : scrollHeight;
    this.log.scrollTo({ top, behavior: isCalm() || always ? "auto" : "smooth" });
  }
}
