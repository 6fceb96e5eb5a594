// Whether the server can be asked: a label that says so, kept up to date until it can.

import { el } from "./dom.js";
import { Trouble } from "./server.js";

const POLL_MS = 1000;
const STATES = {
  ready: "已就绪",
  loading: "正在加载",
  failed: "暂时无法回答",
  offline: "连不上服务器",
};

export class Status {
  // ``onFound(found)`` is told the server's state whenever the server said one.
  constructor(server, onFound) {
    Object.assign(this, { server, onFound });
    this.element = el("span", { class: "xb-state xb-loading", id: "xb-state", role: "status" }, STATES.loading);
    this.next = 0;
  }

  // Asks how far loading has come until it has come to an end, and shows it.
  async follow() {
    clearTimeout(this.next);
    let found;
    try {
      found = await this.server.state();
    } catch (error) {
      if (!(error instanceof Trouble)) throw error;
      found = { state: "offline", message: error.message, examples: [] };
    }
    this.element.className = `xb-state xb-${found.state}`;
    this.element.textContent = STATES[found.state];
    if (found.state !== "offline") this.onFound(found);
    if (found.state !== "ready") this.next = setTimeout(() => this.follow(), POLL_MS);
  }
}
