export default function ({ parentElement, data, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame"), image = frame.querySelector("img");
  const mark = frame.querySelector(".mark"), words = parentElement.querySelector(".words");
  const { rows, columns, marked, labels } = data;
  frame.style.setProperty("--wide", data.width + "px");
  frame.style.setProperty("--least", data.least + "px");
  frame.style.setProperty("--shape", data.shape);
  if (image.src !== data.image) image.src = data.image;
  image.alt = data.alt;
  mark.style.display = marked ? "block" : "none";
  if (marked) {
    mark.style.left = data.whole_row ? "50%" : (100 * (marked[1] + 0.5)) / columns + "%";
    mark.style.top = (100 * (marked[0] + 0.5)) / rows + "%";
    mark.style.width = (data.whole_row ? 100 : 100 / columns) + "%";
    mark.style.height = 100 / rows + "%";
  }
  const at = (event) => {
    const box = image.getBoundingClientRect();
    const place = (from, length, count) => Math.max(0, Math.min(count - 1, Math.floor((from / length) * count)));
    return [place(event.clientY - box.top, box.height, rows), place(event.clientX - box.left, box.width, columns)];
  };
  const said = marked && labels ? labels[marked[0] * columns + marked[1]] : "";
  words.style.display = labels ? "block" : "none";
  words.textContent = said || "\u00a0";
  frame.onpointermove = (event) => {
    const [row, column] = at(event);
    if (labels) words.textContent = labels[row * columns + column] || "\u00a0";
  };
  frame.onpointerleave = () => { words.textContent = said || "\u00a0"; };
  frame.onclick = (event) => setTriggerValue("clicked", at(event));
}
