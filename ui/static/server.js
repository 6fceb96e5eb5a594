// What a page asks of the server. Addresses are relative, so that a server below a path works the same.

const OFFLINE = "连不上服务器。请检查网络，或稍候再试。";

// A trouble that the reader can be told of; ``message`` is in Chinese.
export class Trouble extends Error {
  constructor(message, code = "offline") {
    super(message);
    this.code = code;
  }
}

// What every page asks, below an address of its own. How to ``ask(asked, signal)`` and ``rate(rating)`` differs by where
// the conversation is kept.
export class Server {
  #below;

  constructor(below) { this.#below = below; }

  state() { return this.json("GET", this.address("state")); }
  library() { return this.json("GET", this.address("articles")); }
  article(id, quoted) {
    const places = new URLSearchParams(quoted.map((place) => ["quoted", place]));
    return this.json("GET", this.address(`articles/${encodeURIComponent(id)}?${places}`));
  }

  address(name) { return `${this.#below}/${name}`; }

  reach(address, options) { return fetch(address, options); }

  async json(method, address, body) {
    const response = await this.#send(method, address, body);
    if (response.status === 204) return null;
    return response.json().catch(() => {
      // A log-in page of something in between, most likely.
      throw new Trouble("服务器没有正常回应，请刷新页面后再试。", "offline");
    });
  }

  // The events of an answer as ``[name, data]``; ends with ``turn``, or throws a Trouble.
  async *answer(question, signal) {
    const response = await this.#send("POST", this.address("ask"), question, signal);
    yield* eventsOf(response);
  }

  async #send(method, address, body, signal) {
    let response;
    try {
      response = await this.reach(address, {
        method, signal,
        headers: body === undefined ? {} : { "Content-Type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
      });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Trouble(OFFLINE);
    }
    if (response.ok) return response;
    const said = await response.json().catch(() => null);
    throw new Trouble(said?.detail ?? `服务器没有正常回应（${response.status}），请稍候再试。`, said?.code);
  }
}

// The server as the chat page asks it: conversations are kept there, for the browser that has their cookie.
export class PageServer extends Server {
  #introduced = null;

  constructor() { super("page"); }

  ask({ question, conversation, keep }, signal) { return this.answer({ question, conversation, keep }, signal); }
  rate(rating) { return this.json("POST", this.address("feedback"), rating); }
  conversations(search) { return this.json("GET", this.address(`conversations?${new URLSearchParams({ search })}`)); }
  conversation(id) { return this.json("GET", this.#conversation(id)); }
  rename(id, title) { return this.json("PATCH", this.#conversation(id), { title }); }
  remove(id) { return this.json("DELETE", this.#conversation(id)); }
  markdownAddress(id) { return `${this.#conversation(id)}/markdown`; }

  #conversation(id) { return this.address(`conversations/${encodeURIComponent(id)}`); }

  // The first answer of the server brings the cookie that conversations are kept under, and nothing else is asked before
  // it is there: two requests without one would each be given their own, and the later would hide what the other began.
  async reach(address, options) {
    if (this.#introduced) {
      await this.#introduced.catch(() => {});
      return fetch(address, options);
    }
    this.#introduced = fetch(address, options);
    this.#introduced.catch(() => { this.#introduced = null; });
    return this.#introduced;
  }
}

async function* eventsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let pending = "";
  let finished = false;
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      pending += value;
      const events = pending.split("\n\n");
      pending = events.pop();
      for (const event of events) {
        const name = /^event: (.*)$/m.exec(event)?.[1];
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (!name || !data) continue;  // a comment that keeps the connection open
        const values = JSON.parse(data);
        if (name === "error") throw new Trouble(values.detail, values.code);
        finished ||= name === "turn";
        yield [name, values];
      }
    }
  } catch (error) {
    if (error instanceof Trouble || error.name === "AbortError") throw error;
    throw new Trouble(OFFLINE);
  }
  if (!finished) throw new Trouble("回答中断了，请重试。", "broken");
}
