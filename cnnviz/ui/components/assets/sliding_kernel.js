const STEP_MS = 60;

export default function ({ parentElement, data, setStateValue }) {
  const find = (selector) => parentElement.querySelector(selector);
  const { image, side, weights, colours } = data;
  const pixels = Uint8Array.from(atob(image), (letter) => letter.charCodeAt(0));
  const palette = Uint8Array.from(atob(colours), (letter) => letter.charCodeAt(0));
  const across = side - 2, sums = new Float64Array(across * across);
  const state = (parentElement.sliding ??= { at: [0, 0], cells: [] });  // what outlives being drawn anew
  const kernel = [...weights];
  let low = 0, high = 1;

  const draw = (canvas, length, colour) => {
    canvas.width = canvas.height = length;
    const context = canvas.getContext("2d"), drawn = context.createImageData(length, length);
    for (let i = 0; i < length * length; i++) drawn.data.set([...colour(i), 255], 4 * i);
    context.putImageData(drawn, 0, 0);
  };
  const pixel = (row, column) => pixels[row * side + column];
  const products = (row, column) =>
    kernel.map((weight, i) => weight * pixel(row + Math.floor(i / 3), column + (i % 3)));
  const number = (value) => String(Number(value.toFixed(2))).replace("-", "\u2212");

  const convolve = () => {
    for (let i = 0; i < sums.length; i++) {
      sums[i] = products(Math.floor(i / across), i % across).reduce((sum, one) => sum + one, 0);
    }
    low = Math.min(...sums);
    high = Math.max(...sums);
    const scale = high > low ? 255 / (high - low) : 0;
    draw(find(".result canvas"), across, (i) => {
      const colour = 3 * Math.round((sums[i] - low) * scale);
      return palette.subarray(colour, colour + 3);
    });
    find(".low").textContent = number(low);
    find(".high").textContent = number(high);
  };
  const show = () => {
    const [row, column] = state.at;
    for (const [name, count, size] of [[".image", side, 3], [".result", across, 1]]) {
      const mark = find(`${name} .window`);
      mark.style.left = (100 * column) / count + "%";
      mark.style.top = (100 * row) / count + "%";
      mark.style.width = mark.style.height = (100 * size) / count + "%";
    }
    products(row, column).forEach((product, i) => {
      const cell = state.cells[i], value = pixel(row + Math.floor(i / 3), column + (i % 3));
      cell.pixel.textContent = value;
      cell.pixel.style.background = `rgb(${value}, ${value}, ${value})`;
      cell.pixel.style.color = value > 117 ? "#000" : "#fff";  // 4.5:1 either way
      cell.product.textContent = number(product);
    });
    find(".total").textContent = "Sum " + number(sums[row * across + column]);
  };

  if (!state.cells.length) {
    state.cells = kernel.map((_, i) => {
      const [cell, pixel, input, product] = ["div", "span", "input", "span"].map((tag) => document.createElement(tag));
      cell.className = "cell";
      pixel.className = "pixel";
      input.inputMode = "decimal";
      input.setAttribute("aria-label", `Weight in row ${Math.floor(i / 3) + 1}, column ${(i % 3) + 1}`);
      cell.append(pixel, input, product);
      return { cell, pixel, input, product };
    });
    find(".cells").replaceChildren(...state.cells.map(({ cell }) => cell));
  }
  state.cells.forEach(({ input }, i) => {
    input.value = number(kernel[i]);
    input.onchange = () => {
      const typed = Number(input.value.replace("\u2212", "-").replace(",", "."));
      if (input.value.trim() !== "" && Math.abs(typed) <= 1000) {
        kernel[i] = typed;
        convolve();
        show();
        setStateValue("weights", kernel);
      }
      input.value = number(kernel[i]);
    };
  });

  const move = (row, column) => {
    const clip = (one) => Math.max(0, Math.min(across - 1, one));
    state.at = [clip(row), clip(column)];
    show();
  };
  const play = find(".play");
  const run = (on) => {
    state.runs = on;
    clearInterval(state.timer);
    const next = () => {
      const [row, column] = state.at;
      move(...(column < across - 1 ? [row, column + 1] : [(row + 1) % across, 0]));
    };
    if (on) state.timer = setInterval(next, STEP_MS);
    find(".total").setAttribute("aria-live", on ? "off" : "polite");  // not sixteen times a second
    play.textContent = on ? "Pause" : "Slide the window";
  };
  play.onclick = () => run(!state.runs);
  const keys = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  for (const [name, count, middle] of [[".image", side, 1], [".result", across, 0]]) {
    const frame = find(name);
    frame.onpointermove = (event) => {
      const box = frame.getBoundingClientRect();
      run(false);
      move(Math.floor(((event.clientY - box.top) / box.height) * count) - middle,
           Math.floor(((event.clientX - box.left) / box.width) * count) - middle);
    };
    frame.onkeydown = (event) => {
      if (!(event.key in keys)) return;
      event.preventDefault();
      run(false);
      move(state.at[0] + keys[event.key][0], state.at[1] + keys[event.key][1]);
    };
  }
  const shades = Array.from({ length: 9 }, (_, i) => palette.slice(3 * Math.round(i * 31.875)).slice(0, 3));
  find(".bar").style.background = `linear-gradient(to right, ${shades.map((one) => `rgb(${one.join()})`).join()})`;
  find(".image canvas").setAttribute("aria-label", data.alt);
  find(".result canvas").setAttribute("aria-label", "Each place's sum, bright where it is large");
  draw(find(".image canvas"), side, (i) => [pixels[i], pixels[i], pixels[i]]);
  convolve();
  show();
  run(state.runs ?? !matchMedia("(prefers-reduced-motion: reduce)").matches);
  return () => clearInterval(state.timer);
}
