// Puts the compact page together: the chat, its sources as a drawer over it where it is narrow, and a word with the page
// that holds it. The conversation lives here and nowhere else: no cookie, no storage, and what was said is sent along.

import { Chat } from "./chat.js";
import { button, el } from "./dom.js";
import { Host } from "./host.js";
import { Server } from "./server.js";
import { Sources, Tip } from "./sources.js";
import { Status } from "./status.js";

const MOST_TURNS = 20;  // sent along with a question; the assistant looks no further back

class EmbedServer extends Server {
  constructor() { super("embed"); }

  ask({ question, before }, signal) {
    const history = before.slice(-MOST_TURNS).flatMap((turn) => [
      { role: "user", content: turn.question }, { role: "assistant", content: turn.plain }]);
    return this.answer({ question, history }, signal);
  }

  rate(rating) { return this.json("POST", "api/feedback", rating); }
}

const page = document.documentElement;
const dark = matchMedia("(prefers-color-scheme: dark)");
let theme = page.className;
const wear = (wanted = theme) => {
  theme = wanted;
  page.className = theme === "auto" ? (dark.matches ? "dark" : "light") : theme;
};
dark.addEventListener("change", () => wear());
wear();

const frame = document.getElementById("xb-main");
const [middle, right] = ["xb-middle", "xb-right"].map((id) => document.getElementById(id));
middle.replaceChildren();

const server = new EmbedServer();
const status = new Status(server, (found) => chat.welcome(found));
const fresh = button("新对话", "plus", () => { chat.clear(); chat.box.focus(); }, { word: "新对话" });
const library = button("出处和资料库", "book", (event) => { sources.returnTo = event.currentTarget; sources.open(); sources.side.querySelector("[role=tab][tabindex='0']").focus(); },
  { class: "xb-button xb-to-sources" });
const whole = el("a", { class: "xb-button", href: "./", target: "_blank", rel: "noopener" }, "在新窗口打开");
middle.append(el("h1", { class: "xb-unseen" }, "消保问答"), el("div", { class: "xb-bar" }, status.element, fresh, library, whole));

const sources = new Sources(right, frame, server);
const chat = new Chat(middle, server, {
  onTurn: (turn) => {
    sources.showTurn(turn);
    if (turn) host.tell("answered", { question: turn.question, status: turn.status, citations: turn.citations });
  },
  onCitation: (turn, number, from) => sources.showCitation(turn, number, from),
  onOffline: () => status.follow(),
  onConversation: () => {},
});
const tip = new Tip(frame);
frame.append(el("div", { class: "xb-scrim", onclick: () => sources.close() }));
matchMedia("(min-width: 801px)").addEventListener("change", () => sources.close());

// What is marked on the page around is offered to be asked about, in the reader's own words.
const marked = el("div", { class: "xb-offers", role: "group", "aria-label": "网页上选中的文字" });
chat.offers.after(marked);
const offer = ({ title, url, selection }) => {
  marked.replaceChildren();
  if (!selection) return;
  const about = `关于“${selection}”`;
  marked.append(el("button", { type: "button", class: "xb-offer", title: ["选自", title, url].filter(Boolean).join(" "), onclick: () => {
    marked.replaceChildren();
    chat.begin(`${about}，`);
  } }, about));
};

const host = new Host({ onAsk: (question) => chat.askInTurn(question), onContext: offer, onTheme: wear });

// Escape closes what lies uppermost: a quote, the sources, and then the panel on the page around.
let shown = false;
window.addEventListener("keydown", () => { shown = !tip.tip.hidden; }, true);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || event.keyCode === 229 || shown) return;
  if (frame.classList.contains("xb-side-open")) sources.close();
  else host.tell("close");
});
// The page around gives the focus to the frame; from there it goes to where one types, unless a keyboard would rise.
window.addEventListener("focus", () => {
  if (document.activeElement === document.body && matchMedia("(hover: hover)").matches) chat.box.focus();
});

status.follow();
host.start();
