// Puts the chat of 消保问答 on a page: a button, and a panel that it opens. One line of HTML takes it in:
//
//   <script src="https://HOST/embed.js" data-title="消保问答" data-theme="auto" data-position="right" async></script>
//
// ``data-theme`` is auto, light or dark, and may be changed later; ``data-position`` is right or left;
// ``data-question`` is asked when the panel is first opened. Elements with ``data-xiaobao-question`` ask theirs when
// clicked. ``xiaobao.open()``, ``xiaobao.ask(question)`` and ``xiaobao.close()`` do what they say, and every answer
// comes as an event ``xiaobao:answered`` on window, its ``detail`` being { question, status, citations }.
//
// Nothing of the page's style comes in, and nothing of this goes out: all of it stands in a shadow root. The chat itself
// is a frame of the server's, which is loaded when the panel is first opened.
(() => {
  "use strict";
  const script = document.currentScript;
  if (!script) {
    console.error("消保问答：embed.js 要用普通的 <script src> 引入，不能用 type=\"module\" 或 import。");
    return;
  }
  if (window.xiaobao?.ask instanceof Function) return;  // loaded twice

  const address = new URL("embed", script.src);
  const title = script.dataset.title?.trim() || "消保问答";
  const OPEN = "xiaobao-open";  // in the session's storage: whether the panel stays open from page to page
  const PATIENCE_MS = { loaded: 2000, loading: 20000 };
  const LONGEST = { title: 200, url: 500, selection: 200 };  // characters
  const STYLE = `
    .root {
      --surface: #fff; --text: #1e293b; --soft: #475569; --line: #cbd5e1; --accent: #0f766e; --hover: #f1f5f9;
      color: var(--text); font: 15px/1.5 system-ui, -apple-system, "PingFang SC", "Microsoft YaHei", "Noto Sans SC", "Noto Sans CJK SC", sans-serif;
    }
    .root.dark { --surface: #0a0f1e; --text: #f1f5f9; --soft: #cbd5e1; --line: #334155; --accent: #99f6e4; --hover: #1e293b; }
    [hidden] { display: none !important; }
    button { font: inherit; cursor: pointer; }
    svg { width: 20px; height: 20px; flex: none; fill: none; stroke: currentColor; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
    :focus-visible { outline: 3px solid #fff; outline-offset: 0; box-shadow: 0 0 0 6px #0f766e; }
    .opener {
      position: fixed; z-index: 2147483646; bottom: 20px; bottom: calc(20px + env(safe-area-inset-bottom)); right: 20px; max-width: calc(100vw - 40px);
      display: flex; align-items: center; gap: 8px; min-height: 48px; padding: 10px 18px; border: 1px solid #fff; border-radius: 999px;
      background: #0f766e; color: #fff; font-weight: 600; box-shadow: 0 4px 16px rgb(0 0 0 / 25%);
    }
    .opener:hover { background: #115e59; }
    .opener span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
    .panel {
      position: fixed; z-index: 2147483647; bottom: 80px; bottom: calc(80px + env(safe-area-inset-bottom)); right: 20px; box-sizing: border-box;
      display: flex; flex-direction: column; width: 420px; height: 660px; max-width: calc(100vw - 40px); max-height: calc(100vh - 100px); overflow: hidden;
      border: 1px solid var(--line); border-radius: 14px; background: var(--surface); box-shadow: 0 12px 40px rgb(0 0 0 / 30%);
    }
    .left > * { right: auto; left: 20px; }
    header { display: flex; align-items: center; gap: 8px; flex: none; padding: 6px 6px 6px 14px; border-bottom: 1px solid var(--line); }
    h2 { flex: 1; min-width: 0; margin: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; font-size: 15px; font-weight: 600; }
    header button { display: flex; align-items: center; justify-content: center; width: 36px; height: 36px; padding: 0; border: 0; border-radius: 8px; background: none; color: var(--soft); }
    header button:hover, .trouble button:hover { background: var(--hover); }
    .panel :focus-visible, .panel:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; box-shadow: none; }
    .place { position: relative; display: flex; flex: 1; min-height: 0; }
    iframe { flex: 1; width: 100%; min-width: 0; border: 0; }
    .hint { position: absolute; inset: 0; margin: 0; padding: 16px; color: var(--soft); font-size: 14px; pointer-events: none; }
    .trouble { position: absolute; inset: 0; padding: 20px; overflow: auto; background: var(--surface); font-size: 14px; }
    .trouble p { margin: 0 0 12px; }
    .trouble a, .trouble button { display: inline-block; margin: 0 8px 8px 0; padding: 6px 14px; border: 1px solid var(--line); border-radius: 8px; background: none; color: var(--accent); text-decoration: none; }
    @media (max-width: 600px), (max-height: 480px) {
      .root .panel { inset: 0; width: auto; height: auto; max-width: none; max-height: none; border: 0; border-radius: 0; }
      .opener[aria-expanded="true"] { visibility: hidden; }
    }
    @media (prefers-reduced-motion: no-preference) {
      .panel { animation: rise 0.16s ease-out; }
      @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
    }
    @media (forced-colors: active) { :focus-visible { outline: 3px solid Highlight; } }
    @media print { .root { display: none; } }
  `;

  // --- what there is to see ---

  const el = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const icon = (path) => {
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("viewBox", "0 0 20 20");
    drawing.setAttribute("aria-hidden", "true");
    drawing.append(document.createElementNS("http://www.w3.org/2000/svg", "path"));
    drawing.firstChild.setAttribute("d", path);
    return drawing;
  };

  const opener = el("button", { type: "button", class: "opener", "aria-expanded": "false", "aria-controls": "panel" },
    icon("M3 4h14v10H9l-4 3v-3H3zM7 9h.01M10 9h.01M13 9h.01"), el("span", {}, title));
  const closer = el("button", { type: "button", "aria-label": "关闭", title: "关闭" }, icon("M5 5l10 10M15 5L5 15"));
  const place = el("div", { class: "place" });
  const panel = el("section", { id: "panel", class: "panel", role: "dialog", "aria-modal": "false", "aria-labelledby": "title", tabindex: "-1", hidden: "" },
    el("header", {}, el("h2", { id: "title" }, title), closer), place);
  const root = el("div", { class: "root" }, opener, panel);
  const around = document.createElement("xiaobao-chat");
  // Only what stands in the attribute, and is important there, is above everything that the page's style may say.
  around.style.cssText = "all: initial !important; display: block !important";
  const shadow = around.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();  // which the page's policy for inline styles does not touch
  sheet.replaceSync(STYLE);
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(root);

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => {
    const wanted = script.dataset.theme;
    if (wanted === "dark" || wanted === "light") return wanted;
    return dark.matches ? "dark" : "light";
  };
  const dress = () => {
    root.className = `root ${theme()} ${script.dataset.position === "left" ? "left" : "right"}`;
    tell({ xiaobao: "theme", theme: theme() });
  };

  // --- the frame, and what is said to it ---

  let frame = null;
  let ready = false;
  let entering = false;  // whether the focus is to go into the frame once it can take it
  const waiting = [];  // questions for a frame that is still being loaded

  const send = (message) => frame.contentWindow.postMessage(message, address.origin);
  const tell = (message) => { if (ready) send(message); };

  const load = () => {
    ready = false;
    address.search = `theme=${theme()}`;
    // The frame hears from its referrer whose page it is on, and may copy to the clipboard.
    frame = el("iframe", { src: address.href, title, referrerpolicy: "origin", allow: "clipboard-write" });
    const loading = frame;
    const late = () => { if (frame === loading && !ready) fail(); };
    frame.addEventListener("load", () => {
      if (!ready) send({ xiaobao: "theme", theme: theme() });  // the first word, where the browser hides the referrer
      setTimeout(late, PATIENCE_MS.loaded);
    });
    setTimeout(late, PATIENCE_MS.loading);
    place.replaceChildren(frame, el("p", { class: "hint" }, "正在打开…"));
  };

  const fail = () => {
    const again = el("button", { type: "button" }, "重试");
    again.addEventListener("click", () => { closer.focus(); load(); });
    place.querySelector(".hint")?.remove();
    place.append(el("div", { class: "trouble", role: "alert" },
      el("p", {}, "问答没有打开。可能是服务器没有开，还没有登录，或这个网页的来源不在 embed.allowed_origins 里。"),
      again, el("a", { href: new URL("./", address).href, target: "_blank", rel: "noopener" }, "在新窗口打开")));
  };

  const context = () => {
    // What is being typed is nobody's business.
    const typing = document.activeElement?.matches("input, textarea, [contenteditable]");
    const values = { title: document.title, url: location.origin + location.pathname, selection: typing ? "" : String(getSelection()).trim() };
    for (const [name, longest] of Object.entries(LONGEST)) values[name] = values[name].slice(0, longest);
    return values;
  };
  let told = null;
  const tellContext = () => {
    const found = context();
    if (!ready || panel.hidden || found.selection === told) return;
    told = found.selection;
    tell({ xiaobao: "context", context: found });
  };

  window.addEventListener("message", ({ source, origin, data }) => {
    if (!frame || source !== frame.contentWindow || origin !== address.origin) return;
    if (data?.xiaobao === "ready") {
      ready = true;
      told = null;
      for (const other of [...place.children]) if (other !== frame) other.remove();
      dress();
      tellContext();
      for (const question of waiting.splice(0)) tell({ xiaobao: "ask", question });
      if (entering && document.activeElement === around) frame.focus();
    }
    if (data?.xiaobao === "close") close(true);
    if (data?.xiaobao === "answered") {
      const { question, status, citations } = data;
      window.dispatchEvent(new CustomEvent("xiaobao:answered", { detail: { question, status, citations } }));
    }
  });

  // --- opening and closing ---

  const recall = () => {
    try {
      return sessionStorage.getItem(OPEN) === "1";
    } catch {  // storage is blocked
      return false;
    }
  };
  const remember = (open) => {
    try {
      sessionStorage.setItem(OPEN, open ? "1" : "");
    } catch {  // storage is blocked or full: it holds for this page
    }
  };

  let returnTo = opener;
  let untouched = true;  // until it is first opened on this page
  const show = (open) => {
    untouched = false;
    panel.hidden = !open;
    opener.setAttribute("aria-expanded", String(open));
    remember(open);
    if (open && !frame) load();
    tellContext();
  };
  const open = (by = document.activeElement) => {
    if (panel.hidden) {
      returnTo = by && by !== document.body && by !== around ? by : opener;
      show(true);
    }
    entering = true;
    (ready ? frame : panel).focus();
  };
  const ask = (question) => {
    const words = String(question ?? "").trim();
    open();
    if (!words) return;
    if (ready) tell({ xiaobao: "ask", question: words });
    else waiting.push(words);
  };
  const begin = (by) => {
    const question = untouched && script.dataset.question;
    open(by);
    if (question) ask(question);
  };
  const close = (back) => {
    if (panel.hidden) return;
    const inside = back || document.activeElement === around;
    entering = false;
    show(false);
    if (inside) (returnTo.isConnected ? returnTo : opener).focus();
  };

  // Pressing the button leaves what is marked on the page marked.
  opener.addEventListener("mousedown", (event) => event.preventDefault());
  opener.addEventListener("click", () => (panel.hidden ? begin(opener) : close(true)));
  closer.addEventListener("click", () => close(true));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation();  // the page around may close something of its own with it
    close(true);
  });
  document.addEventListener("click", (event) => {
    const asking = event.composedPath().find((one) => one.dataset?.xiaobaoQuestion);
    if (!asking) return;
    event.preventDefault();
    ask(asking.dataset.xiaobaoQuestion);
  });
  let selecting = 0;
  document.addEventListener("selectionchange", () => {
    clearTimeout(selecting);
    selecting = setTimeout(tellContext, 300);
  });
  dark.addEventListener("change", dress);
  new MutationObserver(dress).observe(script, { attributeFilter: ["data-theme", "data-position"] });

  const mount = () => {
    dress();
    // Beside the body, which pages replace, hide and transform.
    document.documentElement.append(around);
    // The focus stays where it is, and a panel that would cover the page stays closed.
    if (recall() && !matchMedia("(max-width: 600px), (max-height: 480px)").matches) show(true);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount);
  else mount();

  window.xiaobao = Object.freeze({ open: () => begin(), ask, close: () => close(false) });
})();
