// Puts the page together: history, chat and sources into the places that the frame keeps for them.

import { Chat } from "./chat.js";
import { button, el, recall, remember } from "./dom.js";
import { History } from "./history.js";
import { PageServer } from "./server.js";
import { Sources, Tip } from "./sources.js";
import { Status } from "./status.js";

const FOLDED = "xiaobao-history-folded";

const start = (frame) => {
  document.documentElement.lang = "zh-CN";
  const wanted = location.hash.slice(1);
  let followed = false;  // whether the address says which conversation is shown
  let past = null;  // the history, once it is there: the chat speaks of its conversation from the start
  const [left, middle, right] = ["xb-left", "xb-middle", "xb-right"].map((id) => document.getElementById(id));
  for (const place of [left, middle, right]) place.replaceChildren();

  const title = el("h2", { class: "xb-conversation" });
  const exported = el("a", { class: "xb-button", download: "", title: "导出为 Markdown", hidden: true }, "导出");
  const unfold = button("历史对话", "menu", (event) => {
    if (matchMedia("(min-width: 1280px)").matches) fold(!frame.classList.contains("xb-history-folded"));
    else past.open(event.currentTarget);
  }, { class: "xb-button xb-menu", "aria-controls": "xb-history-nav" });
  const fold = (folded) => {
    frame.classList.toggle("xb-history-folded", folded);
    remember(FOLDED, folded ? "1" : "");
  };
  const server = new PageServer();
  const status = new Status(server, (found) => chat.welcome(found));
  const fresh = button("新对话", "plus", () => { chat.clear(); chat.box.focus(); });
  const library = button("出处和资料库", "book", (event) => { sources.returnTo = event.currentTarget; sources.open(); sources.side.querySelector("[role=tab][tabindex='0']").focus(); },
    { class: "xb-button xb-to-sources" });
  middle.append(el("div", { class: "xb-bar" }, unfold, title, status.element, exported, fresh, library));

  const sources = new Sources(right, frame, server);
  const chat = new Chat(middle, server, {
    onTurn: (turn) => sources.showTurn(turn),
    onCitation: (turn, number, from) => sources.showCitation(turn, number, from),
    onOffline: () => status.follow(),
    onConversation: (conversation) => {
      title.textContent = conversation?.title ?? "新对话";
      exported.hidden = !conversation;
      if (conversation) exported.href = server.markdownAddress(conversation.id);
      if (followed && location.hash.slice(1) !== (conversation?.id ?? "")) {
        history.pushState(null, "", conversation ? `#${conversation.id}` : location.pathname + location.search);
      }
      past?.select(conversation?.id ?? null);
      if (conversation) past?.refresh();
    },
  });
  past = new History(left, frame, server, {
    onOpen: (id) => chat.open(id),
    onNew: () => { chat.clear(); chat.box.focus(); },
    onRenamed: (id, name) => { if (chat.conversation?.id === id) title.textContent = name; },
    onRemoved: (id) => { if (chat.conversation?.id === id) chat.clear(); },
  });
  new Tip(frame);
  frame.append(el("div", { class: "xb-scrim", onclick: () => { sources.close(); past.close(); } }));
  // A drawer that a wider window makes a column of its own covers nothing any more.
  for (const width of [801, 1280]) {
    matchMedia(`(min-width: ${width}px)`).addEventListener("change", () => { sources.close(); past.close(); });
  }
  fold(recall(FOLDED) === "1");
  chat.box.focus();

  status.follow().then(() => {
    // The first answer of the server brings the cookie that conversations are kept under.
    past.refresh();
    followed = true;
    if (wanted) chat.open(wanted);
  });
  window.addEventListener("popstate", () => {
    const id = location.hash.slice(1);
    if (id === (chat.conversation?.id ?? "")) return;
    if (id) chat.open(id);
    else chat.clear();
  });
};

// The frame is drawn by Gradio's own script, some time after this one has run.
const whenThere = () => {
  const frame = document.getElementById("xb-main");
  if (!frame?.querySelector("#xb-right")) return;
  watching.disconnect();
  start(frame);
};
const watching = new MutationObserver(whenThere);
watching.observe(document.documentElement, { childList: true, subtree: true });
whenThere();
