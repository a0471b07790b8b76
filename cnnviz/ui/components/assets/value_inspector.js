export default function ({ parentElement, data }) {
  const place = parentElement.querySelector(".images"), words = parentElement.querySelector(".words");
  const { rows, columns, peak } = data;
  const bytes = Uint8Array.from(atob(data.values), (letter) => letter.charCodeAt(0));
  const values = new Float32Array(bytes.buffer);
  place.style.setProperty("--shape", data.shape);
  place.style.setProperty("--wide", data.width + "px");
  place.replaceChildren(...data.images.map(([image_url, alt, caption]) => {
    const figure = document.createElement("figure"), frame = document.createElement("div");
    const image = document.createElement("img"), mark = document.createElement("div");
    const below = document.createElement("figcaption");
    frame.className = "frame";
    frame.tabIndex = 0;
    frame.setAttribute("role", "group");
    frame.setAttribute("aria-label", alt + ". Arrow keys read its values.");
    image.src = image_url;
    image.alt = alt;
    mark.className = "mark";
    below.textContent = caption;
    frame.append(image, mark);
    figure.append(frame, below);
    return figure;
  }));
  const frames = [...place.querySelectorAll(".frame")];
  let at = peak;
  const show = (next, marked) => {
    at = next;
    const value = values[at[0] * columns + at[1]];
    const number = Math.abs(value) >= 1e-3 || value === 0 ? value.toPrecision(4) : value.toExponential(3);
    words.textContent = `row ${at[0]}, column ${at[1]}: ${value === 0 ? "0" : number}${marked ? "" : data.said}`;
    for (const frame of frames) {
      const mark = frame.querySelector(".mark");
      mark.style.display = "block";
      mark.style.left = (100 * (at[1] + 0.5)) / columns + "%";
      mark.style.top = (100 * (at[0] + 0.5)) / rows + "%";
      mark.style.width = 100 / columns + "%";
      mark.style.height = 100 / rows + "%";
    }
  };
  const clip = (one, count) => Math.max(0, Math.min(count - 1, one));
  for (const frame of frames) {
    frame.onpointermove = (event) => {
      const box = frame.getBoundingClientRect();
      show([clip(Math.floor(((event.clientY - box.top) / box.height) * rows), rows),
            clip(Math.floor(((event.clientX - box.left) / box.width) * columns), columns)], true);
    };
    frame.onpointerleave = () => show(peak, false);
    frame.onkeydown = (event) => {
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (step === undefined) return;
      event.preventDefault();
      show([clip(at[0] + step[0], rows), clip(at[1] + step[1], columns)], true);
    };
  }
  show(peak, false);
}
