export default function ({ parentElement, data, setTriggerValue }) {
  const bars = parentElement.querySelector(".bars");
  bars.setAttribute("aria-label", data.alt);
  while (bars.children.length > data.rows.length) bars.lastChild.remove();
  data.rows.forEach((row, nth) => {
    let button = bars.children[nth];
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      for (const name of ["name", "rail", "words"]) button.appendChild(document.createElement("span")).className = name;
      button.children[1].appendChild(document.createElement("i"));
      bars.appendChild(button);
    }
    const [name, rail, words] = button.children;
    name.textContent = name.title = row.name;
    rail.firstChild.style.width = row.width + "%";
    words.textContent = row.words;
    button.className = row.most ? "most" : "";
    button.setAttribute("aria-label", row.name + ", " + row.words);
    button.setAttribute("aria-pressed", String(row.open));
    button.tabIndex = row.open || (nth === 0 && !data.rows.some((one) => one.open)) ? 0 : -1;
    button.onclick = () => setTriggerValue("clicked", nth);
  });
  bars.onkeydown = (event) => {
    const to = { ArrowDown: 1, ArrowUp: -1, Home: -bars.children.length, End: bars.children.length }[event.key];
    const all = [...bars.children], at = all.findIndex((button) => button.matches(":focus"));
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, at + to))];
    all.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  };
}
