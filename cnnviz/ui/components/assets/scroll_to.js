const done = { turn: 0 }; // each once, however often it is drawn

export default function ({ data }) {
  if (data.turn === done.turn) return;
  done.turn = data.turn;
  const scroll = () => {
    const found = document.querySelector(data.to);
    if (!found) return;
    found.style.scrollMarginTop = "4.5rem"; // below the bar at the top
    found.scrollIntoView({ block: "start" });
  };
  scroll();
  setTimeout(scroll, 400); // what stands above may just have got its images
}
