// Tells how the chart in the same container is zoomed; the chart that takes its place is drawn so.
const zooms = new WeakMap();  // of each container, as charts come and go in it

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.getRootNode(), inner = root instanceof ShadowRoot ? root.host : parentElement;
  const place = inner.closest('[class*="st-key-chart_zoom_"]');
  zooms.set(place, { ...data.zoom });
  const listen = (chart) => {
    if (chart.dataset.heard || !chart.on) return;
    chart.dataset.heard = "yes";
    chart.on("plotly_relayout", (change) => {
      const ranges = zooms.get(place), before = JSON.stringify(ranges);
      for (const [name, value] of Object.entries(change)) {
        const [, axis, what, end] = /^([xy]axis\d*)\.(range|autorange)(?:\[([01])\])?$/.exec(name) ?? [];
        if (!axis) continue;
        const key = chart.layout[axis].type === "log" ? `${axis}:log` : axis;
        if (what === "autorange") delete ranges[key];
        else if (end === undefined) ranges[key] = value.map(Number);
        else (ranges[key] ??= chart.layout[axis].range.map(Number))[end] = Number(value);
      }
      if (JSON.stringify(ranges) !== before) setStateValue("ranges", { ...ranges });
    });
  };
  // A chart that is replaced under the pointer doesn't hear where that is let go: what was dragged over is zoomed here.
  place.onpointerdown = (event) => {
    const chart = event.target.closest(".js-plotly-plot"), area = event.target.closest(".nsewdrag");
    if (!chart || !area) return;
    const { left, width } = area.getBoundingClientRect(), [low, high] = chart.layout.xaxis.range.map(Number);
    const at = (x) => low + Math.max(0, Math.min(1, (x - left) / width)) * (high - low);
    addEventListener("pointerup", (end) => {
      if (chart.isConnected || Math.abs(end.clientX - event.clientX) < 10) return;
      const xaxis = [at(event.clientX), at(end.clientX)].sort((one, other) => one - other);
      setStateValue("ranges", { ...zooms.get(place), xaxis });
    }, { once: true, capture: true });
  };
  const look = () => place.querySelectorAll(".js-plotly-plot").forEach(listen);
  const watching = new MutationObserver(look);
  watching.observe(place, { childList: true, subtree: true });
  look();
  return () => watching.disconnect();
}
