export default function ({ parentElement, data, setTriggerValue }) {
  const strip = parentElement.querySelector(".strip"), drawn = JSON.stringify(data.blocks);
  if (strip.dataset.drawn !== drawn) {
    strip.replaceChildren(...data.blocks.map((block) => {
      const button = document.createElement("button"), body = document.createElement("i");
      const word = document.createElement("span");
      button.type = "button";
      button.title = block.words;
      button.setAttribute("aria-label", block.words.replaceAll("\n", ", "));
      body.style.cssText = `width:${block.width}px;height:${block.height}px;background:${block.colour}`;
      word.textContent = block.label;
      button.append(body, word);
      return button;
    }));
    strip.dataset.drawn = drawn;
    strip.dataset.at = "";
  }
  const buttons = [...strip.children];
  buttons.forEach((button, nth) => {
    button.setAttribute("aria-pressed", String(nth === data.at));
    button.tabIndex = nth === data.at ? 0 : -1;
    button.onclick = () => setTriggerValue("opened", nth);
  });
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
