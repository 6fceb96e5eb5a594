// What the page needs beyond Gradio: its language, chips that lead to their source, buttons with Chinese
// names, and copying that gives what is read rather than the HTML behind it.
(() => {
  "use strict";
  document.documentElement.lang = "zh-CN";

  const NAMES = {
    "Copy message": "复制这条",
    "Copy conversation": "复制全部对话",
    "Message copied": "已复制",
    "Conversation copied": "已复制",
    "Copied conversation": "已复制",
    "chatbot conversation": "问答记录",
  };
  const ONE = "复制这条";
  const ALL = "复制全部对话";

  // In-page links would be resolved against <base>, leave the page and lose the conversation.
  const show = (id) => {
    const target = document.getElementById(id);
    const card = target?.closest(".xb-card");
    if (!card) return;
    const section = target.closest("details.xb-section");
    if (section) section.open = true;
    const marks = [...card.querySelectorAll(`mark.xb-quote-${id.split("-").pop()}`)];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    (marks[0] || card).scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
    card.classList.remove("xb-flash");
    void card.offsetWidth; // starts the animation anew
    card.classList.add("xb-flash");
    card.tabIndex = -1;
    card.focus({ preventScroll: true });
  };

  const readable = (message) => {
    const copy = message.cloneNode(true);
    copy.querySelectorAll(".xb-meta, .xb-badge").forEach((element) => element.remove());
    copy.querySelectorAll("sup").forEach((element) => { element.textContent = `[${element.textContent}]`; });
    copy.querySelectorAll("br").forEach((element) => element.replaceWith("\n"));
    return copy.textContent.trim();
  };

  const conversation = (chat) =>
    [...chat.querySelectorAll(".message-content")].map((message) =>
      (message.closest(".user-row") ? "问：" : "答：") + readable(message)).join("\n\n");

  const write = async (text) => {
    if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
    // Browsers give no clipboard to a page served over plain http, as an intranet's often is.
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  };

  document.addEventListener("click", (event) => {
    const chip = event.target.closest?.('a[href*="#source-"]');
    if (chip) {
      event.preventDefault();
      show(chip.getAttribute("href").split("#")[1]);
      return;
    }
    const button = event.target.closest?.("#xb-chat button");
    const name = button?.getAttribute("aria-label");
    if (name !== ONE && name !== ALL) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const row = button.closest(".message-buttons")?.previousElementSibling;
    const message = row?.querySelector(".message-content");
    const text = name === ALL ? conversation(button.closest("#xb-chat")) : message ? readable(message) : "";
    write(text).then(() => {
      button.title = "已复制";
      setTimeout(() => { button.title = name; }, 1500);
    });
  }, true);

  // Gradio names some of its parts in English, and its messages by their HTML.
  const rename = () => {
    for (const element of document.querySelectorAll("#xb-chat [aria-label]")) {
      const label = element.getAttribute("aria-label");
      if (label in NAMES) {
        element.setAttribute("aria-label", NAMES[label]);
        if (element.title) element.title = NAMES[label];
      } else if (/^(user|bot)'s message: /.test(label)) {
        element.setAttribute("aria-label", label.startsWith("user") ? "提问" : "回答");
      }
    }
  };
  let due = false;
  new MutationObserver(() => {
    if (due) return;
    due = true;
    requestAnimationFrame(() => { due = false; rename(); });
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ["aria-label"] });
})();
