// What the compact page and the page that holds it say to each other, by ``postMessage``. Messages are
// ``{ xiaobao: kind, … }``; they are taken from the page around alone, and only where its origin is the server's own or
// one that the server lists, and none is sent to any other.

const THEMES = ["auto", "light", "dark"];
const LONGEST = { title: 200, url: 500, selection: 200 };  // characters; of a question the server says what is too long

const text = (values, name) => {
  const value = values?.[name];
  return typeof value === "string" ? value.trim().slice(0, LONGEST[name]) : "";
};

// The origin of the page around as far as the browser tells it; null where it does not, or where there is none.
const around = () => {
  if (window.parent === window) return null;
  if (location.ancestorOrigins?.length) return location.ancestorOrigins[0];
  return document.referrer ? new URL(document.referrer).origin : null;
};

export class Host {
  #allowed;
  #origin = null;
  #started = false;

  // ``onAsk(question)``, ``onContext({ title, url, selection })`` and ``onTheme(theme)`` are what the page around wants.
  constructor({ onAsk, onContext, onTheme }) {
    const listed = document.querySelector("meta[name=xiaobao-origins]").content;
    this.#allowed = new Set([location.origin, ...listed.split(" ").filter(Boolean)]);
    const origin = around();
    if (this.#allowed.has(origin)) this.#origin = origin;
    window.addEventListener("message", ({ source, origin, data }) => {
      if (source !== window.parent || source === window || !this.#allowed.has(origin)) return;
      // Where the browser did not tell, the first message does.
      if (this.#origin === null) this.#meet(origin);
      if (data?.xiaobao === "ask" && text(data, "question")) onAsk(text(data, "question"));
      if (data?.xiaobao === "theme" && THEMES.includes(data.theme)) onTheme(data.theme);
      if (data?.xiaobao === "context") {
        const { context } = data;
        onContext({ title: text(context, "title"), url: text(context, "url"), selection: text(context, "selection") });
      }
    });
  }

  // Says that from now on messages are heard.
  start() {
    this.#started = true;
    this.tell("ready");
  }

  // Nothing is said to a page that is not known.
  tell(kind, values = {}) {
    if (this.#origin !== null) window.parent.postMessage({ xiaobao: kind, ...values }, this.#origin);
  }

  #meet(origin) {
    this.#origin = origin;
    if (this.#started) this.tell("ready");
  }
}
