// What axe-core does not look at: WCAG 2.2, 1.4.12 (text spacing), 2.4.3 and 2.4.7 (focus), 2.5.8 (target size).
// Answers a list of [rule, element]; leaves the page as it was. Styles are set through the CSSOM, which the
// pages' policy allows.
() => {
  const wrong = [];
  const shown = (e) => e.checkVisibility({ checkVisibilityCSS: true }) && e.getClientRects().length > 0;
  const say = (rule, e) => wrong.push([rule, e.outerHTML.slice(0, 160)]);
  const reachable = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
    .filter((e) => shown(e) && !e.disabled);

  for (const e of reachable) if (e.tabIndex > 0) say("focus-order", e);

  const looks = (e) => {
    const at = (one, part) => { const s = getComputedStyle(one, part); return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.backgroundColor, s.borderColor].join(); };
    return at(e) + at(e.nextElementSibling ?? e, "::before");
  };
  const was = document.activeElement;
  for (const e of reachable) {
    if (e.tabIndex < 0) continue;
    document.activeElement.blur();
    const before = looks(e);
    e.focus();
    if (document.activeElement !== e) say("focus-taken", e);
    else if (looks(e) === before) say("focus-visible", e);
  }
  if (was && was !== document.body) was.focus();
  else { document.querySelector(".govuk-skip-link")?.focus(); document.activeElement.blur(); }

  const targets = reachable.filter((e) => e.tabIndex >= 0 && !e.classList.contains("govuk-skip-link"));
  const boxes = new Map(targets.map((e) => [e, e.getBoundingClientRect()]));
  const inSentence = (e) => getComputedStyle(e).display === "inline" &&
    [...e.parentElement.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  for (const [e, box] of boxes) {
    if ((box.width >= 24 && box.height >= 24) || inSentence(e)) continue;
    const x = box.x + box.width / 2, y = box.y + box.height / 2;
    for (const [other, its] of boxes) {
      if (other === e || e.contains(other) || other.contains(e)) continue;
      const dx = Math.max(its.x - x, 0, x - its.right), dy = Math.max(its.y - y, 0, y - its.bottom);
      if (Math.hypot(dx, dy) < 12) { say("target-size", e); break; }
    }
  }

  const all = [...document.body.querySelectorAll("*")].filter((e) => e.style);
  const kept = all.map((e) => e.style.cssText);
  for (const e of all) {
    e.style.setProperty("line-height", "1.5", "important");
    e.style.setProperty("letter-spacing", "0.12em", "important");
    e.style.setProperty("word-spacing", "0.16em", "important");
    if (e.tagName === "P") e.style.setProperty("margin-bottom", "2em", "important");
  }
  for (const e of all) {
    const { overflowX, overflowY, position } = getComputedStyle(e);
    const clips = (how) => how === "hidden" || how === "clip";
    if (!shown(e) || e.closest("svg, input, select, textarea") || (position === "absolute" && e.clientWidth <= 1)) continue;
    if ((clips(overflowX) && e.scrollWidth > e.clientWidth + 1) || (clips(overflowY) && e.scrollHeight > e.clientHeight + 1)) say("text-spacing", e);
  }
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) say("text-spacing-sideways", document.body);
  all.forEach((e, i) => { e.style.cssText = kept[i]; if (e.getAttribute("style") === "") e.removeAttribute("style"); });
  return wrong;
}
