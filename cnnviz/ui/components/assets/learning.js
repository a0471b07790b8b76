const PLAY = "M8 5v14l11-7z", PAUSE = "M6 5h4v14H6zm8 0h4v14h-4z";
const HELD = 2500;  // milliseconds that the end is shown before it begins anew
const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
const make = (name, into, kind) => {
  const made = into.appendChild(name === "svg" || name === "path"
    ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name));
  if (kind) made.setAttribute("class", kind);
  return made;
};

export default function ({ parentElement, data }) {
  const film = parentElement.querySelector(".film");
  if (film.dataset.key === data.key) return;  // it plays on
  film.dataset.key = data.key;
  film.setAttribute("aria-label", data.alt);
  const [height, width] = data.cam, area = height * width, count = data.images.length, last = data.moments.length - 1;
  const cams = bytes(data.cams), colours = bytes(data.colours);
  const along = (place) => Math.sqrt(place / data.end);  // most is learned in the first epochs

  const images = film.querySelector(".images");
  images.replaceChildren();
  const cells = data.images.map((image) => {
    const cell = make("div", images, "image"), layers = make("div", cell, "layers");
    cell.setAttribute("role", "listitem");
    const seen = make("img", layers);
    seen.src = image.address;
    seen.alt = image.alt;
    const canvas = make("canvas", layers);
    [canvas.width, canvas.height] = [width, height];
    canvas.setAttribute("aria-hidden", "true");
    const context = canvas.getContext("2d");
    return { context, pixels: context.createImageData(width, height), answer: make("span", cell, "answer") };
  });

  const curves = film.querySelector(".curves");
  curves.replaceChildren();
  const charts = data.curves.map((curve) => {
    const figure = make("figure", curves, "curve"), caption = make("figcaption", figure);
    make("strong", caption).textContent = curve.name;
    const svg = make("svg", figure);
    svg.setAttribute("viewBox", "0 0 100 100");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const highest = curve.share ? 1 : Math.max(...curve.training.concat(curve.validation).map(([, value]) => value));
    const write = (value) => curve.share ? `${(100 * value).toFixed(1)} %` : value.toFixed(3);
    const lines = ["training", "validation"].map((name) => ({
      name, points: curve[name], words: make("span", caption, name), path: make("path", svg, name),
    }));
    return { lines, highest, write };
  });

  const button = film.querySelector("button"), slider = film.querySelector("input"), told = film.querySelector("output");
  slider.max = last;
  let at = 0, playing = false, before = 0, held = 0, drawn = -1;

  const show = () => {
    const nearest = Math.min(last, Math.floor(at)), next = Math.min(last, nearest + 1), share = at - nearest;
    cells.forEach(({ context, pixels }, nth) => {
      const [from, to] = [nearest, next].map((one) => (one * count + nth) * area);
      for (let pixel = 0; pixel < area; pixel++) {
        const level = Math.round(cams[from + pixel] * (1 - share) + cams[to + pixel] * share);
        pixels.data.set(colours.subarray(3 * level, 3 * level + 3), 4 * pixel);
        pixels.data[4 * pixel + 3] = 0.75 * level;  // what is no evidence leaves the image as it is
      }
      context.putImageData(pixels, 0, 0);
    });
    if (nearest === drawn) return;
    drawn = nearest;
    const moment = data.moments[nearest];
    cells.forEach(({ answer }, nth) => {
      const { text, right } = moment.answers[nth];
      answer.textContent = (right ? "✓ " : "✗ ") + text;
      answer.className = right ? "answer" : "answer wrong";
    });
    for (const { lines, highest, write } of charts) {
      for (const { name, points, words, path } of lines) {
        const past = points.filter(([place]) => place <= moment.place + 1e-9);
        path.setAttribute("d", past.map(([place, value], nth) =>
          `${nth ? "L" : "M"}${(100 * along(place)).toFixed(2)} ${(100 - 100 * value / highest).toFixed(2)}`).join(""));
        words.textContent = `${name} ${past.length ? write(past[past.length - 1][1]) : "–"}`;
      }
    }
    slider.value = nearest;
    slider.setAttribute("aria-valuetext", moment.label);
    told.textContent = moment.label;
  };
  const tick = (now) => {
    if (!playing || !film.isConnected || film.dataset.key !== data.key) return;
    const passed = Math.max(0, now - before);
    before = now;
    if (at < last) at = Math.min(last, at + passed * last / (1000 * data.seconds));
    else if ((held += passed) > HELD) [at, held] = [0, 0];
    show();
    requestAnimationFrame(tick);
  };
  const turn = (on) => {
    playing = on;
    if (on && at >= last) at = 0;
    button.querySelector("path").setAttribute("d", on ? PAUSE : PLAY);
    button.querySelector("span").textContent = on ? "Pause" : "Play";
    if (on) [before, held] = [performance.now(), 0], requestAnimationFrame(tick);
  };
  button.onclick = () => turn(!playing);
  slider.oninput = () => {
    turn(false);
    at = Number(slider.value);
    show();
  };
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  at = still ? last : 0;
  show();
  turn(!still);
}
