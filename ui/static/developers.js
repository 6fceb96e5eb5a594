// The copy buttons of the developers' page.

const said = document.getElementById("said");

const copy = async (code) => {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(code.textContent);
  // Browsers give no clipboard to a page served over plain http, as an intranet's often is.
  const selection = getSelection();
  selection.selectAllChildren(code);
  const done = document.execCommand("copy");
  selection.removeAllRanges();
  if (!done) throw new Error("the browser refused to copy");
};

for (const button of document.querySelectorAll("button[data-copies]")) {
  button.addEventListener("click", async () => {
    const code = document.getElementById(button.dataset.copies);
    try {
      await copy(code);
      button.textContent = "已复制";
    } catch {  // the reader can still copy by hand, and finds it marked
      getSelection().selectAllChildren(code);
      button.textContent = "请按 Ctrl+C";
    }
    said.textContent = button.textContent;
    setTimeout(() => { button.textContent = "复制"; said.textContent = ""; }, 2000);
  });
}
