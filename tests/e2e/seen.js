// What a person can see of a page and what they can't: an object with `counts`, what is drawn, and `faults`, sentences.
// `scrolls` are selectors of what may be wider than its box; `plain` of pictures that may have one colour.
({ scrolls, plain }) => {
  const faults = [], counts = { chart: 0, image: 0, drawing: 0, table: 0, component: 0 };
  const LEAST = 24, SLACK = 2;

  document.querySelector('[data-testid="stMain"]')?.scrollTo(0, 0);

  const parent = (node) => node.parentElement || (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  const up = function* (node) { for (let at = node; at; at = parent(at)) yield at; };
  const deep = function* (root) {
    for (const one of root.querySelectorAll("*")) {
      yield one;
      if (one.shadowRoot) yield* deep(one.shadowRoot);
    }
  };
  const nearest = (node, selector) => { for (const one of up(node)) if (one.matches(selector)) return one; return null; };
  const styles = new Map();
  const style = (node) => styles.get(node) ?? styles.set(node, getComputedStyle(node)).get(node);
  const box = (node) => node.getBoundingClientRect();
  const title = (node) => (node.getAttribute?.("alt") || node.getAttribute?.("aria-label") || node.textContent || "").trim()
    .replace(/\s+/g, " ").slice(0, 60) || `${node.tagName.toLowerCase()}.${String(node.className.baseVal ?? node.className).slice(0, 50)}`;
  // What is folded, in a tab that isn't open or only there for screen readers isn't on the page for the eye;
  // `aria-hidden` says nothing of that: Streamlit hides its labels' text from screen readers, which have it elsewhere.
  const away = new Map(); // a page has thousands of nodes within some dozens
  const put_away = (node) => {
    if (!node) return false;
    if (!away.has(node)) away.set(node, alone_away(node) || put_away(parent(node)));
    return away.get(node);
  };
  const alone_away = (one) => {
    if (one.matches('[data-testid="stSidebar"]') && box(one).right < LEAST) return true;
    const scripts = '.st-key-address_place, [class*="st-key-unseen_"], ' + // which draw nothing
      '.st-key-train_dropped_place, .st-key-train_scroll_place';
    if (one.matches(`[data-st-inactive], [inert], ${scripts}`)) return true;
    if (one.parentElement?.tagName === "DETAILS" && !one.parentElement.open && one.tagName !== "SUMMARY") return true;
    if (one.matches('[role="tabpanel"]') && (one.hidden || style(one).display === "none")) return true;
    if (one.matches('[data-testid="stTooltipContent"], [data-stale="true"], style, script, noscript')) return true;
    const face = style(one);
    return face.clipPath === "inset(50%)" || face.clip === "rect(0px, 0px, 0px, 0px)";
  };
  const unseen = new Map();
  const hidden = (node) => (style(node).visibility !== "visible" ? "hidden" : faded(node));
  const faded = (node) => {
    if (!node) return "";
    if (!unseen.has(node)) {
      const face = style(node);
      unseen.set(node, face.display === "none" ? "display: none" : +face.opacity < 0.05 ? "transparent" : faded(parent(node)));
    }
    return unseen.get(node);
  };
  const size = (r) => `${Math.round(r.width)}×${Math.round(r.height)} px`;
  const inside = (r, of, slack = SLACK) =>
    r.left >= of.left - slack && r.right <= of.right + slack && r.top >= of.top - slack && r.bottom <= of.bottom + slack;

  // How many colours a picture or a canvas has, two being enough.
  const colours = (source, width, height) => {
    const canvas = document.createElement("canvas");
    canvas.width = Math.min(width, 96);
    canvas.height = Math.min(height, 96);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.imageSmoothingEnabled = false;
    pen.drawImage(source, 0, 0, canvas.width, canvas.height);
    const words = new Uint32Array(pen.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return words.some((one) => one !== words[0]) ? 2 : 1;
  };

  const CARD = '[data-testid="stVerticalBlock"], [data-testid="stColumn"], [data-testid="stPopoverBody"], [role="dialog"], ' +
    '[data-testid="stExpanderDetails"], [data-testid="stMainBlockContainer"]';
  const drawn = (node, kind, least = LEAST) => {
    const r = box(node), away = hidden(node);
    if (away) return faults.push(`${kind} “${title(node)}” is ${away}`);
    if (r.width < least || r.height < least) return faults.push(`${kind} “${title(node)}” has ${size(r)}`);
    const card = nearest(parent(node), CARD);
    const scrolling = [...up(parent(node))].some((one) => one !== card && /auto|scroll/.test(style(one).overflow));
    if (card && !scrolling && !inside(r, box(card))) {
      const of = box(card);
      faults.push(`${kind} “${title(node)}” sticks out of its card: ` +
        `${[r.left - of.left, r.top - of.top, of.right - r.right, of.bottom - r.bottom].map(Math.round)} px`);
    }
    counts[kind] += 1;
  };

  const chart = (plot) => {
    drawn(plot, "chart");
    const areas = [...plot.querySelectorAll(".nsewdrag")].map(box);
    const marks = [...plot.querySelectorAll(".cartesianlayer path.js-line, .cartesianlayer .points path, .cartesianlayer .point path, .cartesianlayer image")];
    const seen = marks.some((mark) => {
      const r = box(mark), face = style(mark);
      const ink = mark.tagName === "image" || (face.stroke !== "none" && +face.strokeOpacity > 0.05) || (face.fill !== "none" && +face.fillOpacity > 0.05);
      return ink && r.width + r.height >= 3 && areas.some((area) => area.width >= LEAST && area.height >= LEAST && inside(r, area, 8));
    });
    if (!seen) faults.push(`chart “${title(plot)}” draws nothing (${marks.length} marks, ${areas.length} plotting areas)`);
  };

  const picture = (image) => {
    drawn(image, "image", image.matches(".colour-bar") ? 8 : LEAST);
    if (!image.complete || image.naturalWidth === 0) return faults.push(`image “${title(image)}” isn't loaded`);
    if (!image.matches(plain || ":not(*)") && colours(image, image.naturalWidth, image.naturalHeight) < 2)
      faults.push(`image “${title(image)}” has one colour`);
  };

  const everything = [...deep(document.body)];
  const shown = everything.filter((one) => !put_away(one));
  for (const one of shown) {
    if (one.matches(".js-plotly-plot")) chart(one);
    else if (one.tagName === "IMG") picture(one);
    else if (one.matches('[data-testid="stDataFrame"]')) {
      drawn(one, "table");
      const grid = one.querySelector('canvas[data-testid="data-grid-canvas"]');
      if (!grid || !grid.width || colours(grid, grid.width, grid.height) < 2) faults.push(`table “${title(one)}” draws nothing`);
    } else if (one.matches('[data-testid="stBidiComponentRegular"], [data-testid="stBidiComponentIsolated"]')) {
      drawn(one, "component");
    } else if (one.matches("table")) {
      if (!nearest(one, "canvas")) drawn(one, "table");
    } else if (one.matches('[role="img"]:not(img):not([data-testid="stIconMaterial"]):not([data-testid="stIconEmoji"]):not(i), svg.drawing')) {
      if (!one.closest(".js-plotly-plot") && !nearest(one, "button")) drawn(one, "drawing", 8);
    } else if (one.tagName === "CANVAS" && !nearest(one, '[data-testid="stDataFrame"]')) {
      drawn(one, "drawing");
      if (colours(one, one.width, one.height) < 2) faults.push(`canvas “${title(one)}” has one colour`);
    }
  }

  // What lies on another picture adds something to it.
  for (const one of shown.filter((node) => node.tagName === "IMG")) {
    for (const other of parent(one).querySelectorAll("img"))
      if (one !== other && one.src === other.src && inside(box(one), box(other), 0)) faults.push(`image “${title(one)}” is laid over itself`);
  }

  // Nothing scrolls sideways but what is marked as doing so.
  const across = (node) => scrolls.some((selector) => nearest(node, selector));
  if (document.documentElement.scrollWidth > innerWidth) faults.push(`the page is ${document.documentElement.scrollWidth} px wide`);
  for (const one of shown) {
    if (one instanceof SVGElement || across(one)) continue;
    const face = style(one);
    if (/auto|scroll/.test(face.overflowX) && one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)
      faults.push(`“${title(one)}” scrolls sideways: ${one.scrollWidth} px in ${one.clientWidth}`);
  }

  // No text is cut off unless a tooltip has all of it, and no two texts lie on each other.
  const whole = (node, text) => [...up(node)].slice(0, 6).some((one) => (one.getAttribute?.("title") || one.getAttribute?.("aria-label") || "").includes(text));
  const fixed = (node) => [...up(node)].find((one) => /sticky|fixed/.test(style(one).position)) || null;
  // The box of slanted words is larger than they are.
  const turned = (node) => (node instanceof SVGGraphicsElement ? Math.abs(node.getCTM()?.b ?? 0) : Math.abs(new DOMMatrix(style(node).transform).b)) > 0.01;
  const texts = [], aside = [];
  for (const one of shown) {
    if (one.closest(".js-plotly-plot .legend") || one.matches("option")) continue;
    for (const node of one.childNodes) {
      if (node.nodeType !== Node.TEXT_NODE || !node.data.trim() || hidden(one)) continue;
      const face = style(one);
      if (face.fontFamily.includes("Material Symbols")) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const words = node.data.trim().replace(/\s+/g, " ");
      const clip = [...up(one)].find((at) => style(at).overflowX !== "visible" && !(at instanceof SVGElement) && at !== document.documentElement);
      for (const r of range.getClientRects()) {
        if (r.width < 1 || r.height < 1 || r.bottom + scrollY < 0) continue;
        if (!across(one)) {
          if (r.right > innerWidth + 1 || r.left < -1) faults.push(`“${words.slice(0, 60)}” leaves the window`);
          else if (clip && !one.matches("input, textarea") && (r.right > box(clip).right + SLACK || r.left < box(clip).left - SLACK) && !whole(one, words))
            faults.push(`“${words.slice(0, 60)}” is cut off by ${Math.round(Math.max(r.right - box(clip).right, box(clip).left - r.left))} px`);
        }
        const seen = clip ? box(clip) : { left: 0, right: innerWidth };
        if (clip && /hidden|clip/.test(style(clip).overflowY) && (r.bottom > box(clip).bottom + 4 || r.top < box(clip).top - 4) && !whole(one, words))
          faults.push(`“${words.slice(0, 60)}” is cut off below or above`);
        const cut = clip && !clip.matches('[data-testid="stMain"]') && (r.top >= seen.bottom || r.bottom <= seen.top);
        if (r.left < seen.right && r.right > seen.left && !cut) texts.push({ r, words, one, fixed: fixed(one) });
        else if (across(one)) aside.push(one); // a person scrolls to it
      }
    }
  }
  texts.sort((a, b) => a.r.top - b.r.top);
  for (let i = 0; i < texts.length; i++) {
    const a = texts[i];
    for (let j = i + 1; j < texts.length && texts[j].r.top < a.r.bottom; j++) {
      const b = texts[j];
      if (a.one === b.one || a.fixed !== b.fixed || turned(a.one) || turned(b.one)) continue;
      const wide = Math.min(a.r.right, b.r.right) - Math.max(a.r.left, b.r.left);
      const high = Math.min(a.r.bottom, b.r.bottom) - b.r.top;
      if (wide > 3 && high > 0.3 * Math.min(a.r.height, b.r.height))
        faults.push(`“${a.words.slice(0, 40)}” and “${b.words.slice(0, 40)}” lie on each other`);
    }
  }

  // Every control has a name beside its icon.
  for (const one of shown) {
    if (!one.matches('button, a[href], input, [role="button"], [role="slider"], [role="combobox"], textarea') || hidden(one)) continue;
    const labelled = one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") || one.title || one.labels?.length || one.placeholder;
    const bare = one.cloneNode(true);
    bare.querySelectorAll('[data-testid="stIconMaterial"], [data-testid="stIconEmoji"]').forEach((icon) => icon.remove());
    if (!labelled && !bare.textContent.trim() && !one.querySelector("img[alt]:not([alt=''])") && one.type !== "file")
      faults.push(`a control has no name: ${one.outerHTML.slice(0, 120)}`);
  }

  // Nothing failed, and nothing still runs.
  for (const one of shown) {
    if (one.matches('[data-testid="stException"]')) faults.push(`an exception: ${title(one)}`);
    if (one.matches('[data-testid="stSpinner"], [data-testid="stSkeleton"]')) faults.push(`still running: ${title(one)}`);
  }
  const typed = shown.filter((one) => one.matches("input") && !hidden(one) && one.value);
  for (const one of typed) {
    if (one.scrollWidth > one.clientWidth + 1 && one.type !== "range" && !whole(one, one.value))
      faults.push(`“${one.value}” is cut off by ${one.scrollWidth - one.clientWidth} px in its field`);
  }
  return { counts, faults: [...new Set(faults)], text: [...typed.map((one) => one.value), ...new Set([...texts.map(({ one }) => one), ...aside].map((one) => (one.closest("p, pre, label, button, h1, h2, h3, td, figcaption") || one).textContent.replace(/\s+/g, " ")))].join("\n") };
}
