export default function ({ parentElement, data, setTriggerValue }) {
  const grid = parentElement.querySelector(".grid");
  const make = (name, into, text) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    into.appendChild(made);
    return made;
  };
  if (grid.dataset.signature !== data.signature) {
    grid.dataset.signature = data.signature;
    grid.setAttribute("aria-label", data.alt);
    grid.replaceChildren();
    for (const tile of data.tiles) {
      const figure = make("figure", grid), link = make("a", figure), image = make("img", link);
      figure.setAttribute("role", "listitem");
      link.href = tile.href;
      image.src = tile.image;
      image.alt = tile.alt;
      image.className = tile.small ? "small" : "";
      const words = make("div", link);
      words.className = "words";
      make("strong", words, tile.title);
      for (const line of tile.lines) make("span", words, line);
      const flags = make("div", figure);
      flags.className = "flags";
      for (const flag of data.flags) make("button", flags, flag).type = "button";
    }
  }
  [...grid.children].forEach((figure, at) => {
    const tile = data.tiles[at];
    figure.querySelector("a").onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
      event.preventDefault();
      setTriggerValue("opened", at);
    };
    [...figure.querySelectorAll("button")].forEach((button, nth) => {
      const on = tile.flag === data.flags[nth];
      button.setAttribute("aria-pressed", on ? "true" : "false");
      button.setAttribute("aria-label", data.flags[nth] + ": " + tile.title + ", " + tile.lines.join(", "));
      button.onclick = () => setTriggerValue("flagged", [at, on ? "" : data.flags[nth]]);
    });
  });
}
