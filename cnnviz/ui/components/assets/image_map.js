const NEAR = 14, MARGIN = 12, NEIGHBOURS = 12;
const kept = new WeakMap(); // what a map showed last, so that a redraw changes nothing that is the same

export default function ({ parentElement, data, setTriggerValue }) {
  const canvas = parentElement.querySelector("canvas"), thumb = parentElement.querySelector(".thumb");
  const legend = parentElement.querySelector(".legend"), said = parentElement.querySelector(".said");
  const state = kept.get(canvas) || { at: -1, path: null };
  kept.set(canvas, state);
  state.data = data;
  const { points, titles, groups } = data;
  canvas.style.setProperty("--height", data.height + "px");
  canvas.setAttribute("aria-label", data.alt);
  legend.replaceChildren();
  groups.forEach((group) => {
    const one = document.createElement("span"), dot = document.createElement("i");
    one.setAttribute("role", "listitem");
    dot.style.background = group.colour;
    one.append(dot, group.name);
    legend.append(one);
  });
  const place = (i) => [
    MARGIN + points[i][0] * (canvas.clientWidth - 2 * MARGIN), MARGIN + points[i][1] * (canvas.clientHeight - 2 * MARGIN),
  ];
  const draw = () => {
    const wide = canvas.clientWidth, high = canvas.clientHeight, scale = window.devicePixelRatio || 1;
    if (!wide) return;
    if (canvas.width !== Math.round(wide * scale)) canvas.width = Math.round(wide * scale);
    if (canvas.height !== Math.round(high * scale)) canvas.height = Math.round(high * scale);
    const pen = canvas.getContext("2d"), look = getComputedStyle(canvas);
    const ink = look.getPropertyValue("--st-text-color") || "#888";
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, wide, high);
    const size = points.length > 2000 ? 2.6 : points.length > 500 ? 3.4 : 4.6;
    const order = points.map((_, i) => i).sort((a, b) => groups[points[a][2]].above - groups[points[b][2]].above);
    for (const i of order) {
      const [x, y] = place(i), group = groups[points[i][2]];
      pen.globalAlpha = group.faint ? 0.35 : 0.85;
      pen.fillStyle = group.colour;
      pen.beginPath();
      pen.arc(x, y, group.faint ? size * 0.8 : size, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    pen.strokeStyle = ink;
    pen.lineWidth = 1.2;
    for (const i of data.chosen) {
      const [x, y] = place(i);
      pen.beginPath();
      pen.arc(x, y, size + 2, 0, 7);
      pen.stroke();
    }
    if (state.at >= 0) {
      const [x, y] = place(state.at);
      pen.lineWidth = 2.5;
      pen.beginPath();
      pen.arc(x, y, size + 4, 0, 7);
      pen.stroke();
    }
    if (state.path) {
      pen.lineWidth = 1.5;
      pen.beginPath();
      state.path.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)));
      pen.closePath();
      pen.stroke();
      pen.globalAlpha = 0.12;
      pen.fillStyle = ink;
      pen.fill();
      pen.globalAlpha = 1;
    }
  };
  const nearest = (x, y, count) => points
    .map((_, i) => { const [a, b] = place(i); return [Math.hypot(a - x, b - y), i]; })
    .sort((a, b) => a[0] - b[0]).slice(0, count);
  const show = (i) => {
    state.at = i;
    thumb.hidden = i < 0;
    if (i >= 0) {
      const [x, y] = place(i), column = i % data.columns, row = Math.floor(i / data.columns);
      const side = thumb.clientWidth - 10;
      const picture = thumb.querySelector("b");
      picture.style.height = side + "px";
      picture.style.background = `url(${data.sprite}) -${column * side}px -${row * side}px / ${data.columns * side}px auto`;
      thumb.querySelector("span").textContent = titles[i];
      const right = x + 20 + thumb.offsetWidth > canvas.clientWidth;
      thumb.style.left = Math.max(0, right ? x - 14 - thumb.offsetWidth : x + 14) + "px";
      thumb.style.top = Math.max(0, Math.min(y - 20, canvas.clientHeight - thumb.offsetHeight)) + "px";
    }
    draw();
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const inside = ([x, y], path) => {
    let odd = false;
    for (let k = 0, j = path.length - 1; k < path.length; j = k++) {
      const [a, b] = path[k], [c, d] = path[j];
      if (b > y !== d > y && x < ((c - a) * (y - b)) / (d - b) + a) odd = !odd;
    }
    return odd;
  };
  const choose = (chosen) => {
    said.textContent = `${chosen.length} images chosen`;
    setTriggerValue("chosen", chosen);
  };
  canvas.onpointerdown = (event) => {
    if (event.button || event.pointerType === "touch") return;
    state.path = [at(event)];
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointermove = (event) => {
    const [x, y] = at(event);
    if (state.path) {
      state.path.push([x, y]);
      thumb.hidden = true;
      return draw();
    }
    const [found] = nearest(x, y, 1);
    const i = found && found[0] < NEAR ? found[1] : -1;
    if (i !== state.at) show(i);
  };
  canvas.onpointerup = (event) => {
    const path = state.path || [];
    state.path = null;
    const far = path.some(([x, y]) => Math.hypot(x - path[0][0], y - path[0][1]) > 8);
    if (far) choose(points.map((_, i) => i).filter((i) => inside(place(i), path)));
    else choose(nearest(...at(event), NEIGHBOURS).map((one) => one[1]));
    draw();
  };
  canvas.onpointercancel = () => { state.path = null; draw(); };
  canvas.onpointerleave = () => { if (!state.path) show(-1); };
  canvas.onkeydown = (event) => {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === "Enter" && state.at >= 0) choose(nearest(...place(state.at), NEIGHBOURS).map((one) => one[1]));
    else if (event.key === "Escape") show(-1);
    else if (way) {
      const [x, y] = state.at < 0 ? [canvas.clientWidth / 2, canvas.clientHeight / 2] : place(state.at);
      let best = -1, least = Infinity;
      points.forEach((_, i) => {
        if (i === state.at) return;
        const [a, b] = place(i), along = (a - x) * way[0] + (b - y) * way[1];
        const aside = Math.abs((a - x) * way[1]) + Math.abs((b - y) * way[0]);
        const cost = along + 2 * aside;
        if (along > 0 && cost < least) [best, least] = [i, cost];
      });
      if (best >= 0) { show(best); said.textContent = titles[best]; }
    } else return;
    event.preventDefault();
  };
  parentElement.querySelector(".save").onclick = () => {
    const link = document.createElement("a");
    link.download = data.file;
    link.href = canvas.toDataURL("image/png");
    link.click();
  };
  const watch = new ResizeObserver(() => draw());
  watch.observe(canvas);
  draw();
  return () => watch.disconnect();
}
