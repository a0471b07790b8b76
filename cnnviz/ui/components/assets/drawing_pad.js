const PATIENCE_MS = 800;  // after which a message is told again: one is lost while the page is drawn anew

export default function ({ parentElement, data, setTriggerValue }) {
  const pad = parentElement.querySelector(".pad"), canvas = pad.querySelector("canvas");
  const [undo, clear] = pad.querySelectorAll("button"), seen = pad.querySelector(".seen");
  const now = (pad.now ??= { strokes: data.strokes.map((one) => [...one]), n: data.turn, sent: data.turn,
    answered: data.turn, until: 0, pen: null });

  const paint = () => {
    const context = canvas.getContext("2d"), scale = 279 / 255;
    context.fillStyle = "#000";
    context.fillRect(0, 0, 280, 280);
    context.strokeStyle = "#fff";
    context.lineWidth = data.width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of now.strokes) {
      context.beginPath();
      context.moveTo(stroke[0] * scale, stroke[1] * scale);
      for (let at = 0; at < stroke.length; at += 2) context.lineTo(stroke[at] * scale, stroke[at + 1] * scale);
      context.stroke();
    }
    undo.disabled = clear.disabled = !now.strokes.length;
  };
  /** Tells the server of new strokes, one message at a time, and once they are answered lets the page follow. */
  const send = () => {
    clearTimeout(now.later);
    const waits = performance.now() < now.until;
    if (now.answered !== now.n) {
      if (!waits || now.sent === now.answered) tell("drawn", [now.n, now.strokes]);
    } else if (now.shown !== now.n) {
      if (!waits || now.told !== now.n) tell("settled", now.n);
    } else return;
    now.later = setTimeout(send, PATIENCE_MS);
  };
  const tell = (what, value) => {
    now[what === "drawn" ? "sent" : "told"] = now.n;
    now.until = performance.now() + PATIENCE_MS;
    now.set(what, value);
  };
  const changed = () => { now.n += 1; paint(); send(); };
  const add = (event) => {
    const box = canvas.getBoundingClientRect(), stroke = now.strokes.at(-1);
    const place = (from, length) => Math.max(0, Math.min(255, Math.round((from / length) * 255)));
    const x = place(event.clientX - box.left, box.width), y = place(event.clientY - box.top, box.height);
    const far = Math.hypot(x - stroke.at(-2), y - stroke.at(-1)) >= 3;
    if (!stroke.length || far) stroke.push(x, y);
    return !stroke.length || far;
  };
  now.set = setTriggerValue;
  canvas.setAttribute("aria-label", data.alt);
  canvas.onpointerdown = (event) => {
    if (event.button) return;
    canvas.setPointerCapture(event.pointerId);
    now.pen = event.pointerId;
    now.strokes.push([]);
    add(event);
    changed();
  };
  canvas.onpointermove = (event) => {
    if (now.pen !== event.pointerId) return;
    const points = event.getCoalescedEvents?.() || [];
    const more = (points.length ? points : [event]).map(add);
    if (more.some(Boolean)) changed();
  };
  canvas.onpointerup = canvas.onpointercancel = () => { now.pen = null; send(); };
  undo.onclick = () => { now.strokes.pop(); changed(); };
  clear.onclick = () => { now.strokes.length = 0; changed(); };

  const image = seen.querySelector("img");
  if (data.seen) image.src = data.seen; else image.removeAttribute("src");
  image.alt = data.seen ? data.caption : "";
  seen.querySelector("span").textContent = data.seen ? data.caption : "";
  pad.querySelector(".told").textContent = data.message || "";
  pad.querySelector(".answer").replaceChildren(...data.rows.flatMap(([name, width, words], nth) => {
    const cells = ["", "rail", ""].map((kind) => Object.assign(document.createElement("div"), { className: kind }));
    cells[0].textContent = name;
    cells[1].appendChild(document.createElement("i")).style.width = width + "%";
    cells[2].textContent = words;
    if (!nth) cells[0].className = cells[2].className = "first";
    return cells;
  }));
  paint();
  if (data.turn !== now.answered) now.until = 0;
  now.answered = data.turn;
  now.shown = data.shown;
  send();
}
