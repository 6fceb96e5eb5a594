// Elements, icons and the clipboard. Text goes in as text; HTML is only what the server made and escaped.

// Gradio applies the style sheet to its own container alone, so what is unseen has to stand inside it, too.
const frame = () => document.getElementById("xb-main");

export const el = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "html") element.innerHTML = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
};

// Drawn for this page, 16 by 16, in the colour of the text around them.
const PATHS = {
  menu: "M2 4h12M2 8h12M2 12h12",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  back: "M10 3L5 8l5 5",
  copy: "M6 6h7v7H6zM3 10V3h7",
  retry: "M13 8a5 5 0 1 1-1.5-3.5M13 2v3h-3",
  edit: "M3 13l.6-2.6L11 3l2 2-7.4 7.4z",
  trash: "M3 5h10M6 5V3h4v2M5 5l.6 8h4.8L11 5",
  up: "M5 7l2.5-4.5c1 0 1.6.7 1.4 1.8L8.5 6.5H12c.8 0 1.3.6 1.1 1.4l-.9 4c-.2.7-.6 1.1-1.3 1.1H5zM2.5 7H5v6H2.5z",
  down: "M11 9l-2.5 4.5c-1 0-1.6-.7-1.4-1.8l.4-2.2H4c-.8 0-1.3-.6-1.1-1.4l.9-4C4 3.4 4.4 3 5.1 3H11zM13.5 9H11V3h2.5z",
  book: "M8 4C6.5 3 4.5 2.7 2.5 3v9.5c2-.3 4 0 5.5 1 1.5-1 3.5-1.3 5.5-1V3c-2-.3-4 0-5.5 1zM8 4v9.5",
  save: "M8 2.5v7M5 7l3 3 3-3M3 13h10",
  stop: "M5 5h6v6H5z",
};

export const icon = (name) => {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("viewBox", "0 0 16 16");
  drawing.setAttribute("aria-hidden", "true");
  drawing.classList.add("xb-icon");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  drawing.append(path);
  return drawing;
};

// A button with an icon; ``word`` is shown beside it, or, without one, the name is all there is to read.
export const button = (name, drawn, onclick, { word = "", ...attributes } = {}) =>
  el("button", { type: "button", class: "xb-button", "aria-label": name, title: name, onclick, ...attributes },
    drawn && icon(drawn), word && el("span", {}, word));

export const copyText = async (text) => {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  // Browsers give no clipboard to a page served over plain http, as an intranet's often is.
  const area = el("textarea", { class: "xb-unseen", "aria-hidden": "true", tabindex: "-1" });
  area.value = text;
  frame().append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser refused to copy");
};

// While a drawer lies over the page, the rest can be neither clicked nor reached by keyboard.
export const coverRest = (drawer) => {
  const covers = getComputedStyle(drawer).position === "fixed";
  for (const column of drawer.parentElement.children) column.inert = covers && column !== drawer && !column.matches(".xb-scrim");
};
export const uncoverRest = () => { for (const column of frame().children) column.inert = false; };

export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// Says something to those who listen to the page rather than look at it.
let spoken;
export const say = (text) => {
  spoken ??= frame().appendChild(el("div", { class: "xb-unseen", role: "status", "aria-live": "polite" }));
  spoken.textContent = "";
  // A new text in an emptied region is announced even where it is the same as before.
  requestAnimationFrame(() => { spoken.textContent = text; });
};

// Small preferences, for as long as the browser lets a page keep anything.
export const recall = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {  // storage is blocked
    return null;
  }
};
export const remember = (name, value) => {
  try {
    localStorage.setItem(name, value);
  } catch {  // storage is blocked or full: it holds for this visit
  }
};
