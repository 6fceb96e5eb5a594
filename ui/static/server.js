// What the page asks of the server. Addresses are relative, so that a server below a path works the same.

const OFFLINE = "连不上服务器。请检查网络，或稍候再试。";

// A trouble that the reader can be told of; ``message`` is in Chinese.
export class Trouble extends Error {
  constructor(message, code = "offline") {
    super(message);
    this.code = code;
  }
}

// The first answer of the server brings the cookie that conversations are kept under, and nothing else is asked before
// it is there: two requests without one would each be given their own, and the later would hide what the other began.
let introduced = null;
const reach = async (address, options) => {
  if (introduced) {
    await introduced.catch(() => {});
    return fetch(address, options);
  }
  introduced = fetch(address, options);
  introduced.catch(() => { introduced = null; });
  return introduced;
};

const send = async (method, address, body, signal) => {
  let response;
  try {
    response = await reach(`page/${address}`, {
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
};

const json = async (method, address, body) => {
  const response = await send(method, address, body);
  if (response.status === 204) return null;
  return response.json().catch(() => {
    // A log-in page of something in between, most likely.
    throw new Trouble("服务器没有正常回应，请刷新页面后再试。", "offline");
  });
};

export const state = () => json("GET", "state");
export const library = () => json("GET", "articles");
export const article = (id, quoted) =>
  json("GET", `articles/${encodeURIComponent(id)}?${new URLSearchParams(quoted.map((place) => ["quoted", place]))}`);
export const conversations = (search) => json("GET", `conversations?${new URLSearchParams({ search })}`);
export const conversation = (id) => json("GET", `conversations/${encodeURIComponent(id)}`);
export const rename = (id, title) => json("PATCH", `conversations/${encodeURIComponent(id)}`, { title });
export const remove = (id) => json("DELETE", `conversations/${encodeURIComponent(id)}`);
export const rate = (rating) => json("POST", "feedback", rating);
export const markdownAddress = (id) => `page/conversations/${encodeURIComponent(id)}/markdown`;

// The events of an answer as ``[name, data]``; ends with ``turn``, or throws a Trouble.
export async function* ask(question, signal) {
  const response = await send("POST", "ask", question, signal);
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
