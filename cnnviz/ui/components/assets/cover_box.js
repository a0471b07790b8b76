export default function ({ parentElement, data, setTriggerValue }) {
  const frame = parentElement.querySelector(".frame"), image = frame.querySelector("img");
  const cover = frame.querySelector(".box"), handle = frame.querySelector(".handle");
  const words = parentElement.querySelector(".words");
  // What outlives a drawing: the box, how it is being dragged, since when an answer is awaited, and what waits for that.
  const state = (frame.state ??= { box: data.box, drag: null, since: 0, next: null });
  if (image.src !== data.image) image.src = data.image;
  image.alt = data.alt;
  frame.style.setProperty("--shape", data.shape);
  cover.setAttribute("style", data.fill);
  const clip = (one, low, high) => Math.max(low, Math.min(high, one));
  const draw = () => {
    const [left, top, width, height] = state.box;
    Object.assign(cover.style, { left: left + "%", top: top + "%", width: width + "%", height: height + "%" });
    const where = `${left} % from the left, ${top} % from the top, ${width} × ${height} %`;
    cover.setAttribute("aria-label", `Cover: ${where}`);
    words.textContent = `${where}. Drag it, or press arrow keys to move it, with Shift to size it.`;
  };
  const tell = (rests) => {
    if (state.since && Date.now() - state.since < 3000) { state.next = { rests: rests || !!state.next?.rests }; return; }
    state.since = Date.now();
    state.next = null;
    state.sent = String(state.box);
    setTriggerValue("moved", [...state.box, +rests]);
    // A message is lost where it comes while the whole page is drawn anew; the same box once more costs nothing.
    clearTimeout(state.timer);
    state.timer = setTimeout(() => { if (state.since) { state.since = 0; tell(true); } }, 3000);
  };
  const put = (box, rests) => { state.box = box; draw(); tell(rests); };
  if (!state.since || state.sent === String(data.box)) { // the answer, or the page's own: not that to an earlier message
    state.since = 0;
    if (state.next) tell(state.next.rests);
    else if (!state.drag) state.box = data.box;
  }
  draw();

  const at = (event) => {
    const area = image.getBoundingClientRect();
    return [clip(Math.round((100 * (event.clientX - area.left)) / area.width), 0, 100),
            clip(Math.round((100 * (event.clientY - area.top)) / area.height), 0, 100)];
  };
  const dragged = ({ kind, from, box }, [x, y]) => {
    const [left, top, width, height] = box, { least } = data;
    if (kind === "move")
      return [clip(left + x - from[0], 0, 100 - width), clip(top + y - from[1], 0, 100 - height), width, height];
    if (kind === "size")
      return [left, top, clip(width + x - from[0], least, 100 - left), clip(height + y - from[1], least, 100 - top)];
    const start = from.map((one) => clip(one, 0, 100 - least));
    const [first, second] = [x, y].map((one, axis) => clip(Math.min(one, start[axis]), 0, 100 - least));
    return [first, second, clip(Math.abs(x - start[0]), least, 100 - first), clip(Math.abs(y - start[1]), least, 100 - second)];
  };
  frame.onpointerdown = (event) => {
    if (event.button) return;
    const kind = event.target === handle ? "size" : event.target === cover ? "move" : "new";
    state.drag = { kind, from: at(event), box: state.box, moved: false };
    frame.setPointerCapture(event.pointerId);
    cover.focus({ preventScroll: true });
    event.preventDefault();
  };
  frame.onpointermove = (event) => {
    if (!state.drag) return;
    const to = at(event);
    if (!state.drag.moved && to.every((one, axis) => Math.abs(one - state.drag.from[axis]) < 1)) return;
    state.drag.moved = true;
    put(dragged(state.drag, to), false);
  };
  frame.onpointerup = (event) => {
    const drag = state.drag;
    state.drag = null;
    if (!drag) return;
    if (drag.moved) return tell(true);
    if (drag.kind !== "new") return;
    const [, , width, height] = state.box, [x, y] = at(event);
    put([clip(Math.round(x - width / 2), 0, 100 - width), clip(Math.round(y - height / 2), 0, 100 - height), width, height], true);
  };
  frame.onpointercancel = () => { if (state.drag?.moved) tell(true); state.drag = null; };
  const STEP = 2, ways = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  cover.onkeydown = (event) => {
    const way = ways[event.key];
    if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const from = [50, 50];
    put(dragged({ kind: event.shiftKey ? "size" : "move", from, box: state.box }, [50 + way[0], 50 + way[1]]), false);
  };
  cover.onkeyup = (event) => { if (ways[event.key]) tell(true); };
}
