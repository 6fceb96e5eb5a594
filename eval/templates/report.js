(() => {
  const form = document.getElementById("filter");
  const cards = [...document.querySelectorAll("[data-case]")];
  const texts = cards.map((card) => card.textContent.toLowerCase());
  const shown = document.getElementById("shown");
  const apply = () => {
    const words = form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = form.elements.kind.value;
    const verdict = form.elements.verdict.value;
    let count = 0;
    cards.forEach((card, place) => {
      const fits = (!kind || card.dataset.kind === kind) && (!verdict || card.dataset.verdict === verdict)
        && words.every((word) => texts[place].includes(word));
      card.hidden = !fits;
      count += fits;
    });
    shown.textContent = `显示 ${count} / ${cards.length}`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
})();
