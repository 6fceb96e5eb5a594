// The conversations that this browser had: open, search, rename, delete.

import { button, coverRest, el, say, uncoverRest } from "./dom.js";
import { Trouble } from "./server.js";

const when = (iso) => {
  const then = new Date(iso);
  const pad = (number) => String(number).padStart(2, "0");
  const day = `${then.getFullYear()}-${pad(then.getMonth() + 1)}-${pad(then.getDate())}`;
  const today = new Date().toDateString() === then.toDateString();
  return today ? `今天 ${pad(then.getHours())}:${pad(then.getMinutes())}` : day;
};

export class History {
  // ``onOpen(id)`` and ``onNew()`` are the chat's; ``onRenamed(id, title)`` and ``onRemoved(id)`` tell it what happened.
  constructor(place, frame, server, { onOpen, onNew, onRenamed, onRemoved }) {
    Object.assign(this, { frame, server, onOpen, onNew, onRenamed, onRemoved });
    this.current = null;
    this.search = el("input", {
      type: "search", class: "xb-search", placeholder: "搜索历史对话", "aria-label": "搜索历史对话", maxlength: "200",
      oninput: () => { clearTimeout(this.typing); this.typing = setTimeout(() => this.refresh(), 200); },
    });
    this.list = el("ul", { class: "xb-conversations" });
    this.nav = el("nav", { class: "xb-history", id: "xb-history-nav", "aria-label": "历史对话" },
      el("div", { class: "xb-history-head" },
        button("新对话", "plus", () => { this.onNew(); this.close(); }, { word: "新对话", class: "xb-button xb-new" }),
        button("收起历史对话", "close", () => this.close(), { class: "xb-button xb-drawer-only" })),
      this.search, this.list);
    this.nav.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.frame.classList.contains("xb-history-open")) this.close();
    });
    place.append(this.nav);
  }

  open(from) {
    this.returnTo = from;
    this.frame.classList.add("xb-history-open");
    coverRest(this.nav.parentElement);
    this.refresh();
    this.nav.querySelector("button").focus();
  }

  close() {
    if (!this.frame.classList.contains("xb-history-open")) return;
    this.frame.classList.remove("xb-history-open");
    uncoverRest();
    this.returnTo?.focus();
  }

  select(id) {
    this.current = id;
    for (const item of this.list.children) {
      const opener = item.querySelector(".xb-open");
      if (item.dataset.id === id) opener?.setAttribute("aria-current", "true");
      else opener?.removeAttribute("aria-current");
    }
  }

  async refresh() {
    const asked = this.search.value.trim();
    try {
      const found = await this.server.conversations(asked);
      if (asked !== this.search.value.trim()) return;  // typed on meanwhile
      if (this.list.querySelector("form, [role=group]")) return;  // a name is being typed, or a deletion confirmed
      this.list.replaceChildren(...found.map((one) => this.#item(one)));
      if (!found.length) {
        this.list.append(el("li", { class: "xb-hint" }, asked ? "没有找到这样的对话。" : "还没有对话。问过的会保存在这里。"));
      }
      this.select(this.current);
    } catch (error) {
      this.#trouble(error);
    }
  }

  #item(conversation) {
    const item = el("li", { "data-id": conversation.id });
    const rest = () => {
      item.replaceChildren(
        el("button", { type: "button", class: "xb-open", onclick: () => { this.onOpen(conversation.id); this.close(); } },
          el("span", { class: "xb-conversation-title" }, conversation.title),
          el("span", { class: "xb-meta" }, `${when(conversation.updated)} · ${conversation.turns} 问`)),
        button(`改名：${conversation.title}`, "edit", () => this.#rename(item, conversation, rest)),
        button(`删除：${conversation.title}`, "trash", () => this.#remove(item, conversation, rest)));
    };
    rest();
    return item;
  }

  #rename(item, conversation, rest) {
    const name = el("input", { class: "xb-search", "aria-label": "对话的新名称", maxlength: "60" });
    name.value = conversation.title;
    const save = async () => {
      try {
        const renamed = await this.server.rename(conversation.id, name.value);
        conversation.title = renamed.title;
        this.onRenamed(conversation.id, renamed.title);
        rest();
        this.select(this.current);
        item.querySelector(".xb-open").focus();
      } catch (error) {
        this.#trouble(error, item);
        name.focus();
      }
    };
    const leave = () => { rest(); this.select(this.current); item.querySelectorAll("button")[1].focus(); };
    item.replaceChildren(el("form", { class: "xb-inline", onsubmit: (event) => { event.preventDefault(); save(); } },
      name, el("button", { class: "xb-button", "aria-label": "保存名称" }, "保存"),
      el("button", { type: "button", class: "xb-button", onclick: leave }, "取消")));
    name.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); leave(); } });
    name.focus();
    name.select();
  }

  #remove(item, conversation, rest) {
    const leave = () => { rest(); this.select(this.current); item.querySelectorAll("button")[2].focus(); };
    const sure = el("button", { type: "button", class: "xb-button xb-danger", onclick: async () => {
      try {
        await this.server.remove(conversation.id);
        item.remove();
        say("已删除");
        this.onRemoved(conversation.id);
        await this.refresh();
        this.search.focus();
      } catch (error) {
        this.#trouble(error, item);
      }
    } }, "删除");
    const keep = el("button", { type: "button", class: "xb-button", onclick: leave }, "取消");
    item.replaceChildren(el("div", {
      class: "xb-inline", role: "group", "aria-label": `删除：${conversation.title}`,
      onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); leave(); } },
    }, el("span", {}, `删除「${conversation.title}」？删除后不能恢复。`), sure, keep));
    keep.focus();
  }

  #trouble(error, item = this.list) {
    if (!(error instanceof Trouble)) throw error;
    item.querySelector(".xb-bad")?.remove();
    item.append(el(item === this.list ? "li" : "p", { class: "xb-hint xb-bad", role: "alert" }, error.message));
  }
}
