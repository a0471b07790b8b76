export default function ({ parentElement, data, setTriggerValue }) {
  const part = (name) => parentElement.querySelector(name);
  const table = part(".table"), list = part(".rows"), more = part(".more"), paired = data.rows[0].change !== undefined;
  table.classList.toggle("paired", paired);
  list.setAttribute("aria-label", data.alt);
  part(".low").textContent = data.low;
  part(".high").textContent = data.high;
  part(".head .accuracy").textContent = paired ? "After" : "Accuracy";
  const make = (name, kind, into) => {
    const made = into.appendChild(document.createElement(name));
    made.className = kind;
    return made;
  };
  while (list.children.length > data.rows.length) list.lastChild.remove();
  while (list.children.length < data.rows.length) {
    const button = make("button", "", list);
    button.type = "button";
    for (const kind of ["name", "images", "plot", "accuracy", "change"]) make("span", kind, button);
    for (const kind of ["all", "interval", "before", "after"]) make("i", kind, button.querySelector(".plot"));
  }
  const pressed = data.rows.findIndex((row) => row.chosen), few = data.first;
  const fold = () => {
    const whole = table.dataset.whole === "yes" || data.rows.length <= few;
    [...list.children].forEach((button, at) => { button.hidden = !whole && at >= few && at !== pressed; });
    more.hidden = data.rows.length <= few;
    more.textContent = whole ? "Fewer slices" : `All ${data.rows.length - 1} slices`;
  };
  more.onclick = () => {
    table.dataset.whole = table.dataset.whole === "yes" ? "" : "yes";
    fold();
  };
  data.rows.forEach((row, at) => {
    const button = list.children[at], within = (kind) => button.querySelector("." + kind);
    for (const kind of ["name", "images", "accuracy", "change"]) within(kind).textContent = row[kind] ?? "";
    within("change").classList.toggle("sure", Boolean(row.sure));
    within("accuracy").classList.toggle("sure", Boolean(row.below));
    within("all").style.left = data.all + "%";
    within("after").style.left = row.after + "%";
    within("before").style.left = row.before + "%";
    within("before").hidden = row.before === undefined;
    within("interval").style.left = row.interval[0] + "%";
    within("interval").style.width = row.interval[1] - row.interval[0] + "%";
    button.classList.toggle("unranked", Boolean(row.unranked));
    button.title = row.said;
    button.setAttribute("aria-label", row.said);
    button.setAttribute("aria-pressed", String(at === pressed));
    button.tabIndex = at === Math.max(0, pressed) ? 0 : -1;
    button.onclick = () => setTriggerValue("clicked", at);
  });
  fold();
  list.onkeydown = (event) => {
    const all = [...list.children].filter((button) => !button.hidden), at = all.findIndex((one) => one.matches(":focus"));
    const to = { ArrowDown: 1, ArrowUp: -1, Home: -all.length, End: all.length }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = all[Math.max(0, Math.min(all.length - 1, at + to))];
    [...list.children].forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  };
}
