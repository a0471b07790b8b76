export default function ({ parentElement, data, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip"), told = parentElement.querySelector(".told");
  const drawn = JSON.stringify([data.blocks, data.input]);
  if (strip.dataset.drawn !== drawn) {
    const given = document.createElement("div");
    given.className = "given";
    given.setAttribute("aria-hidden", "true");
    const picture = document.createElement("i"), name = document.createElement("span");
    picture.style.cssText = `width:64px;height:64px;background-image:url(${data.input})`;
    name.textContent = "Image";
    given.append(picture, name);
    strip.replaceChildren(given, ...data.blocks.map((block) => {
      const button = document.createElement("button"), body = document.createElement("i");
      const word = document.createElement("span");
      button.type = "button";
      button.title = block.words;
      button.setAttribute("aria-label", block.words.replaceAll("\n", ", "));
      const look = block.image ? `background-image:url(${block.image})` : `background:${block.colour}`;
      body.style.cssText = `width:${block.width}px;height:${block.height}px;${look}`;
      word.textContent = block.label;
      button.append(body, word);
      return button;
    }));
    const size = new Image();
    size.onload = () => { picture.style.width = (64 * size.width) / size.height + "px"; };
    size.src = data.input;
    strip.dataset.drawn = drawn;
    strip.dataset.at = "";
  }
  const buttons = [...strip.querySelectorAll("button")], picture = strip.querySelector(".given i");
  const body = (nth) => (nth < 0 ? picture : buttons[nth].firstChild);
  const clear = () => { strip.querySelectorAll("b").forEach((box) => box.remove()); told.textContent = "\u00a0"; };
  const frame = (into, top, left, height, width) => {  // shares of the picture, cut off at its rim
    const low = Math.max(0, top), first = Math.max(0, left);
    const high = Math.min(1, top + height), last = Math.min(1, left + width);
    if (high <= low || last <= first) return;
    const box = document.createElement("b");
    box.style.cssText = `top:${50 * (low + high)}%;left:${50 * (first + last)}%;` +
      `height:${100 * (high - low)}%;width:${100 * (last - first)}%`;
    into.appendChild(box);
  };
  /** Marks a position of a layer, what its kernel lies on in front of it, and all that it depends on in the image. */
  const mark = (nth, row, column) => {
    clear();
    const block = data.blocks[nth];
    if (block.shape) frame(body(nth), row / block.shape[0], column / block.shape[1],
      1 / block.shape[0], 1 / block.shape[1]);
    if (block.field) frame(picture, ...block.field.map(([start, step], side) => start + step * [row, column][side]),
      ...block.field.map((side) => side[2]));
    else frame(picture, 0, 0, 1, 1);
    for (const one of block.inputs) {
      if (one < 0 && block.field) continue;  // in the image it is the field itself
      if (block.window) frame(body(one), ...block.window.map(([start, step], side) => start + step * [row, column][side]),
        ...block.window.map((side) => side[2]));
      else frame(body(one), 0, 0, 1, 1);
    }
    const at = block.shape ? `, row ${row}, column ${column}` : "";
    const which = block.shape && block.channel !== undefined ? `, channel ${block.channel}` : "";
    const kernel = block.window && block.window[0][3] > 1
      ? `: a window of ${block.window[0][3]} × ${block.window[1][3]} before it` : "";
    const sees = block.sees === "all" ? "all of the image" : `${block.sees} pixels of the image`;
    told.textContent = `${block.name}${which}${at}${kernel || ":"}${kernel ? ", " : " "}${sees}`;
  };
  const strongest = (nth) => mark(nth, ...(data.blocks[nth].peak || [0, 0]));
  buttons.forEach((button, nth) => {
    button.setAttribute("aria-pressed", String(nth === data.at));
    button.tabIndex = nth === data.at ? 0 : -1;
    button.onclick = () => setTriggerValue("opened", nth);
    button.onpointermove = (event) => {
      const { shape } = data.blocks[nth], box = button.firstChild.getBoundingClientRect();
      if (!shape) { strongest(nth); return; }
      const place = (from, length, count) => Math.max(0, Math.min(count - 1, Math.floor((from / length) * count)));
      mark(nth, place(event.clientY - box.top, box.height, shape[0]),
        place(event.clientX - box.left, box.width, shape[1]));
    };
    button.onpointerleave = clear;
    button.onfocus = () => { if (button.matches(":focus-visible")) strongest(nth); };
    button.onblur = clear;
  });
  if (!told.textContent) clear();
  strip.onkeydown = (event) => {
    const to = { ArrowRight: 1, ArrowLeft: -1, Home: -buttons.length, End: buttons.length }[event.key];
    const at = buttons.findIndex((button) => button.matches(":focus"));
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const next = buttons[Math.max(0, Math.min(buttons.length - 1, at + to))];
    buttons.forEach((button) => { button.tabIndex = button === next ? 0 : -1; });
    next.focus();
  };
  if (strip.dataset.at !== String(data.at)) {
    strip.dataset.at = String(data.at);
    const open = buttons[data.at];
    if (open) strip.scrollLeft = open.offsetLeft - strip.offsetLeft - (strip.clientWidth - open.offsetWidth) / 2;
  }
}
