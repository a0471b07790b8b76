export default function ({ parentElement, data, setTriggerValue }) {
  const table = parentElement.querySelector("table"), count = data.rows.length, of = "button";
  const make = (name, text, into) => {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    into.appendChild(made);
    return made;
  };
  if (table.dataset.signature !== data.signature) {
    table.dataset.signature = data.signature;
    table.replaceChildren();
    table.setAttribute("aria-label", data.alt);
    make("caption", data.caption, table);
    const head = make("tr", undefined, make("thead", undefined, table));
    make("td", undefined, head);
    for (const name of data.columns) {
      const cell = make("th", name, head);
      cell.scope = "col";
      cell.title = name;
    }
    const body = make("tbody", undefined, table);
    data.cells.forEach((cells, row) => {
      const line = make("tr", undefined, body), name = make("th", data.rows[row], line);
      name.scope = "row";
      name.title = data.rows[row];
      cells.forEach(([text, said, background, colour], column) => {
        const button = make(of, text, make("td", undefined, line));
        button.type = "button";
        button.title = said;
        button.setAttribute("aria-label", said);
        button.style.background = background;
        button.style.color = colour;
        button.dataset.at = row + "," + column;
      });
    });
  }
  const buttons = [...table.querySelectorAll(of)], width = data.columns.length;
  const marked = data.marked ? data.marked[0] * width + data.marked[1] : -1;
  const focused = buttons.findIndex((button) => button.matches(":focus"));
  buttons.forEach((button, at) => {
    button.setAttribute("aria-pressed", at === marked ? "true" : "false");
    button.tabIndex = at === Math.max(0, focused >= 0 ? focused : marked) ? 0 : -1;
    button.onclick = () => setTriggerValue("clicked", [Math.floor(at / width), at % width]);
    button.onkeydown = (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -width, ArrowDown: width }[event.key];
      const next = buttons[at + (step ?? 0)];
      if (step === undefined || !next || (Math.abs(step) === 1 && width > 1
          && Math.floor(at / width) !== Math.floor((at + step) / width))) return;
      event.preventDefault();
      button.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    };
  });
}
