export default function ({ parentElement, data, setTriggerValue }) {
  const list = parentElement.querySelector("ul"), fold = parentElement.querySelector(".fold");
  const make = (name, kind, text, into) => {
    const made = document.createElement(name);
    made.className = kind;
    if (text !== undefined) made.textContent = text;
    into.appendChild(made);
    return made;
  };
  const count = data.rows.length;
  fold.textContent = count === 1 ? "1 run" : `${count} runs`;
  fold.onclick = () => fold.setAttribute("aria-expanded", fold.getAttribute("aria-expanded") !== "true");
  const signature = JSON.stringify(data.rows.map((row) => row.id));
  if (list.dataset.signature !== signature) {
    list.dataset.signature = signature;
    list.replaceChildren();
    for (const row of data.rows) {
      const item = make("li", "", undefined, list);
      const tick = make("input", "", undefined, make("label", "", undefined, item));
      tick.type = "checkbox";
      const run = make("button", "run", undefined, item);
      run.type = "button";
      for (const part of ["name", "figure", "line", "tags"]) make("span", part, "", run);
    }
  }
  const items = [...list.children], ticks = items.map((item) => item.querySelector("input"));
  const fill = (node, text) => { if (node.textContent !== text) node.textContent = text; };
  data.rows.forEach((row, at) => {
    const item = items[at], run = item.querySelector(".run"), shown = data.ticked.includes(row.id);
    for (const part of ["name", "figure", "line"]) fill(item.querySelector("." + part), row[part]);
    const tags = item.querySelector(".tags");
    if (tags.dataset.signature !== row.tags.join()) {
      tags.dataset.signature = row.tags.join();
      tags.replaceChildren();
      for (const tag of row.tags) make("span", "", tag, tags);
    }
    item.className = shown ? "shown" : "";
    run.setAttribute("aria-current", shown);
    run.onclick = () => {
      fold.setAttribute("aria-expanded", "false");
      setTriggerValue("opened", row.id);
    };
    ticks[at].checked = shown;
    ticks[at].title = `Compare ${row.name}`;
    ticks[at].setAttribute("aria-label", `Compare ${row.name}`);
    ticks[at].onchange = () => {
      const ids = data.rows.filter((_, other) => ticks[other].checked).map((one) => one.id);
      if (ids.length) setTriggerValue("ticked", ids);
      else ticks[at].checked = true;  // one is always shown
    };
  });
}
