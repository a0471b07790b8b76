export default function ({ parentElement, data, setTriggerValue }) {
  const row = parentElement.querySelector(".row");
  if (row.dataset.signature !== data.signature) {
    row.dataset.signature = data.signature;
    row.setAttribute("aria-label", data.alt);
    row.replaceChildren(...data.tiles.map((tile) => {
      const button = document.createElement("button"), image = document.createElement("img");
      button.type = "button";
      button.title = tile.title;
      button.setAttribute("aria-label", tile.title);
      image.src = tile.image;
      image.alt = "";
      image.className = tile.small ? "small" : "";
      button.append(image);
      return button;
    }));
    if (data.more) {
      const more = document.createElement("button");
      more.type = "button";
      more.className = "more";
      more.textContent = "More";
      more.title = data.more;
      row.append(more);
    }
  }
  const all = [...row.children], held = all.some((button) => button.matches(":focus"));
  all.forEach((button, nth) => {
    const tile = nth < data.tiles.length;
    if (tile) button.setAttribute("aria-pressed", String(nth === data.marked));
    if (!held) button.tabIndex = nth === Math.max(0, data.marked ?? 0) ? 0 : -1;
    button.onclick = () => setTriggerValue("clicked", tile ? nth : -1);
  });
  row.onkeydown = (event) => {
    const to = { ArrowRight: 1, ArrowLeft: -1, Home: -all.length, End: all.length }[event.key];
    const at = all.findIndex((button) => button.matches(":focus"));
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, at + to))];
    all.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  };
}
